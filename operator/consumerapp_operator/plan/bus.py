"""The event bus: NATS JetStream, a StatefulSet whose members each keep the streams on a volume of their own.

It has no password, as the cache has none: who may connect is the NetworkPolicy's affair, which lets in the services
that publish, the workers and the operator.
"""

from __future__ import annotations

import hashlib
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, DeletionPolicy
from consumerapp_operator.api.bus import Bus
from consumerapp_operator.api.names import (
    ANNOTATION_CONFIGURATION,
    COMPONENT_BUS,
    NATS_CLUSTER_PORT,
    NATS_MONITOR_PORT,
    NATS_PORT,
    Names,
    labels,
    selector,
)
from consumerapp_operator.plan.pods import (
    canonical_quantity,
    mebibytes,
    metadata,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
    topology_spread,
)

NAME, CONTAINER, VOLUME, FILE = "bus", "nats", "data", "nats.conf"
MIN_STORAGE_MEBIBYTES = 64


def bus_objects(app: ConsumerApp, bus: Bus, image: str) -> list[dict[str, Any]]:
    """Configuration, Services and StatefulSet. `image` is the operator's own, used if the spec names none."""
    names = Names(app.name)
    meta = metadata(app, COMPONENT_BUS, NAME, names.bus)
    selected = selector(app.name, COMPONENT_BUS, NAME)
    client = {"name": "nats", "port": NATS_PORT, "targetPort": "nats", "protocol": "TCP"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {FILE: nats_configuration(app, bus)}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"type": "ClusterIP", "selector": selected, "ports": [client]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(app, COMPONENT_BUS, NAME, names.bus_members),
            "spec": {
                "clusterIP": "None",
                # Members must find each other before any of them is ready.
                "publishNotReadyAddresses": True,
                "selector": selected,
                "ports": [client],
            },
        },
        _statefulset(app, bus, bus.image or image),
    ]


def nats_configuration(app: ConsumerApp, bus: Bus) -> str:
    """nats.conf: JetStream on the volume, synced to disk within a second, and the cluster if there are three."""
    lines = [
        f"port: {NATS_PORT}",
        f"http_port: {NATS_MONITOR_PORT}",
        # With three, an acknowledged event is in two members' memory at least; a lone one must not lose it with its
        # node's power, which costs a sync per event.
        f"jetstream {{ store_dir: /data, max_file_store: {mebibytes(bus.storage.size) * 9 // 10}MB, max_memory_store: "
        f"1MB, sync_interval: {'always' if bus.replicas == 1 else '1s'} }}",
    ]
    if bus.replicas > 1:
        names = Names(app.name)
        routes = [
            f"nats://{names.bus}-{ordinal}.{names.bus_members}:{NATS_CLUSTER_PORT}" for ordinal in range(bus.replicas)
        ]
        lines.append(f"cluster {{ name: bus, port: {NATS_CLUSTER_PORT}, routes: [{', '.join(routes)}] }}")
    return "\n".join(lines) + "\n"


def _statefulset(app: ConsumerApp, bus: Bus, image: str) -> dict[str, Any]:
    """Without a replica count: the scaler writes it."""
    names = Names(app.name)
    selected = selector(app.name, COMPONENT_BUS, NAME)
    delete = app.spec.deletion_policy is DeletionPolicy.DELETE
    text = nats_configuration(app, bus)
    claim: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": canonical_quantity(bus.storage.size)}},
        "volumeMode": "Filesystem",
    }
    if bus.storage.storage_class_name:
        claim["storageClassName"] = bus.storage.storage_class_name
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(app, COMPONENT_BUS, NAME, names.bus),
        "spec": {
            "serviceName": names.bus_members,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "revisionHistoryLimit": 3,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Delete" if delete else "Retain",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": selected},
            "template": {
                "metadata": {
                    "labels": labels(app.name, COMPONENT_BUS, NAME),
                    "annotations": {ANNOTATION_CONFIGURATION: hashlib.sha256(text.encode()).hexdigest()[:16]},
                },
                "spec": {
                    **restricted_pod(),
                    "serviceAccountName": names.bus,
                    "terminationGracePeriodSeconds": 30,
                    "topologySpreadConstraints": topology_spread(selected),
                    "containers": [_container(bus, image)],
                    "volumes": [temporary_volume(), {"name": "configuration", "configMap": {"name": names.bus}}],
                },
            },
            "volumeClaimTemplates": [
                {"metadata": {"name": VOLUME, "labels": labels(app.name, COMPONENT_BUS, NAME)}, "spec": claim}
            ],
        },
    }


def _container(bus: Bus, image: str) -> dict[str, Any]:
    mount = "/etc/nats"
    return {
        "name": CONTAINER,
        "image": image,
        "command": ["nats-server", "--config", f"{mount}/{FILE}", "--name", "$(POD_NAME)"],
        **restricted_container(),
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            {"name": "nats", "containerPort": NATS_PORT, "protocol": "TCP"},
            {"name": "monitor", "containerPort": NATS_MONITOR_PORT, "protocol": "TCP"},
            {"name": "cluster", "containerPort": NATS_CLUSTER_PORT, "protocol": "TCP"},
        ],
        "resources": resources(bus.resources),
        # A large stream is read through at the start.
        "startupProbe": _probe("/healthz?js-server-only=true", period=1, failures=120),
        "readinessProbe": _probe("/healthz?js-server-only=true", period=3, failures=2),
        # Whether JetStream works is not asked: a restart does not mend a lost majority.
        "livenessProbe": _probe("/varz", period=10, failures=3),
        "volumeMounts": [
            {"name": VOLUME, "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "configuration", "mountPath": mount, "readOnly": True},
        ],
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "monitor"},
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }
