"""What Envoy has counted of one workload, and the arithmetic on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumerapp_operator.scale.model import WorkloadKey


@dataclass(frozen=True)
class Counters:
    """Of one workload on one pod, since the pod's start or between two scrapes.

    completed: requests answered. time_count and time_seconds: how many response times, and their sum.
    buckets: how many took at most this many seconds (cumulative; the last bound is infinite). in_flight: a
    level, not a count: requests under way or waiting for a connection at the end.
    """

    completed: float = 0.0
    time_count: float = 0.0
    time_seconds: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)
    in_flight: float = 0.0


Scrape = Mapping[WorkloadKey, Counters]
ZERO = Counters()


def increase(before: Counters, after: Counters) -> Counters:
    """What was counted between the two. A counter that fell began anew at zero: all of it counts."""
    if after.completed < before.completed or after.time_count < before.time_count:
        return after
    return Counters(
        after.completed - before.completed,
        after.time_count - before.time_count,
        after.time_seconds - before.time_seconds,
        {bound: count - before.buckets.get(bound, 0.0) for bound, count in after.buckets.items()},
        after.in_flight,
    )


def scaled(counters: Counters, share: float) -> Counters:
    """A share of what was counted; the level stays."""
    if share == 1.0:
        return counters
    return Counters(
        counters.completed * share,
        counters.time_count * share,
        counters.time_seconds * share,
        {bound: count * share for bound, count in counters.buckets.items()},
        counters.in_flight,
    )


def added(total: Counters, counters: Counters, in_flight: float) -> Counters:
    """The sum, with the level given by the caller: only it knows what time it stands for."""
    buckets = dict(total.buckets)
    for bound, count in counters.buckets.items():
        buckets[bound] = buckets.get(bound, 0.0) + count
    return Counters(
        total.completed + counters.completed,
        total.time_count + counters.time_count,
        total.time_seconds + counters.time_seconds,
        buckets,
        total.in_flight + in_flight,
    )
