"""An app as a person wants to see it: a frozen tree of readings, made from live objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, InvalidSpec, read_app
from consumerapp_operator.api.names import (
    COMPONENT_CACHE,
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    COMPONENT_SERVICE,
    LABEL_COMPONENT,
    LABEL_NAME,
    LABEL_ROLE,
)
from consumerapp_operator.cli.upstreams import Views, told
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.status import facts as read
from consumerapp_operator.status.facts import Facts, Reading
from consumerapp_operator.status.pods import is_ready, trouble


@dataclass(frozen=True)
class Instance:
    """One pod. `gateway`: what the gateway's pods say of it. lag_bytes: of a read replica, if it is known."""

    name: str
    state: str
    healthy: bool
    restarts: int
    role: str = ""
    trouble: str = ""
    gateway: str = ""
    lag_bytes: int | None = None


@dataclass(frozen=True)
class Component:
    """A workload with its pods; `decision` is the last one's sentence."""

    kind: str
    name: str
    ready: int
    desired: int
    complete: bool
    decision: str
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class Overview:
    """The app. `ready` is True, False or Unknown; `notes` are conditions that need attention."""

    app: str
    namespace: str
    ready: str
    reason: str
    message: str
    url: str
    notes: tuple[str, ...]
    components: tuple[Component, ...]


@dataclass(frozen=True)
class Seen:
    """What was read: the app, its children (trimmed), the pods as they are, and the gateway pods' views."""

    body: Manifest
    children: Mapping[ObjectKey, Manifest]
    pods: Sequence[Manifest] = ()
    views: Sequence[Views] = ()
    views_missing: str = ""


def overview(seen: Seen) -> Overview:
    """The tree, from the gateway inwards."""
    facts = Facts(seen.body, _app(seen.body), seen.children)
    status = seen.body.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    ready = conditions.get("Ready") or {"status": "Unknown", "reason": "NotSeen", "message": _NOT_SEEN}
    gateway = status.get("gateway") or {}
    components = [
        _component(seen, COMPONENT_GATEWAY, "gateway", read.gateway(facts), gateway),
        *(
            _component(seen, COMPONENT_SERVICE, name, read.service(facts, name), _named(status.get("services"), name))
            for name in read.service_names(facts)
        ),
        *(
            _component(
                seen, COMPONENT_DATABASE, name, read.database(facts, name), _named(status.get("databases"), name)
            )
            for name in read.database_names(facts)
        ),
    ]
    if (cache := read.cache(facts)) is not None:
        components.append(_component(seen, COMPONENT_CACHE, "cache", cache, {}))
    return Overview(
        app=str(seen.body["metadata"]["name"]),
        namespace=str(seen.body["metadata"]["namespace"]),
        ready=str(ready["status"]),
        reason=str(ready["reason"]),
        message=str(ready.get("message") or ""),
        url=str(status.get("url") or ""),
        notes=tuple(_notes(conditions, seen.views_missing)),
        components=tuple(components),
    )


_NOT_SEEN = "no operator has looked at this app yet; is one running (kubectl -n consumerapp-system get pods)?"


def _app(body: Manifest) -> ConsumerApp | None:
    try:
        return read_app(body)
    except InvalidSpec:
        return None


def _named(stored: Sequence[Mapping[str, Any]] | None, name: str) -> Mapping[str, Any]:
    return next((item for item in stored or () if item.get("name") == name), {})


def _notes(conditions: Mapping[str, Mapping[str, Any]], views_missing: str) -> list[str]:
    notes = [
        f"{kind}: {conditions[kind].get('message')}"
        for kind, alarming in (
            ("SpecValid", "False"),
            ("MetricsAvailable", "False"),
            ("CapacityLimited", "True"),
            ("Progressing", "True"),
            ("Degraded", "True"),
        )
        if (conditions.get(kind) or {}).get("status") == alarming
    ]
    return [*notes, views_missing] if views_missing else notes


def _component(seen: Seen, component: str, name: str, reading: Reading, status: Mapping[str, Any]) -> Component:
    pods = sorted(
        (
            pod
            for pod in seen.pods
            if read.label(pod, LABEL_COMPONENT) == component and read.label(pod, LABEL_NAME) == name
        ),
        key=lambda pod: str(pod["metadata"]["name"]),
    )
    # The cache's pods carry the component's name too; a primary is what lags are measured against.
    positions = {str(pod["metadata"]["name"]): _position(pod) for pod in pods}
    newest = max((position for position in positions.values() if position is not None), default=None)
    return Component(
        kind=component,
        name=name,
        ready=reading.ready,
        desired=reading.desired,
        complete=reading.complete,
        decision=str((status.get("lastDecision") or {}).get("reason") or ""),
        instances=tuple(_instance(seen, component, name, pod, newest) for pod in pods),
    )


def _instance(seen: Seen, component: str, name: str, pod: Manifest, newest: int | None) -> Instance:
    status, found = pod.get("status") or {}, trouble(pod)
    position, role = _position(pod), read.label(pod, LABEL_ROLE)
    lagging = component == COMPONENT_DATABASE and role == "replica" and None not in (position, newest)
    address = str(status.get("podIP") or "")
    going = bool(pod["metadata"].get("deletionTimestamp"))
    return Instance(
        name=str(pod["metadata"]["name"]),
        state="stopping" if going else "ready" if is_ready(pod) else found.reason if found else "starting",
        healthy=is_ready(pod) and not going,
        restarts=sum(int(item.get("restartCount") or 0) for item in status.get("containerStatuses") or ()),
        role=role,
        trouble=found.message if found else "",
        gateway=told(seen.views, name, address) if component == COMPONENT_SERVICE and address and not going else "",
        lag_bytes=max(0, (newest or 0) - (position or 0)) if lagging else None,
    )


def _position(pod: Manifest) -> int | None:
    """Place in the transaction log, in bytes, which Patroni writes on each member every few seconds."""
    text = (pod["metadata"].get("annotations") or {}).get("status")
    try:
        return int(json.loads(text)["xlog_location"]) if text else None
    except (ValueError, KeyError, TypeError):
        return None
