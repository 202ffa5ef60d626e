"""A service: its Deployment, without a replica count, and its headless Service, in which Envoy finds the replicas."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_SERVICE, Names, labels, selector
from consumerapp_operator.api.service import Health, Service
from consumerapp_operator.plan.environment import environment
from consumerapp_operator.plan.pods import (
    metadata,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
    topology_spread,
)

CONTAINER = "service"

# A replica that is stopped goes on serving until every gateway has dropped it: its address leaves the Service's DNS
# record (about 1 s on a busy cluster), Envoy asks again every second, and a record may be cached for a few more. Only
# then comes SIGTERM. With 4 s nothing was lost on an idle machine; this is twice as much.
DRAIN_SECONDS = 8


def service_objects(app: ConsumerApp, service: Service) -> list[dict[str, Any]]:
    """The Service alone; the Deployment is apart, for a migration may hold it back."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(app, COMPONENT_SERVICE, service.name, Names(app.name).service(service.name)),
            "spec": {
                "clusterIP": "None",
                "selector": selector(app.name, COMPONENT_SERVICE, service.name),
                "ports": [{"name": "http", "port": service.port, "targetPort": "http", "protocol": "TCP"}],
            },
        }
    ]


def deployment(app: ConsumerApp, service: Service) -> dict[str, Any]:
    """The Deployment. It has no `replicas`: the scaler alone writes counts."""
    selected = selector(app.name, COMPONENT_SERVICE, service.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(app, COMPONENT_SERVICE, service.name, Names(app.name).service(service.name)),
        "spec": {
            "selector": {"matchLabels": selected},
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 300,
            # Never fewer than the scaler wants, not even while the image changes.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "template": {
                "metadata": {"labels": labels(app.name, COMPONENT_SERVICE, service.name)},
                "spec": {
                    **restricted_pod(),
                    "serviceAccountName": Names(app.name).service(service.name),
                    "terminationGracePeriodSeconds": DRAIN_SECONDS + service.termination_grace_period_seconds,
                    "topologySpreadConstraints": topology_spread(selected),
                    "containers": [_container(app, service)],
                    "volumes": [temporary_volume()],
                },
            },
        },
    }


def _container(app: ConsumerApp, service: Service) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": service.image,
        **({"command": list(service.command)} if service.command else {}),
        **restricted_container(),
        "env": environment(app, service),
        "ports": [{"name": "http", "containerPort": service.port, "protocol": "TCP"}],
        "resources": resources(app.spec.resources_of(service)),
        **probes(service.health),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }


def probes(health: Health) -> dict[str, Any]:
    """The three probes of a container whose port is named `http`."""
    return {
        # Asked every second, so that a new replica helps as soon as it can; two minutes for a slow start.
        "startupProbe": _probe(health.liveness, period=1, timeout=2, failures=120),
        "readinessProbe": _probe(health.readiness, period=3, timeout=2, failures=2),
        # Slow to judge: a restart in the middle of a surge takes away what is short.
        "livenessProbe": _probe(health.liveness, period=10, timeout=5, failures=3),
    }


def _probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
