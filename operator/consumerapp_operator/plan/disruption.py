"""A PodDisruptionBudget for each workload: a drained node takes one replica at a time."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import selector
from consumerapp_operator.plan.pods import metadata
from consumerapp_operator.plan.workloads import workloads


def disruption_budgets(app: ConsumerApp) -> list[dict[str, Any]]:
    """The budgets. None ever forbids all evictions, which would hang the drain of a node for ever."""
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(app, workload.component, workload.name, workload.object_name),
            "spec": {
                "maxUnavailable": 1,
                # A pod that does not work serves nobody: it must not keep a node from being drained.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": {"matchLabels": selector(app.name, workload.component, workload.name)},
            },
        }
        for workload in workloads(app)
    ]
