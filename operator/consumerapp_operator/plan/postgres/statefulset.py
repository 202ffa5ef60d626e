"""The members of a database: a StatefulSet without a replica count, one volume each."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import DeletionPolicy
from consumerapp_operator.api.names import (
    ANNOTATION_CONFIGURATION,
    PATRONI_PORT,
    POSTGRES_PORT,
    Names,
)
from consumerapp_operator.api.quantity import parse_quantity
from consumerapp_operator.plan.live import has_labels
from consumerapp_operator.plan.model import Manifest, ObjectKey, Patch, Snapshot
from consumerapp_operator.plan.pods import (
    canonical_quantity,
    resources,
    restricted_container,
    restricted_pod,
    temporary_volume,
    topology_spread,
)
from consumerapp_operator.plan.postgres.configuration import (
    FILE,
    REPLICATION_USER,
    SUPERUSER,
    configuration_hash,
    configuration_name,
)
from consumerapp_operator.plan.postgres.credentials import (
    APPLICATION,
    REPLICATION_PASSWORD,
    RESTAPI_PASSWORD,
    SUPERUSER_PASSWORD,
    admin_secret_name,
)
from consumerapp_operator.plan.postgres.database import Tier

CONTAINER, VOLUME = "database", "data"


def statefulset(snapshot: Snapshot, tier: Tier) -> dict[str, Any]:
    """The StatefulSet, for the scaler to give a count."""
    delete = tier.app.spec.deletion_policy is DeletionPolicy.DELETE
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": tier.metadata(tier.scope),
        "spec": {
            "serviceName": Names(tier.app.name).database_members(tier.service),
            # All at once: which member comes first is Patroni's affair.
            "podManagementPolicy": "Parallel",
            # From the highest ordinal down, each when the one before is ready. A primary that is stopped hands over
            # before it goes (2 to 3 s without writes), at worst once per member.
            "updateStrategy": {"type": "RollingUpdate"},
            # A member just restarted must be back among those that may be promoted before the next one goes.
            "minReadySeconds": 10,
            "revisionHistoryLimit": 3,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Delete" if delete else "Retain",
                # Always kept: a count set to 0 by mistake must not be the end of the data.
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": tier.selector},
            "template": {
                "metadata": {
                    "labels": tier.labels,
                    "annotations": {ANNOTATION_CONFIGURATION: configuration_hash(tier)},
                },
                "spec": _pod(snapshot, tier),
            },
            "volumeClaimTemplates": [_claim_template(snapshot, tier)],
        },
    }


def volume_patches(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Volumes grow with the spec. The StatefulSet's template cannot be changed, so each claim is patched."""
    wanted = canonical_quantity(tier.spec.storage.size)
    return tuple(
        Patch(
            ObjectKey.of(claim),
            {"spec": {"resources": {"requests": {"storage": wanted}}}},
            f"the volumes of the database of {tier.service} are to be {wanted}",
        )
        for claim in volumes(snapshot, tier)
        if parse_quantity(claim["spec"]["resources"]["requests"]["storage"]) < parse_quantity(wanted)
    )


def volumes(snapshot: Snapshot, tier: Tier) -> list[Manifest]:
    """The claims of the database's members, those of an earlier life too."""
    return [
        manifest
        for key, manifest in sorted(snapshot.children.items())
        if key.kind == "PersistentVolumeClaim" and has_labels(manifest, tier.selector)
    ]


def _claim_template(snapshot: Snapshot, tier: Tier) -> dict[str, Any]:
    """As the live StatefulSet has it, else from the spec: it is immutable."""
    live = snapshot.get("apps/v1", "StatefulSet", tier.scope)
    if live is not None and (templates := (live.get("spec") or {}).get("volumeClaimTemplates")):
        (template,) = templates
        meta = {
            key: template["metadata"][key] for key in ("name", "labels", "annotations") if key in template["metadata"]
        }
        return {"metadata": meta, "spec": template["spec"]}
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": canonical_quantity(tier.spec.storage.size)}},
        "volumeMode": "Filesystem",
    }
    if tier.spec.storage.storage_class_name:
        spec["storageClassName"] = tier.spec.storage.storage_class_name
    return {"metadata": {"name": VOLUME, "labels": tier.labels}, "spec": spec}


