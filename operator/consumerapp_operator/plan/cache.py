"""The app's cache: one Redis without persistence. What it holds can be recomputed, so losing it costs only time.

It has no password. CACHE_URL is the same in every app and holds no secret; who may connect is the NetworkPolicy's
affair, which lets in the services that say `cache: {}` and nobody else.
"""

from __future__ import annotations

import hashlib
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Cache, ResourceList, Resources
from consumerapp_operator.api.names import (
    ANNOTATION_CONFIGURATION,
    COMPONENT_CACHE,
    REDIS_PORT,
    Names,
    labels,
    selector,
)
from consumerapp_operator.plan.pods import (
    mebibytes,
    metadata,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
)

NAME = "cache"
FILE = "redis.conf"
MIN_MEBIBYTES = 16


def cache_objects(app: ConsumerApp, cache: Cache, image: str) -> list[dict[str, Any]]:
    """Configuration, Service and Deployment. `image` is the operator's own, used if the spec names none."""
    name = Names(app.name).cache
    meta = metadata(app, COMPONENT_CACHE, NAME, name)
    selected = selector(app.name, COMPONENT_CACHE, NAME)
    text = redis_configuration(cache)
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {FILE: text}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "type": "ClusterIP",
                "selector": selected,
                "ports": [{"name": "redis", "port": REDIS_PORT, "targetPort": "redis", "protocol": "TCP"}],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "selector": {"matchLabels": selected},
                "revisionHistoryLimit": 3,
                # Two at once would answer differently: an entry dropped from one would be read from the other.
                "strategy": {"type": "Recreate"},
                "template": {
                    "metadata": {
                        "labels": labels(app.name, COMPONENT_CACHE, NAME),
                        "annotations": {ANNOTATION_CONFIGURATION: hashlib.sha256(text.encode()).hexdigest()[:16]},
                    },
                    "spec": {
                        **restricted_pod(),
                        "serviceAccountName": name,
                        # Nothing to save on the way out.
                        "terminationGracePeriodSeconds": 5,
                        "containers": [_container(cache, cache.image or image)],
                        "volumes": [temporary_volume(), {"name": "configuration", "configMap": {"name": name}}],
                    },
                },
            },
        },
    ]


def redis_configuration(cache: Cache) -> str:
    """redis.conf: bounded memory, least recently used keys evicted, nothing on disk."""
    return (
        "bind * -::*\n"
        "protected-mode no\n"
        f"port {REDIS_PORT}\n"
        'save ""\n'
        "appendonly no\n"
        "dir /tmp\n"
        f"maxmemory {mebibytes(cache.memory)}mb\n"
        "maxmemory-policy allkeys-lru\n"
        "tcp-keepalive 60\n"
    )


def _container(cache: Cache, image: str) -> dict[str, Any]:
    mount, memory = "/etc/redis", mebibytes(cache.memory)
    # Redis counts what it holds, not what fragmentation and client buffers take beside it.
    limit = memory * 3 // 2 + 32
    wanted = Resources(
        requests=ResourceList(cpu="50m", memory=f"{memory + 16}Mi"), limits=ResourceList(memory=f"{limit}Mi")
    )
    ping = {"exec": {"command": ["redis-cli", "-p", str(REDIS_PORT), "ping"]}}
    return {
        "name": "redis",
        "image": image,
        "command": ["redis-server", f"{mount}/{FILE}"],
        **restricted_container(),
        "ports": [{"name": "redis", "containerPort": REDIS_PORT, "protocol": "TCP"}],
        "resources": resources(wanted),
        "startupProbe": {
            "tcpSocket": {"port": "redis"},
            "periodSeconds": 1,
            "timeoutSeconds": 1,
            "failureThreshold": 60,
        },
        "readinessProbe": {**ping, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2},
        # The kernel accepts connections for a hung process too, so an answer is asked for.
        "livenessProbe": {**ping, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "configuration", "mountPath": mount, "readOnly": True},
        ],
    }
