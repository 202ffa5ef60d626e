"""Waiting for a condition, with a deadline; never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from walkthrough.kubectl import KubectlError

T = TypeVar("T")

POLL_SECONDS = 0.5


def until(what: str, probe: Callable[[], T | None], seconds: float = 60) -> T:
    """The first true answer of `probe`. Raises AssertionError after the deadline with the last answer.

    An object that is not there (yet) is an answer like any other.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if answer := probe():
                return answer
            last = answer
        except KubectlError as error:
            if "NotFound" not in error.why:
                raise
            last = error
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {last}")
