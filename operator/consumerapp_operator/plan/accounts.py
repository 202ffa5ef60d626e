"""A ServiceAccount for each workload, so that none shares rights with another. None has a token by itself."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.plan.pods import metadata
from consumerapp_operator.plan.workloads import workloads


def accounts(app: ConsumerApp) -> list[dict[str, Any]]:
    """The accounts, named like the workloads. A migration runs under its service's."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(app, workload.component, workload.name, workload.object_name),
            "automountServiceAccountToken": False,
        }
        for workload in workloads(app)
    ]
