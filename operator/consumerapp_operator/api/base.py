"""The base of all models of the resource: camelCase outside, snake_case inside, frozen, no unknown field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


def rules(*pairs: tuple[str, str], **extra: Any) -> dict[str, Any]:
    """CEL rules as `(expression, message)` for the schema of a model or field, with other schema keys beside them.

    Each message says what to do: it is what `kubectl apply` prints when it refuses.
    """
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs], **extra}


def list_map(key: str = "name") -> Mapping[str, Any]:
    """Schema keys of a list whose items are identified by `key`: unique, and merged item by item on apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
