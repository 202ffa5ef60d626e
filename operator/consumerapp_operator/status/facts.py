"""What the status is computed from, and the counts read out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import (
    COMPONENT_BUS,
    COMPONENT_CACHE,
    COMPONENT_GATEWAY,
    COMPONENT_SERVICE,
    COMPONENT_WORKER,
    LABEL_COMPONENT,
    LABEL_NAME,
    LABEL_ROLE,
    ROLE_PRIMARY,
    Names,
)
from consumerapp_operator.plan.model import Failure, Manifest, ObjectKey
from consumerapp_operator.scale.model import Decision, WorkloadKey
from consumerapp_operator.status.pods import Trouble, is_ready, trouble

_ALARM = re.compile(r"(?P<reason>[A-Z][a-z]+(?:[A-Z][a-z]+)+): (?P<message>.+)", re.DOTALL)


@dataclass(frozen=True)
class Facts:
    """One app as it is. `body` is the live ConsumerApp with its last status; `app` is None if its spec cannot
    be read.

    `problems`, `waiting` come from the plan, `failures` from applying it.
    """

    body: Manifest
    app: ConsumerApp | None
    children: Mapping[ObjectKey, Manifest]
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    decisions: Mapping[WorkloadKey, Decision] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return str(self.body["metadata"]["namespace"])

    @property
    def names(self) -> Names:
        return Names(str(self.body["metadata"]["name"]))

    @property
    def generation(self) -> int:
        return int(self.body["metadata"].get("generation") or 0)

    @property
    def valid_app(self) -> ConsumerApp | None:
        """The typed app, unless its spec was refused; then only what runs counts."""
        return None if self.problems else self.app

    @property
    def alarms(self) -> tuple[tuple[str, str], ...]:
        """What the plan holds back because somebody has to do something, as (reason, message).

        Such a line begins with its reason, as in `CredentialsMissing: Secret shop-user-db is gone; …`.
        """
        found = (_ALARM.match(line) for line in self.waiting)
        return tuple((match["reason"], match["message"]) for match in found if match)

    @property
    def held_back(self) -> tuple[str, ...]:
        """What the plan holds back for a while."""
        return tuple(line for line in self.waiting if not _ALARM.match(line))

    def workload(self, name: str) -> Manifest | None:
        for kind in ("Deployment", "StatefulSet"):
            found = self.children.get(ObjectKey("apps/v1", kind, self.namespace, name))
            if found is not None:
                return found
        return None

    def pods(self, wanted: Callable[[Manifest], bool]) -> list[Manifest]:
        pods = [manifest for key, manifest in self.children.items() if key.kind == "Pod" and wanted(manifest)]
        return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))


@dataclass(frozen=True)
class Reading:
    """One workload: how many pods it should have, has and needs at least; and what ails those that do not
    work.
    """

    title: str
    exists: bool
    rolled_out: bool
    desired: int
    ready: int
    minimum: int
    troubles: tuple[Trouble, ...]
    primary: str | None = None

    @property
    def complete(self) -> bool:
        return self.exists and self.rolled_out and self.ready >= max(self.desired, self.minimum)


def service_names(facts: Facts) -> list[str]:
    """In the spec's order; of an app whose spec was refused, those that run."""
    app = facts.valid_app
    if app is not None:
        return [service.name for service in app.spec.services]
    return _running(facts, COMPONENT_SERVICE)


def database_names(facts: Facts) -> list[str]:
    app = facts.valid_app
    if app is not None:
        return [service.name for service in app.spec.services if service.database]
    return [name for name in service_names(facts) if facts.workload(facts.names.database(name))]


def service(facts: Facts, name: str) -> Reading:
    app = facts.valid_app
    found = next((item for item in app.spec.services if item.name == name), None) if app else None
    minimum = app.spec.scaling_of(found).min if app and found else 1
    pods = facts.pods(_component(COMPONENT_SERVICE, name))
    return _read(facts, f"service {name}", facts.names.service(name), minimum, pods)


