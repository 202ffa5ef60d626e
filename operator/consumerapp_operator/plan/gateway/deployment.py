"""The Deployment of the gateway."""

from __future__ import annotations

import math
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Resources
from consumerapp_operator.api.names import COMPONENT_GATEWAY, GROUP, Names, labels, selector
from consumerapp_operator.api.quantity import parse_quantity
from consumerapp_operator.plan.gateway.bootstrap import ALIVE_PATH
from consumerapp_operator.plan.gateway.drain import DRAIN_FILE, GRACE_SECONDS
from consumerapp_operator.plan.gateway.exposure import ADMIN_PORT_NAME, HTTP_PORT, INTERNAL_PORT_NAME
from consumerapp_operator.plan.gateway.listeners import READY_PATH
from consumerapp_operator.plan.gateway.placement import IN_POD
from consumerapp_operator.plan.model import Images, Manifest
from consumerapp_operator.plan.pods import (
    metadata,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
    topology_spread,
)

BOOTSTRAP_FILE = "bootstrap.yaml"
# In the pod template: what Envoy reads only when it starts must start it again.
ANNOTATION_BOOTSTRAP = f"{GROUP}/bootstrap-hash"
_CONFIGURATION_VOLUME = "configuration"


def deployment(app: ConsumerApp, images: Images, bootstrap_hash: str) -> Manifest:
    """The gateway's pods; the replica count is the scaler's."""
    name = Names(app.name).gateway
    selected = selector(app.name, COMPONENT_GATEWAY, "gateway")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(app, COMPONENT_GATEWAY, "gateway", name),
        "spec": {
            "selector": {"matchLabels": selected},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "revisionHistoryLimit": 3,
            "template": {
                "metadata": {
                    "labels": labels(app.name, COMPONENT_GATEWAY, "gateway"),
                    "annotations": {ANNOTATION_BOOTSTRAP: bootstrap_hash},
                },
                "spec": {
                    **restricted_pod(),
                    "serviceAccountName": name,
                    "terminationGracePeriodSeconds": GRACE_SECONDS,
                    "topologySpreadConstraints": topology_spread(selected),
                    "containers": [_container(app, images)],
                    "volumes": [
                        # The whole directory: a file mounted by subPath is never refreshed.
                        {"name": _CONFIGURATION_VOLUME, "configMap": {"name": name}},
                        temporary_volume(),
                    ],
                },
            },
        },
    }


def memory_limit_bytes(wanted: Resources) -> int | None:
    """The container's memory limit, None without one."""
    return int(parse_quantity(wanted.limits.memory)) if wanted.limits.memory is not None else None


def _container(app: ConsumerApp, images: Images) -> dict[str, Any]:
    gateway = app.spec.gateway
    return {
        "name": "envoy",
        "image": gateway.image or images.gateway,
        **restricted_container(),
        "command": ["envoy"],
        "args": [
            "--config-path",
            IN_POD.file(BOOTSTRAP_FILE),
            "--service-cluster",
            app.name,
            "--service-node",
            "$(POD_NAME)",
            "--concurrency",
            str(workers(gateway.resources)),
            # It would need shared memory, and one process a pod needs no hand-over.
            "--disable-hot-restart",
            # How long an old listener finishes its requests after its definition changed, and a whole pod:
            # longer than drain.py waits. Every response says `Connection: close`, not a growing share of them.
            "--drain-time-s",
            "60",
            "--drain-strategy",
            "immediate",
            # A field that this Envoy does not know is an error to be seen, not a setting silently lost.
            "--reject-unknown-dynamic-fields",
            "--log-level",
            "warning",
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            {"name": HTTP_PORT, "containerPort": IN_POD.public, "protocol": "TCP"},
            {"name": INTERNAL_PORT_NAME, "containerPort": IN_POD.internal, "protocol": "TCP"},
            {"name": ADMIN_PORT_NAME, "containerPort": IN_POD.stats, "protocol": "TCP"},
        ],
        # Started: Envoy has resolved its clusters and opened its listeners, which takes as long as DNS does.
        "startupProbe": _probe(ALIVE_PATH, ADMIN_PORT_NAME, period=1, failures=60),
        # Envoy's own /ready is content with no routes at all; this path exists in loaded routes only.
        "readinessProbe": _probe(READY_PATH, HTTP_PORT, period=2, failures=2),
        "livenessProbe": _probe(ALIVE_PATH, ADMIN_PORT_NAME, period=10, failures=3),
        "lifecycle": {"preStop": {"exec": {"command": ["bash", IN_POD.file(DRAIN_FILE)]}}},
        "resources": resources(gateway.resources),
        "volumeMounts": [
            {"name": _CONFIGURATION_VOLUME, "mountPath": IN_POD.directory, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }


def workers(wanted: Resources) -> int:
    """Envoy's worker threads: the CPUs it may use; two where nothing limits it, not one per CPU of the node."""
    if wanted.limits.cpu is not None:
        return max(1, math.ceil(parse_quantity(wanted.limits.cpu)))
    return max(2, math.ceil(parse_quantity(wanted.requests.cpu or "0")))


def _probe(path: str, port: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
