"""What is kept of an object: enough for the plan and the status, and nothing that beats.

An app is reconciled when one of its objects, trimmed, differs from what was there before. So a field that
changes all the time (Patroni's heartbeat every 5 s, a pod's transaction log position, a disruption budget's
counters) must not survive here, or it would cost a reconcile each time. And no password may: of a Secret only
the names of its keys stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from consumerapp_operator.api.names import GROUP
from consumerapp_operator.plan.model import Manifest

_METADATA = (
    "name",
    "namespace",
    "uid",
    "labels",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
)
# kubectl's copy of a whole manifest, and the counter that the Deployment controller keeps.
_NOISE = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
# Patroni's, on the ConfigMaps it coordinates with. `leader`, `initialize`, `config`, `sync_standby` and
# `members_quorum` say who is primary, which data this is and who must confirm a commit: those stay.
_HEARTBEAT = (
    "renewTime",
    "optime",
    "acquireTime",
    "ttl",
    "transitions",
    "slots",
    "retain_slots",
    "failsafe",
    "history",
)
_DROPPED = frozenset((*_NOISE, *_HEARTBEAT))

_CONDITION = ("type", "status", "reason", "message", "lastTransitionTime")
_WORKLOAD_STATUS = (
    "observedGeneration",
    "replicas",
    "readyReplicas",
    "updatedReplicas",
    "availableReplicas",
    "currentRevision",
    "updateRevision",
)


def trim(manifest: Mapping[str, Any]) -> Manifest:
    """A smaller object of the same shape; the argument is left alone, but parts of it are shared."""
    body: dict[str, Any] = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": _metadata(manifest["metadata"]),
    }
    keep = _KEPT.get(manifest["kind"], _everything)
    body.update(keep(manifest))
    return body


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = _pick(metadata, _METADATA)
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _DROPPED}
    if annotations:
        kept["annotations"] = annotations
    return kept


def _app(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return _pick(manifest, ("spec", "status"))


def _workload(manifest: Mapping[str, Any]) -> dict[str, Any]:
    status = manifest.get("status") or {}
    return {
        "spec": manifest.get("spec") or {},
        "status": {**_pick(status, _WORKLOAD_STATUS), "conditions": _conditions(status)},
    }


def _job(manifest: Mapping[str, Any]) -> dict[str, Any]:
    status = manifest.get("status") or {}
    return {
        "spec": manifest.get("spec") or {},
        "status": {
            **_pick(status, ("active", "succeeded", "failed", "startTime")),
            "conditions": _conditions(status),
        },
    }


def _pod(manifest: Mapping[str, Any]) -> dict[str, Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    return {
        "metadata": _pod_metadata(manifest["metadata"]),
        "spec": {
            **_pick(spec, ("nodeName", "serviceAccountName")),
            "containers": [_container(container) for container in spec.get("containers") or ()],
            "initContainers": [_container(container) for container in spec.get("initContainers") or ()],
        },
        "status": {
            **_pick(status, ("phase", "podIP", "startTime", "reason", "message")),
            "conditions": _conditions(status),
            "containerStatuses": [_container_status(item) for item in status.get("containerStatuses") or ()],
            "initContainerStatuses": [_container_status(item) for item in status.get("initContainerStatuses") or ()],
        },
    }


def _pod_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Of a pod's annotations only the operator's own stay: Patroni writes its state into `status` every few
    seconds.
    """
    kept = _metadata(metadata)
    annotations = {key: value for key, value in kept.pop("annotations", {}).items() if key.startswith(f"{GROUP}/")}
    if annotations:
        kept["annotations"] = annotations
    return kept


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    probe = (container.get("readinessProbe") or {}).get("httpGet")
    kept = _pick(container, ("name", "image"))
    if probe:
        kept["readinessProbe"] = {"httpGet": _pick(probe, ("path", "port"))}
    return kept


def _container_status(status: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_pick(status, ("name", "ready", "restartCount")),
        "state": _state(status.get("state") or {}),
        "lastState": _state(status.get("lastState") or {}),
    }


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        phase: _pick(detail or {}, ("reason", "message", "exitCode", "finishedAt")) for phase, detail in state.items()
    }


def _claim(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "spec": _pick(manifest.get("spec") or {}, ("resources", "storageClassName", "volumeName", "accessModes")),
        "status": _pick(manifest.get("status") or {}, ("phase", "capacity")),
    }


def _secret(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {**_pick(manifest, ("type", "immutable")), "data": dict.fromkeys(manifest.get("data") or (), "")}


def _service(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "spec": manifest.get("spec") or {},
        "status": _pick(manifest.get("status") or {}, ("loadBalancer",)),
    }


def _everything(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Of any other kind all but the status: nobody reads it, and a disruption budget's never stands still."""
    return {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def _conditions(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_pick(condition, _CONDITION) for condition in status.get("conditions") or ()]


def _pick(source: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: source[name] for name in names if source.get(name) is not None}


_KEPT: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "ConsumerApp": _app,
    "Deployment": _workload,
    "StatefulSet": _workload,
    "Job": _job,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "Secret": _secret,
    "Service": _service,
}
