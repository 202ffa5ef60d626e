"""The cluster as the watch last saw it, trimmed, by app. In memory only: it is rebuilt at every start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from consumerapp_operator.api.names import KIND, LABEL_PART_OF
from consumerapp_operator.observe.trim import trim
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.scale.model import Decision, WorkloadKey


class AppKey(NamedTuple):
    """Identity of an app."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def owner_of(manifest: Mapping[str, Any]) -> AppKey | None:
    """The app that an object is, or that its labels make it a part of."""
    metadata = manifest["metadata"]
    if manifest["kind"] == KIND:
        return AppKey(metadata["namespace"], metadata["name"])
    app = (metadata.get("labels") or {}).get(LABEL_PART_OF)
    return AppKey(metadata["namespace"], app) if app else None


@dataclass(frozen=True)
class _Version:
    """Which version of an object is held, whose it is, and when it was put: what tells old news from new."""

    owner: AppKey
    uid: str
    resource_version: int
    put: int


class Store:
    """Apps, their children and the scaler's last decisions.

    `notify` is called with the owner's key after each change of a trimmed object. `synced` is False until
    every kind has been listed once.
    """

    def __init__(self, notify: Callable[[AppKey], None]) -> None:
        self._notify = notify
        self._apps: dict[AppKey, Manifest] = {}
        self._children: dict[AppKey, dict[ObjectKey, Manifest]] = {}
        self._versions: dict[ObjectKey, _Version] = {}
        self._puts = 0
        self.synced = False
        self.decisions: dict[AppKey, dict[WorkloadKey, Decision]] = {}

    def keys(self) -> list[AppKey]:
        return list(self._apps)

    def app(self, key: AppKey) -> Manifest | None:
        return self._apps.get(key)

    def children(self, key: AppKey) -> Mapping[ObjectKey, Manifest]:
        """The app's live objects. The mapping moves on with the watch: copy it to keep it."""
        return self._children.get(key, {})

    def put(self, manifest: Mapping[str, Any]) -> bool:
        """Take in an object; True if that changed something.

        An older version of the same object than the one held is ignored: the answer to one of our own writes
        often arrives before the watch has caught up with it.
        """
        owner = owner_of(manifest)
        if owner is None:
            return False
        key = ObjectKey.of(manifest)
        metadata = manifest["metadata"]
        version, held = int(metadata["resourceVersion"]), self._versions.get(key)
        if held is not None and held.uid == metadata["uid"] and held.resource_version > version:
            return False
        if held is not None and held.owner != owner:
            self._forget(key)
        self._puts += 1
        self._versions[key] = _Version(owner, metadata["uid"], version, self._puts)
        trimmed = trim(manifest)
        if key.kind == KIND:
            changed = self._apps.get(owner) != trimmed
            self._apps[owner] = trimmed
        else:
            children = self._children.setdefault(owner, {})
            changed = children.get(key) != trimmed
            children[key] = trimmed
        if changed:
            self._notify(owner)
        return changed

    def remove(self, manifest: Mapping[str, Any]) -> bool:
        """Forget an object that was deleted; one of the same name that came after it stays."""
        key = ObjectKey.of(manifest)
        held = self._versions.get(key)
        if held is None or held.uid != manifest["metadata"]["uid"]:
            return False
        self._forget(key)
        return True

    def mark(self) -> int:
        """A point in time, for `prune_ghosts`: whatever is put from now on is newer."""
        return self._puts

    def prune_ghosts(self, alive: Iterable[ObjectKey], kinds: Iterable[str], mark: int) -> list[ObjectKey]:
        """Forget objects of these kinds that a complete list, begun at `mark`, did not show; return them.

        After a watch had to start anew there is no event for what was deleted meanwhile. What was put after
        the mark stays: it may have been created after the list was taken.
        """
        living, listed = set(alive), set(kinds)
        ghosts = [
            key
            for key, version in self._versions.items()
            if key.kind in listed and key not in living and version.put <= mark
        ]
        for key in ghosts:
            self._forget(key)
        return ghosts

    def decide(self, key: AppKey, decisions: Iterable[Decision]) -> None:
        """Record the scaler's last decisions; the app is looked at again when one differs in more than the
        measurement.
        """
        known = self.decisions.setdefault(key, {})
        changed = False
        for decision in decisions:
            before = known.get(decision.workload)
            changed = changed or before is None or _gist(before) != _gist(decision)
            known[decision.workload] = decision
        if changed:
            self._notify(key)

    def _forget(self, key: ObjectKey) -> None:
        owner = self._versions.pop(key).owner
        if key.kind == KIND:
            self._apps.pop(owner, None)
            self.decisions.pop(owner, None)
        else:
            children = self._children.get(owner, {})
            children.pop(key, None)
            if not children:
                self._children.pop(owner, None)
        self._notify(owner)


def _gist(decision: Decision) -> tuple[object, ...]:
    """What makes two decisions different to a reader; the measured value moves at every tick."""
    limits = tuple((limit.by, limit.to) for limit in decision.limits)
    return decision.current, decision.wanted, decision.decided, decision.trigger, limits
