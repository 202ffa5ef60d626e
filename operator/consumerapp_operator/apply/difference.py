"""Whether an object must be written: nothing is stored but one annotation on the object itself.

A write is due when the object is missing, when the plan now wants something else than what was last applied
(the hash in the annotation differs), or when somebody changed what is ours (a wanted value is not in the live
object). What others added, and what the API server filled in, is left alone, as server-side apply does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import orjson

from consumerapp_operator.api.names import ANNOTATION_APPLIED
from consumerapp_operator.api.quantity import parse_quantity
from consumerapp_operator.plan.model import Manifest

# Lists whose items the API server identifies by these fields and merges one by one (`listType=map` in its
# schema). Any other list belongs as a whole to who applied it: an item that somebody added is drift.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_PORT_KEYS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("containerPort", "protocol"),
    "StatefulSet": ("containerPort", "protocol"),
    "Service": ("port", "protocol"),
}
_KEY_DEFAULTS = {"protocol": "TCP"}
# Maps that select something as a whole: one more label in a Service's selector takes its pods away.
_WHOLE_MAPS = frozenset(
    ("selector", "podSelector", "namespaceSelector", "labelSelector", "matchLabels", "nodeSelector")
)
_QUANTITY_MAPS = frozenset(("requests", "limits"))
_QUANTITIES = frozenset(("sizeLimit",))


class Cause(StrEnum):
    MISSING = "Missing"
    GONE = "Gone"  # it was there before: told apart from MISSING by who remembers that (objects.py)
    PLAN = "PlanChanged"
    DRIFT = "Drift"


@dataclass(frozen=True)
class Difference:
    """Why an object must be written; with DRIFT, `detail` names the fields that are not as wanted."""

    cause: Cause
    detail: str


def digest(value: Any) -> str:
    """A hash of JSON data that does not depend on the order of keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def stamped(desired: Manifest) -> Manifest:
    """The object as it is sent: with the annotation that remembers what was wanted."""
    metadata = dict(desired["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION_APPLIED: digest(desired)}
    return {**desired, "metadata": metadata}


def needs_write(desired: Manifest, live: Manifest | None) -> Difference | None:
    """Why `desired` must be applied, or None. `live` may be trimmed."""
    if live is None:
        return Difference(Cause.MISSING, "it does not exist")
    if desired["kind"] == "Job":
        # A Job's template cannot be changed and what it did cannot be repeated: a new one has a new name.
        return None
    applied = (live["metadata"].get("annotations") or {}).get(ANNOTATION_APPLIED)
    if applied != digest(desired):
        return Difference(Cause.PLAN, "the plan changed" if applied else "it was not applied before")
    found = drift(desired, live)
    return Difference(Cause.DRIFT, "; ".join(found)[:500]) if found else None


def drift(desired: Manifest, live: Manifest) -> tuple[str, ...]:
    """Every wanted value that the live object lacks, as `path is …, should be …`."""
    # A Secret's values are not kept in memory, and apiVersion and kind are how the object was found.
    ignored = (
        "apiVersion",
        "kind",
        "status",
        *(("data", "stringData") if desired["kind"] == "Secret" else ()),
    )
    wanted = {key: value for key, value in desired.items() if key not in ignored}
    return tuple(_Comparison(desired["kind"]).mapping(wanted, live, "", granular=True))


class _Comparison:
    """Walks through what is wanted. `granular` is False inside of a list that belongs to one owner as a
    whole.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def value(self, wanted: Any, live: Any, path: str, name: str, *, granular: bool) -> Iterator[str]:
        if wanted is None or (_empty(wanted) and _empty(live)):
            return
        if isinstance(wanted, Mapping) and isinstance(live, Mapping):
            if name in _WHOLE_MAPS:
                yield from (f"{path}.{extra} should not be there" for extra in sorted(set(live) - set(wanted)))
            compare = self._quantities if name in _QUANTITY_MAPS else partial(self.mapping, granular=granular)
            yield from compare(wanted, live, path)
        elif _is_list(wanted) and _is_list(live):
            yield from self._list(wanted, live, path, name, granular=granular)
        elif wanted != live and not (name in _QUANTITIES and _same_quantity(wanted, live)):
            yield f"{path} is {_short(live)}, should be {_short(wanted)}"

    def mapping(
        self, wanted: Mapping[str, Any], live: Mapping[str, Any], path: str, *, granular: bool
    ) -> Iterator[str]:
        for name, value in wanted.items():
            at = f"{path}.{name}" if path else name
            yield from self.value(value, live.get(name), at, name, granular=granular)

    def _quantities(self, wanted: Mapping[str, Any], live: Mapping[str, Any], path: str) -> Iterator[str]:
        for name, value in wanted.items():
            if not _same_quantity(value, live.get(name)):
                yield f"{path}.{name} is {_short(live.get(name))}, should be {_short(value)}"

    def _list(
        self, wanted: Sequence[Any], live: Sequence[Any], path: str, name: str, *, granular: bool
    ) -> Iterator[str]:
        keys = self._keys_of(name) if granular else None
        if keys is None:
            if len(wanted) != len(live):
                yield f"{path} has {len(live)} items, should have {len(wanted)}"
            for index, (item, other) in enumerate(zip(wanted, live, strict=False)):
                yield from self.value(item, other, f"{path}[{index}]", "", granular=False)
            return
        present = {_identity(item, keys): item for item in live}
        for item in wanted:
            identity = _identity(item, keys)
            at = f"{path}[{identity[0]}]"
            if identity in present:
                yield from self.value(item, present[identity], at, "", granular=True)
            else:
                yield f"{at} is missing"

    def _keys_of(self, name: str) -> tuple[str, ...] | None:
        return _PORT_KEYS.get(self._kind) if name == "ports" else _KEYS.get(name)


def _identity(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(key, _KEY_DEFAULTS.get(key)) for key in keys)


def _empty(value: Any) -> bool:
    """Absent, or what the API server leaves out when it is empty."""
    return value is None or (isinstance(value, Mapping | Sequence) and len(value) == 0)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same_quantity(wanted: Any, live: Any) -> bool:
    if wanted == live:
        return True
    if wanted is None or live is None:
        return False
    try:
        return parse_quantity(str(wanted)) == parse_quantity(str(live))
    except ValueError:
        return False


def _short(value: Any) -> str:
    if value is None:
        return "absent"
    text = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
