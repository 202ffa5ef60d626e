"""Replica counts of an app's workloads, read from the objects that the watch keeps."""

from __future__ import annotations

from collections.abc import Mapping

from consumerapp_operator.api.names import (
    COMPONENT_BUS,
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    COMPONENT_SERVICE,
    COMPONENT_WORKER,
    LABEL_COMPONENT,
    LABEL_NAME,
    Names,
)
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.scale.model import Replicas, WorkloadKey, WorkloadKind
from consumerapp_operator.scale.workload import BUS, GATEWAY, read_replicas_key, service_key, worker_key

APPS = "apps/v1"


def counts(app: str, children: Mapping[ObjectKey, Manifest]) -> dict[WorkloadKey, Replicas]:
    """Of every workload that exists and is not being deleted. Of a database: its read replicas, without the
    primary.
    """
    found: dict[WorkloadKey, Replicas] = {}
    for key, manifest in children.items():
        if key.kind not in ("Deployment", "StatefulSet") or manifest["metadata"].get("deletionTimestamp"):
            continue
        workload = _workload(key, manifest)
        if workload is None or object_of(key.namespace, app, workload) != key:
            continue
        desired = manifest["spec"].get("replicas", 1)
        ready = (manifest.get("status") or {}).get("readyReplicas") or 0
        if workload.kind is WorkloadKind.READ_REPLICAS:
            desired, ready = max(0, desired - 1), max(0, ready - 1)
        found[workload] = Replicas(desired, ready)
    return found


def object_of(namespace: str, app: str, workload: WorkloadKey) -> ObjectKey:
    """The object whose scale subresource holds the count."""
    names = Names(app)
    match workload.kind:
        case WorkloadKind.GATEWAY:
            return ObjectKey(APPS, "Deployment", namespace, names.gateway)
        case WorkloadKind.SERVICE | WorkloadKind.WORKER:
            return ObjectKey(APPS, "Deployment", namespace, names.service(workload.name))
        case WorkloadKind.READ_REPLICAS:
            return ObjectKey(APPS, "StatefulSet", namespace, names.database(workload.name))
        case WorkloadKind.BUS:
            return ObjectKey(APPS, "StatefulSet", namespace, names.bus)


def _workload(key: ObjectKey, manifest: Manifest) -> WorkloadKey | None:
    labels = manifest["metadata"].get("labels") or {}
    name = labels.get(LABEL_NAME, "")
    match key.kind, labels.get(LABEL_COMPONENT):
        case "Deployment", component if component == COMPONENT_GATEWAY:
            return GATEWAY
        case "Deployment", component if component == COMPONENT_SERVICE:
            return service_key(name)
        case "StatefulSet", component if component == COMPONENT_DATABASE:
            return read_replicas_key(name)
        case "Deployment", component if component == COMPONENT_WORKER:
            return worker_key(name)
        case "StatefulSet", component if component == COMPONENT_BUS:
            return BUS
    return None
