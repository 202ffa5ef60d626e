"""A worker: a Deployment like a service's, without an address: it fetches its work."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_WORKER, Names, labels, selector
from consumerapp_operator.api.worker import Worker
from consumerapp_operator.plan.environment import worker_environment
from consumerapp_operator.plan.pods import (
    metadata,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
    topology_spread,
)
from consumerapp_operator.plan.service import probes

CONTAINER = "worker"


def worker_deployment(app: ConsumerApp, worker: Worker) -> dict[str, Any]:
    """The Deployment. It has no `replicas`: the scaler alone writes counts."""
    selected = selector(app.name, COMPONENT_WORKER, worker.name)
    name = Names(app.name).service(worker.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(app, COMPONENT_WORKER, worker.name, name),
        "spec": {
            "selector": {"matchLabels": selected},
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 300,
            # Nobody waits for an answer: room for a second one is not needed while the image changes.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%", "maxSurge": "25%"}},
            "template": {
                "metadata": {"labels": labels(app.name, COMPONENT_WORKER, worker.name)},
                "spec": {
                    **restricted_pod(),
                    "serviceAccountName": name,
                    "terminationGracePeriodSeconds": worker.termination_grace_period_seconds,
                    "topologySpreadConstraints": topology_spread(selected),
                    "containers": [_container(app, worker)],
                    "volumes": [temporary_volume()],
                },
            },
        },
    }


def _container(app: ConsumerApp, worker: Worker) -> dict[str, Any]:
    container = {
        "name": CONTAINER,
        "image": worker.image,
        **({"command": list(worker.command)} if worker.command else {}),
        **restricted_container(),
        "env": worker_environment(app, worker),
        "resources": resources(worker.resources),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    if worker.health:
        container |= {
            "ports": [{"name": "http", "containerPort": worker.port, "protocol": "TCP"}],
            **probes(worker.health),
        }
    return container
