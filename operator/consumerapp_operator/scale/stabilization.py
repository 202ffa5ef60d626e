"""The most cautious of the recent recommendations: the highest before going down, the lowest before going up.

Source: Kubernetes v1.36.3, pkg/controller/podautoscaler/horizontal.go (stabilizeRecommendation and its
successor).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recommendation:
    """What the metrics asked for at a time (seconds), before any limit."""

    at: float
    replicas: int


Log = tuple[Recommendation, ...]
"""Recommendations; in no particular order, because a new one takes the place of one that has expired."""


def stabilize(
    current: int, wanted: int, log: Log, *, up_window: float, down_window: float, now: float
) -> tuple[int, Log]:
    """`current`, moved into [lowest of the up window, highest of the down window], and the log with `wanted`
    added.
    """
    up_cutoff, down_cutoff = now - up_window, now - down_window
    lowest = highest = wanted
    expired: int | None = None
    for index, entry in enumerate(log):
        if entry.at > up_cutoff and entry.replicas < lowest:
            lowest = entry.replicas
        if entry.at > down_cutoff and entry.replicas > highest:
            highest = entry.replicas
        if entry.at < up_cutoff and entry.at < down_cutoff:
            expired = index
    return min(max(current, lowest), highest), _added(log, expired, Recommendation(now, wanted))


def stabilize_down(wanted: int, log: Log, *, window: float, now: float) -> tuple[int, Log]:
    """The rule without a behavior: the highest of the window, in both directions."""
    cutoff = now - window
    highest = wanted
    expired: int | None = None
    for index, entry in enumerate(log):
        if entry.at < cutoff:
            expired = index
        elif entry.replicas > highest:
            highest = entry.replicas
    return highest, _added(log, expired, Recommendation(now, wanted))


def _added(log: Log, expired: int | None, entry: Recommendation) -> Log:
    """Reusing an expired place bounds the log to one window of ticks."""
    if expired is None:
        return (*log, entry)
    return (*log[:expired], entry, *log[expired + 1 :])
