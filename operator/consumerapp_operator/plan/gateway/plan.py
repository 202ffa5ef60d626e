"""Everything the gateway consists of, from one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import ANNOTATION_CONFIGURATION, COMPONENT_GATEWAY, Names, selector
from consumerapp_operator.plan.gateway.bootstrap import bootstrap
from consumerapp_operator.plan.gateway.configuration import (
    desired_configuration,
    digest,
    dump,
    published_configuration,
)
from consumerapp_operator.plan.gateway.deployment import BOOTSTRAP_FILE, deployment, memory_limit_bytes
from consumerapp_operator.plan.gateway.drain import DRAIN_FILE, drain_script
from consumerapp_operator.plan.gateway.exposure import services
from consumerapp_operator.plan.gateway.placement import IN_POD
from consumerapp_operator.plan.gateway.stages import Pods, next_step
from consumerapp_operator.plan.live import is_ready
from consumerapp_operator.plan.model import Manifest, ObjectKey, Patch, Snapshot
from consumerapp_operator.plan.pods import metadata


@dataclass(frozen=True)
class GatewayPlan:
    """The gateway's part of a Plan. `waiting` is empty only when the last step of a change is published."""

    objects: tuple[Manifest, ...]
    patches: tuple[Patch, ...] = ()
    waiting: tuple[str, ...] = ()


def plan_gateway(snapshot: Snapshot) -> GatewayPlan:
    """ConfigMap, Deployment and Services of the gateway, and a touch for pods that should refresh their
    files."""
    app = snapshot.app
    start = dump(bootstrap(IN_POD, memory_limit_bytes(app.spec.gateway.resources)))
    rest = (deployment(app, snapshot.images, digest(start)), *services(app))
    if not snapshot.synced:
        # A ConfigMap that is not in the snapshot may be there all the same, with pods that use it.
        return GatewayPlan(rest, waiting=("the gateway's configuration waits until its live state has been read",))
    live = snapshot.get("v1", "ConfigMap", Names(app.name).gateway)
    data = (live or {}).get("data") or {}
    step = next_step(published_configuration(data), desired_configuration(app), _serving(snapshot))
    wanted = {BOOTSTRAP_FILE: start, DRAIN_FILE: drain_script(IN_POD), **step.configuration.files()}
    return GatewayPlan((_config_map(app, wanted), *rest), _refresh(snapshot, data), step.waiting)


def _config_map(app: ConsumerApp, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(app, COMPONENT_GATEWAY, "gateway", Names(app.name).gateway),
        "data": data,
    }


def _pods(snapshot: Snapshot) -> list[Manifest]:
    """Gateway pods that are to stay.

    One that is being stopped gets no new files from the kubelet: it keeps a configuration that fits together,
    and waiting for it would be in vain.
    """
    pods = snapshot.pods(selector(snapshot.app.name, COMPONENT_GATEWAY, "gateway"))
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


def _serving(snapshot: Snapshot) -> Pods:
    """Pods that get requests, and any other that answers: it may get some before the snapshot says so."""
    result = {}
    for pod in _pods(snapshot):
        name = str(pod["metadata"]["name"])
        if is_ready(pod) or name in snapshot.gateway_loaded:
            result[name] = snapshot.gateway_loaded.get(name)
    return result


def _refresh(snapshot: Snapshot, live_data: dict[str, str]) -> tuple[Patch, ...]:
    """Writes the hash of the live configuration on each pod: the kubelet then refreshes the pod's files.

    It does so within a second or two, otherwise when it next looks, in up to 90 s. The hash is of the live
    configuration, not of the one about to be written: the kubelet refreshes from what it knows, which is no
    newer than what the operator sees.
    """
    if not live_data:
        return ()
    wanted = digest(live_data)
    return tuple(
        Patch(
            key=ObjectKey.of({"apiVersion": "v1", "kind": "Pod", **pod}),
            body={"metadata": {"annotations": {ANNOTATION_CONFIGURATION: wanted}}},
            reason=f"pod {pod['metadata']['name']} should load configuration {wanted}",
        )
        for pod in _pods(snapshot)
        if (pod["metadata"].get("annotations") or {}).get(ANNOTATION_CONFIGURATION) != wanted
    )
