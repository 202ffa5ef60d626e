"""Cursors: opaque positions in a list: pages neither repeat nor miss a row when others are inserted."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import Query

from shop.problems import Problem

Limit = Annotated[int, Query(ge=1, le=100, description="The most that one page holds")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before this one")]


def encode(position: Sequence[Any]) -> str:
    """The cursor for a position: the sort key of the last row on the page."""
    return base64.urlsafe_b64encode(orjson.dumps(position, default=str)).rstrip(b"=").decode()


def decode(cursor: str, size: int) -> list[Any]:
    """The position that :func:`encode` was given, of ``size`` values. Anything else: Problem 422."""
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise invalid() from None
    if not isinstance(position, list) or len(position) != size:
        raise invalid()
    return position


def invalid() -> Problem:
    """422: a cursor that no page of the list gave."""
    return Problem(422, "invalid-cursor", "The cursor is not one of this list", "start again without a cursor")
