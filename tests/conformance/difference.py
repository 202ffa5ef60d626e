"""Comparison of an expectation with what was decided, in words."""

from __future__ import annotations


def difference(what: str, expected: object, decided: object) -> list[str]:
    """Nothing, or one sentence."""
    return [] if expected == decided else [f"{what}: expected {expected!r}, got {decided!r}"]