def _pod(snapshot: Snapshot, tier: Tier) -> dict[str, Any]:
    return {
        **restricted_pod(),
        "serviceAccountName": tier.scope,
        # Patroni keeps its state in ConfigMaps (rbac.py says which).
        "automountServiceAccountToken": True,
        "terminationGracePeriodSeconds": 60,
        "topologySpreadConstraints": topology_spread(tier.selector),
        "containers": [_container(snapshot, tier)],
        "volumes": [
            temporary_volume(),
            {"name": "configuration", "configMap": {"name": configuration_name(tier)}},
        ],
    }


def _container(snapshot: Snapshot, tier: Tier) -> dict[str, Any]:
    mount = "/etc/patroni"
    return {
        "name": CONTAINER,
        "image": tier.spec.image or snapshot.images.postgres,
        "command": ["patroni", f"{mount}/{FILE}"],
        **restricted_container(),
        "env": _environment(tier),
        "ports": [
            {"name": "postgres", "containerPort": POSTGRES_PORT, "protocol": "TCP"},
            {"name": "patroni", "containerPort": PATRONI_PORT, "protocol": "TCP"},
        ],
        "resources": resources(tier.spec.resources),
        "startupProbe": _probe("/liveness", period=1, timeout=3, failures=120),
        # Without a leader no replica counts as ready (5 to 11 s in a failover). Dropping all of them for that would
        # turn a pause of writes into one of reads, so it takes 16 s to become unready.
        "readinessProbe": _probe("/readiness?lag=16MB", period=2, timeout=3, failures=8),
        # A hung Patroni must be dead before its lease (ttl 20 s) is given to another, or there are two primaries.
        # It does not answer, so each probe takes its whole time-out: 2 + 3·3 s, and 2 s of grace. That is 13.
        "livenessProbe": {
            **_probe("/liveness", period=2, timeout=3, failures=3),
            "terminationGracePeriodSeconds": 2,
        },
        "volumeMounts": [
            {"name": VOLUME, "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "configuration", "mountPath": mount, "readOnly": True},
        ],
    }


def _environment(tier: Tier) -> list[dict[str, Any]]:
    admin = admin_secret_name(tier)
    return [
        _from_field("PATRONI_NAME", "metadata.name"),
        _from_field("PATRONI_KUBERNETES_NAMESPACE", "metadata.namespace"),
        _from_field("PATRONI_KUBERNETES_POD_IP", "status.podIP"),
        {"name": "PATRONI_POSTGRESQL_CONNECT_ADDRESS", "value": f"$(PATRONI_KUBERNETES_POD_IP):{POSTGRES_PORT}"},
        {"name": "PATRONI_RESTAPI_CONNECT_ADDRESS", "value": f"$(PATRONI_KUBERNETES_POD_IP):{PATRONI_PORT}"},
        {"name": "PATRONI_RESTAPI_USERNAME", "value": "patroni"},
        _from_secret("PATRONI_RESTAPI_PASSWORD", admin, RESTAPI_PASSWORD),
        {"name": "PATRONI_SUPERUSER_USERNAME", "value": SUPERUSER},
        _from_secret("PATRONI_SUPERUSER_PASSWORD", admin, SUPERUSER_PASSWORD),
        {"name": "PATRONI_REPLICATION_USERNAME", "value": REPLICATION_USER},
        _from_secret("PATRONI_REPLICATION_PASSWORD", admin, REPLICATION_PASSWORD),
        {"name": "APP_USER", "value": APPLICATION},
        {"name": "APP_DB", "value": APPLICATION},
        _from_secret("APP_PASSWORD", tier.scope, "password"),
    ]


def _probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "patroni"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _from_field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
