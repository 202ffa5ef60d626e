"""What the app has and the spec no longer names."""

from __future__ import annotations

from collections.abc import Collection

from consumerapp_operator.api.app import DeletionPolicy
from consumerapp_operator.api.names import (
    COMPONENT_DATABASE,
    COMPONENT_SERVICE,
    LABEL_COMPONENT,
    LABEL_INSTANCE,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    LABEL_PART_OF,
    MANAGED_BY,
    Names,
)
from consumerapp_operator.plan.live import has_labels
from consumerapp_operator.plan.model import Manifest, ObjectKey, Snapshot

# Pods, ReplicaSets and EndpointSlices are not here: they are made by what is, and go with it.
_PRUNED = frozenset(
    (
        "Deployment", "StatefulSet", "Job", "Service", "ConfigMap", "ServiceAccount", "Role", "RoleBinding",
        "NetworkPolicy", "PodDisruptionBudget",
    )
)  # fmt: skip
_DATA = frozenset(("Secret", "PersistentVolumeClaim"))


def to_prune(
    snapshot: Snapshot, desired: Collection[ObjectKey], *, gateway_settled: bool = True
) -> tuple[ObjectKey, ...]:
    """Live objects of the app that are to be deleted, given those that are planned or withheld.

    Nothing while the snapshot is not complete, and nothing while the gateway is on its way to a new configuration:
    until all of its pods have it, requests may still go to a service that the spec no longer names. Data only where
    deletionPolicy says so, and never that of a database that the spec names, whatever state it is in.
    """
    if not snapshot.synced or not gateway_settled:
        return ()
    delete_data = snapshot.app.spec.deletion_policy is DeletionPolicy.DELETE
    databases = {
        Names(snapshot.app.name).database(service.name) for service in snapshot.app.spec.services if service.database
    }
    return tuple(
        key
        for key, manifest in sorted(snapshot.children.items())
        if key not in desired
        and _is_ours(snapshot, manifest)
        and not manifest["metadata"].get("deletionTimestamp")
        and (key.kind in _PRUNED or (key.kind in _DATA and delete_data and not _belongs(manifest, databases)))
    )


def leaving_services(snapshot: Snapshot) -> list[str]:
    """Names of services that the spec no longer names and that still run."""
    named = {service.name for service in snapshot.app.spec.services}
    found = {
        manifest["metadata"]["labels"][LABEL_NAME]
        for key, manifest in snapshot.children.items()
        if key.kind == "Deployment" and has_labels(manifest, {LABEL_COMPONENT: COMPONENT_SERVICE})
    }
    return sorted(found - named)


def _is_ours(snapshot: Snapshot, manifest: Manifest) -> bool:
    """Whether this very app controls the object, or nobody does and the labels say that it is the app's."""
    controllers = [
        owner["uid"] for owner in manifest["metadata"].get("ownerReferences") or () if owner.get("controller")
    ]
    if manifest["kind"] == "PersistentVolumeClaim":
        # Under Delete its controller is the StatefulSet; the app is found by the labels alone.
        controllers = []
    if controllers:
        return controllers == [snapshot.app.uid]
    return has_labels(manifest, {LABEL_PART_OF: snapshot.app.name, LABEL_MANAGED_BY: MANAGED_BY})


def _belongs(manifest: Manifest, databases: Collection[str]) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return labels.get(LABEL_COMPONENT) != COMPONENT_DATABASE or labels.get(LABEL_INSTANCE) in databases
