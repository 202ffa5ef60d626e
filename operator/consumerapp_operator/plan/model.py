"""What goes into the plan and what comes out: data only, so that every builder can be tested with a literal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumerapp_operator.api.app import ConsumerApp

Manifest = Mapping[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, order=True)
class ObjectKey:
    """Identity of an object in the cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> ObjectKey:
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Images:
    """The operator's own images, used where the spec names none."""

    gateway: str
    postgres: str
    redis: str
    nats: str


@dataclass(frozen=True)
class LoadedConfiguration:
    """Versions of the gateway's configuration that one gateway pod has confirmed in its own statistics.

    reachable: services of which the pod has a healthy replica.
    """

    listeners: str
    routes: str
    clusters: str
    reachable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Snapshot:
    """Everything the plan may look at.

    `children` holds the live objects of the app as the watch last saw them, trimmed (observe/trim.py): no managed
    fields; pods too. `gateway_loaded` maps gateway pod names to what they confirmed; a pod that could not be asked is
    absent. `synced` is False until every kind has been listed once: nothing may be pruned before.
    """

    app: ConsumerApp
    images: Images
    children: Mapping[ObjectKey, Manifest] = field(default_factory=dict)
    gateway_loaded: Mapping[str, LoadedConfiguration] = field(default_factory=dict)
    synced: bool = True

    def get(self, api_version: str, kind: str, name: str) -> Manifest | None:
        return self.children.get(ObjectKey(api_version, kind, self.app.namespace, name))

    def pods(self, labels: Mapping[str, str]) -> list[Manifest]:
        """Live pods with all of these labels, by name."""
        return sorted(
            (
                manifest
                for key, manifest in self.children.items()
                if key.kind == "Pod" and labels.items() <= (manifest["metadata"].get("labels") or {}).items()
            ),
            key=lambda pod: str(pod["metadata"]["name"]),
        )


@dataclass(frozen=True)
class GeneratedSecret:
    """A Secret that is created once and never written again.

    `passwords` names the random values to be drawn; `data` turns them into the Secret's stringData. Drawing happens
    in apply/, so that the plan stays a function.
    """

    manifest: Manifest
    passwords: tuple[str, ...]
    data: Callable[[Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True)
class Patch:
    """A JSON merge patch on an object that is not the operator's own (a pod's label or annotation), and why."""

    key: ObjectKey
    body: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Plan:
    """What the world should look like. Applying it twice is the same as applying it once.

    objects: to be server-side applied in this order; none holds spec.replicas (the scaler alone writes counts).
    secrets: to be created if absent.   prune: live children that the spec no longer names.
    patches: small corrections on pods. problems: what only the operator can see to be wrong with the spec, as
    `spec.services[2].calls[0]: why; what to do`; with any, nothing else is planned and what runs is left alone.
    waiting: what the plan holds back and until when, in words for the status.
    """

    objects: tuple[Manifest, ...] = ()
    secrets: tuple[GeneratedSecret, ...] = ()
    prune: tuple[ObjectKey, ...] = ()
    patches: tuple[Patch, ...] = ()
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """An object that the API server did not take.

    `status` is the HTTP status, 0 when there was no answer. A request that the server refuses for what it says (4xx)
    needs someone; anything else is tried again and may pass by itself. So may 404: what the object refers to, such as a
    RoleBinding to a Role, was written a moment ago and is not known everywhere yet.
    """

    key: ObjectKey
    status: int
    field: str
    message: str

    @property
    def needs_someone(self) -> bool:
        return 400 <= self.status < 500 and self.status not in (404, 408, 409, 429)

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        return f"{self.key.kind} {self.key.name}{where}: {self.message}"
