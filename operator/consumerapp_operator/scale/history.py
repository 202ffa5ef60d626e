"""What one decision leaves to the next. Frozen data: passed in, passed out, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from consumerapp_operator.scale.behavior import Speed
from consumerapp_operator.scale.model import WorkloadKey
from consumerapp_operator.scale.rate import ScaleEvents, record
from consumerapp_operator.scale.stabilization import Log, Recommendation


@dataclass(frozen=True)
class Count:
    """A count that was seen and the one decided on it, at a time (seconds)."""

    at: float
    current: int
    decided: int


@dataclass(frozen=True)
class WorkloadHistory:
    """Recommendations and changes of one count, and the last decision."""

    log: Log
    events: ScaleEvents
    last: Count


@dataclass(frozen=True)
class History:
    """Of all counts of one app; empty at the operator's start."""

    workloads: Mapping[WorkloadKey, WorkloadHistory] = field(default_factory=dict)


def seen(history: WorkloadHistory | None, current: int, speed: Speed, now: float) -> WorkloadHistory:
    """The history after a look at the count.

    A change counts as an event only once it is seen, so a write that failed does not use up the rate; it is
    dated when it was decided, or now if somebody else made it. The first count seen is taken as recommended,
    as the HPA does: a restart of the operator lowers nothing before a whole stabilization window has passed.
    """
    if history is None:
        return WorkloadHistory((Recommendation(now, current),), ScaleEvents(), Count(now, current, current))
    last = history.last
    if current == last.current:
        return history
    at = last.at if current == last.decided else now
    return replace(history, events=record(history.events, last.current, current, speed, at))
