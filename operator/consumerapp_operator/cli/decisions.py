"""Why a replica count is what it is: the last decision, and those before it that moved the count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumerapp_operator.plan.model import Manifest

GATEWAY, DATABASE_SUFFIX = "gateway", "-db"


@dataclass(frozen=True)
class Happening:
    """One Event of the app."""

    at: str
    reason: str
    message: str
    warning: bool
    count: int = 1


@dataclass(frozen=True)
class Explanation:
    """`decision` is status' lastDecision as it is, empty before the first one; bounds are the spec's."""

    title: str
    ready: int
    desired: int
    decision: Mapping[str, Any]
    bounds: str
    history: tuple[Happening, ...]


def happenings(events: Sequence[Manifest]) -> tuple[Happening, ...]:
    """Events in time order, the oldest first."""
    found = (
        Happening(
            at=str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]),
            reason=str(event.get("reason") or ""),
            message=str(event.get("message") or ""),
            warning=event.get("type") == "Warning",
            count=int(event.get("count") or 1),
        )
        for event in events
    )
    return tuple(sorted(found, key=lambda item: item.at))


def explainable(body: Manifest) -> tuple[str, ...]:
    """What `explain` takes: the gateway, services, and databases as `order-db`."""
    status = body.get("status") or {}
    services = [str(item["name"]) for item in status.get("services") or ()]
    databases = [f"{item['name']}{DATABASE_SUFFIX}" for item in status.get("databases") or ()]
    return (*([GATEWAY] if status.get("gateway") else []), *services, *databases)


def explain(body: Manifest, name: str, events: Sequence[Manifest]) -> Explanation | None:
    """None if the app has no such count. Events begin with the title of what they tell of (runtime/happenings.py)."""
    if name not in explainable(body):
        return None
    status = body["status"]
    if name == GATEWAY:
        title, found = "the gateway", status["gateway"]
        bounds = _bounds((body["spec"].get("gateway") or {}).get("scaling") or {})
    elif (service := _named(status.get("services"), name)) is not None:
        title, found = f"service {name}", service
        own = _named(body["spec"].get("services"), name) or {}
        bounds = _bounds(own.get("scaling") or (body["spec"].get("defaults") or {}).get("scaling") or {})
    else:
        owner = name.removesuffix(DATABASE_SUFFIX)
        title, database = f"read replicas of {owner}'s database", _named(status.get("databases"), owner) or {}
        # The primary is no read replica.
        found = {**database, "ready": max(0, database.get("ready", 0) - 1), "desired": database.get("members", 1) - 1}
        own = (_named(body["spec"].get("services"), owner) or {}).get("database") or {}
        bounds = _bounds(own.get("scaling") or {})
    history = tuple(
        item for item in happenings(events) if item.reason == "Scaled" and item.message.startswith(f"{title}: ")
    )
    return Explanation(
        title,
        int(found.get("ready", 0)),
        int(found.get("desired", 0)),
        found.get("lastDecision") or {},
        bounds,
        history,
    )


def _named(items: Sequence[Mapping[str, Any]] | None, name: str) -> Mapping[str, Any] | None:
    return next((item for item in items or () if item.get("name") == name), None)


def _bounds(scaling: Mapping[str, Any]) -> str:
    return f"min {scaling['min']}, max {scaling['max']}" if {"min", "max"} <= scaling.keys() else ""
