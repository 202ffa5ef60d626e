"""Which fields two versions of an object differ in. Data in, data out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 60
# Items of a list that are told apart by one of these fields are compared by it, and not by their place.
_KEYS = ("name", "mountPath", "containerPort", "path")


@dataclass(frozen=True)
class Field:
    """A field that changes; None stands for absent. Values are shortened text."""

    path: str
    before: str | None
    after: str | None


def changed_fields(before: Any, after: Any, path: str = "") -> tuple[Field, ...]:
    """The smallest fields that differ, in the order in which they are written."""
    return tuple(_compare(before, after, path))


def _compare(before: Any, after: Any, path: str) -> Iterator[Field]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in (*before, *(name for name in after if name not in before)):
            yield from _compare(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif (key := _key(before, after)) is not None:
        old, new = ({item[key]: item for item in items} for items in (before, after))
        for name in (*old, *(name for name in new if name not in old)):
            yield from _compare(old.get(name), new.get(name), f"{path}[{name}]")
    else:
        yield Field(path, _short(before), _short(after))


def _key(before: Any, after: Any) -> str | None:
    """The field that identifies the items of both lists; None if there is none."""
    if not (_is_list(before) and _is_list(after)):
        return None
    items = [*before, *after]
    for key in _KEYS:
        if all(isinstance(item, Mapping) and key in item for item in items) and all(
            len({item[key] for item in some}) == len(some) for some in (before, after)
        ):
            return key
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _short(value: Any) -> str | None:
    """A file is told by its length: nobody reads a configuration in a table."""
    if value is None:
        return None
    if isinstance(value, str) and ("\n" in value or len(value) > 4 * _SHOWN):
        return f"({len(value)} characters)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
