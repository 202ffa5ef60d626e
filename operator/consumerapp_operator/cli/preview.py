"""What an apply would do to an app: a frozen report, made from what lives and what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, DeletionPolicy
from consumerapp_operator.api.names import COMPONENT_DATABASE, LABEL_COMPONENT, LABEL_NAME
from consumerapp_operator.apply.difference import drift, needs_write
from consumerapp_operator.cli.fields import Field, changed_fields
from consumerapp_operator.cli.rehearsal import Rehearsed, rehearse
from consumerapp_operator.plan.live import has_labels
from consumerapp_operator.plan.model import Manifest, ObjectKey, Snapshot

_WORKLOADS = frozenset(("Deployment", "StatefulSet"))


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One object. `restarts`: its pods are replaced, since their template changes. `note` says what fields do not."""

    kind: str
    name: str
    action: Action
    fields: tuple[Field, ...] = ()
    restarts: bool = False
    note: str = ""


@dataclass(frozen=True)
class Preview:
    """The whole report. With `problems` nothing would be done; `data` are sentences about volumes and credentials.

    waiting: what the operator holds back by itself, and until when.
    """

    app: str
    namespace: str
    spec: tuple[Field, ...] = ()
    changes: tuple[Change, ...] = ()
    data: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: nothing changes, 2: something does, 1: the spec is refused."""
        if self.problems:
            return 1
        return 2 if self.spec or self.changes or self.data else 0


def preview(current: Snapshot | None, proposed: Snapshot) -> Preview:
    """Compare the plans of the spec that is applied (None: the app is new) and of the one that is proposed."""
    app = proposed.app
    after = rehearse(proposed)
    if after.problems:
        return Preview(app.name, app.namespace, problems=after.problems)
    before = rehearse(current) if current is not None else Rehearsed({})
    same = current is not None and current.app.spec == app.spec
    return Preview(
        app=app.name,
        namespace=app.namespace,
        spec=() if current is None else changed_fields(_spec(current.app), _spec(app), "spec"),
        # What the operator is about to do anyway is no consequence of the new spec.
        changes=() if same else tuple(_changes(proposed, before, after)),
        data=tuple(_data(current, proposed, after)),
        waiting=after.waiting,
    )


def _spec(app: ConsumerApp) -> Any:
    return app.spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def _changes(proposed: Snapshot, before: Rehearsed, after: Rehearsed) -> Iterator[Change]:
    for key in after.created:
        yield Change(key.kind, key.name, Action.CREATE, note="generated credentials")
    for key, wanted in after.wanted.items():
        live = proposed.children.get(key)
        if live is None:
            yield Change(key.kind, key.name, Action.CREATE, note=_first(wanted))
            continue
        known = before.wanted.get(key)
        fields = changed_fields(_comparable(known), _comparable(wanted)) if known is not None else ()
        if known is not None and not fields:
            continue
        difference = needs_write(wanted, live)
        if difference is None:
            continue
        restarts = key.kind in _WORKLOADS and (
            any(field.path.startswith("spec.template") for field in fields)
            or any(line.startswith("spec.template") for line in drift(wanted, live))
        )
        note = "" if fields else difference.detail
        yield Change(key.kind, key.name, Action.CHANGE, fields, restarts, note)
    expected = set(before.pruned)
    for key in after.pruned:
        if key in proposed.children and key not in expected:
            yield Change(key.kind, key.name, Action.DELETE)


def _first(wanted: Manifest) -> str:
    return "a migration that runs once" if wanted["kind"] == "Job" else ""


def _comparable(manifest: Manifest) -> dict[str, Any]:
    """Without who owns it: of an app that is not there yet, the uid is not known."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "ownerReferences"}
    return {**manifest, "metadata": metadata}


def _data(current: Snapshot | None, proposed: Snapshot, after: Rehearsed) -> Iterator[str]:
    """Volumes that grow, databases that come with or go from their data, and a changed deletionPolicy."""
    children = proposed.children
    for patch in after.patches:
        if patch.key.kind == "PersistentVolumeClaim" and "spec" in patch.body:
            size = patch.body["spec"]["resources"]["requests"]["storage"]
            old = children[patch.key]["spec"]["resources"]["requests"]["storage"]
            yield f"volume {patch.key.name} grows from {old} to {size}"
    policy = proposed.app.spec.deletion_policy
    wanted = {service.name for service in proposed.app.spec.services if service.database}
    had = {service.name for service in current.app.spec.services if service.database} if current else set()
    for name in sorted(had - wanted):
        stored = _stored(children, name)
        if policy is DeletionPolicy.DELETE:
            yield f"the database of {name} goes and its data is DELETED: {', '.join(stored) or 'no volumes yet'}"
        else:
            yield f"the database of {name} goes and its data is kept: {', '.join(stored) or 'no volumes yet'}"
    for name in sorted(wanted - had):
        if stored := _stored(children, name):
            yield f"the database of {name} takes up the data that was kept: {', '.join(stored)}"
    if current is not None and current.app.spec.deletion_policy is not policy:
        fate = "deleted" if policy is DeletionPolicy.DELETE else "kept"
        yield f"deletionPolicy becomes {policy}: volumes and credentials will be {fate} with the app or their service"


def _stored(children: Mapping[ObjectKey, Manifest], service: str) -> list[str]:
    labels = {LABEL_COMPONENT: COMPONENT_DATABASE, LABEL_NAME: service}
    return sorted(
        key.name
        for key, manifest in children.items()
        if key.kind == "PersistentVolumeClaim" and has_labels(manifest, labels)
    )


def refused(app: str, namespace: str, problems: tuple[str, ...]) -> Preview:
    """The API server does not take the resource at all."""
    return Preview(app, namespace, problems=problems)


def with_spec(snapshot: Snapshot, app: ConsumerApp) -> Snapshot:
    """The same world, seen by another version of the app."""
    return replace(snapshot, app=app)