def gateway(facts: Facts) -> Reading:
    minimum = facts.valid_app.spec.gateway.scaling.min if facts.valid_app else 1
    return _read(facts, "the gateway", facts.names.gateway, minimum, facts.pods(_component(COMPONENT_GATEWAY)))


def cache(facts: Facts) -> Reading | None:
    """None if the app has no cache."""
    app = facts.valid_app
    wanted = app.spec.effective_cache if app else facts.workload(facts.names.cache)
    return _read(facts, "the cache", facts.names.cache, 1, facts.pods(_component(COMPONENT_CACHE))) if wanted else None


def bus(facts: Facts) -> Reading | None:
    """None if the app has no bus."""
    app = facts.valid_app
    wanted = app.spec.bus if app else facts.workload(facts.names.bus)
    minimum = app.spec.bus.replicas if app and app.spec.bus else 1
    pods = facts.pods(_component(COMPONENT_BUS))
    return _read(facts, "the bus", facts.names.bus, minimum, pods) if wanted else None


def worker_names(facts: Facts) -> list[str]:
    """As service_names."""
    if facts.valid_app is not None:
        return [worker.name for worker in facts.valid_app.spec.workers]
    return _running(facts, COMPONENT_WORKER)


def worker(facts: Facts, name: str) -> Reading:
    app = facts.valid_app
    found = next((item for item in app.spec.workers if item.name == name), None) if app else None
    pods = facts.pods(_component(COMPONENT_WORKER, name))
    return _read(facts, f"worker {name}", facts.names.service(name), found.scaling.min if found else 0, pods)


def database(facts: Facts, name: str) -> Reading:
    workload = facts.names.database(name)
    pods = facts.pods(lambda pod: any(owner["name"] == workload for owner in owners(pod)))
    primaries = [pod for pod in pods if label(pod, LABEL_ROLE) == ROLE_PRIMARY and is_ready(pod)]
    primary = str(primaries[0]["metadata"]["name"]) if primaries else None
    return _read(facts, f"database of {name}", workload, 1, pods, primary)


def system_identifier(facts: Facts, name: str) -> str | None:
    """As Patroni keeps it in the ConfigMap of the cluster's configuration."""
    key = ObjectKey("v1", "ConfigMap", facts.namespace, f"{facts.names.database(name)}-config")
    annotations = (facts.children.get(key) or {"metadata": {}})["metadata"].get("annotations") or {}
    return annotations.get("initialize") or None


def label(manifest: Manifest, name: str) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(name, ""))


def _running(facts: Facts, component: str) -> list[str]:
    return sorted(
        label(manifest, LABEL_NAME)
        for key, manifest in facts.children.items()
        if key.kind == "Deployment" and label(manifest, LABEL_COMPONENT) == component
    )


def _component(component: str, name: str | None = None) -> Callable[[Manifest], bool]:
    return lambda pod: label(pod, LABEL_COMPONENT) == component and name in (None, label(pod, LABEL_NAME))


def owners(pod: Manifest) -> list[Mapping[str, Any]]:
    return list(pod["metadata"].get("ownerReferences") or ())


def _read(
    facts: Facts, title: str, workload: str, minimum: int, pods: list[Manifest], primary: str | None = None
) -> Reading:
    live = facts.workload(workload)
    troubles = tuple(found for pod in pods if (found := trouble(pod)) is not None)
    if live is None:
        return Reading(title, False, False, minimum, 0, minimum, troubles, primary)
    metadata, spec, status = live["metadata"], live.get("spec") or {}, live.get("status") or {}
    desired = int(spec.get("replicas", 1))
    updated = int(status.get("updatedReplicas") or 0)
    if live["kind"] == "StatefulSet" and status.get("currentRevision") == status.get("updateRevision"):
        updated = int(status.get("replicas") or 0)  # once a rollout is over, updatedReplicas is no longer kept
    rolled_out = (
        int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0)
        and updated >= desired
        and updated >= int(status.get("replicas") or 0)
    )
    return Reading(title, True, rolled_out, desired, int(status.get("readyReplicas") or 0), minimum, troubles, primary)
