"""What must hold at the end, judged from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from walkthrough.counts import History

READY_SECONDS = 90.0
# A machine under other load may miss READY_SECONDS; that is told, but the demo fails only past this limit.
READY_LIMIT_SECONDS = 120.0
SERVICES_THAT_MOVE = 2


@dataclass(frozen=True)
class Outcome:
    """Everything the demo measured. `written`: the operator's writes after the second apply.

    same_orders: the acknowledged orders are, one by one, the stored ones.
    """

    ready_s: float
    requests: int
    failed: int
    p50_ms: float
    p95_ms: float
    orders_acknowledged: int
    orders_stored: int
    same_orders: bool
    replicas: History
    services: Sequence[str]
    written: Mapping[str, int]


@dataclass(frozen=True)
class Check:
    """One promise: whether it held, and what was seen. `fatal` is whether missing it fails the demo."""

    promise: str
    held: bool
    seen: str
    fatal: bool = True


def checks(outcome: Outcome) -> tuple[Check, ...]:
    """Every promise with its verdict, in the order of the demo."""
    moved = [name for name in outcome.services if up_and_down(outcome.replicas.get(name, ()))]
    written = ", ".join(f"{value} × {name}" for name, value in outcome.written.items())
    return (
        Check(
            f"Ready within {READY_SECONDS:.0f} s of the apply",
            outcome.ready_s <= READY_SECONDS,
            f"{outcome.ready_s:.0f} s",
            fatal=outcome.ready_s > READY_LIMIT_SECONDS,
        ),
        Check(
            "no request of a customer failed",
            outcome.failed == 0 and outcome.requests > 0,
            f"{outcome.failed} of {outcome.requests}",
        ),
        Check(
            "every acknowledged order is stored, and no other",
            outcome.orders_acknowledged == outcome.orders_stored > 0 and outcome.same_orders,
            f"{outcome.orders_acknowledged} acknowledged, {outcome.orders_stored} stored"
            + ("" if outcome.same_orders else ", not the same ones"),
        ),
        Check(
            "the gateway grew with the surge and shrank after it",
            up_and_down(outcome.replicas.get("gateway", ())),
            course(outcome.replicas.get("gateway", ())),
        ),
        Check(
            f"so did at least {SERVICES_THAT_MOVE} services",
            len(moved) >= SERVICES_THAT_MOVE,
            ", ".join(f"{name} {course(outcome.replicas[name])}" for name in moved) or "none",
        ),
        Check("a second apply wrote nothing", not outcome.written, written or "0 writes"),
    )


def passed(results: Sequence[Check]) -> bool:
    """Whether the demo as a whole held."""
    return all(result.held or not result.fatal for result in results)


def up_and_down(history: Sequence[tuple[float, int]]) -> bool:
    """Whether a count rose above where it began and ended below its highest."""
    counts = [count for _, count in history]
    return bool(counts) and max(counts) > counts[0] and counts[-1] < max(counts)


def course(history: Sequence[tuple[float, int]]) -> str:
    """The counts in order, each once: `1→3→1`."""
    counts = [count for _, count in history]
    return "→".join(str(count) for index, count in enumerate(counts) if index == 0 or counts[index - 1] != count)
