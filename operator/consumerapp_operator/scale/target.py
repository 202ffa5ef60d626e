"""What one target of the spec asks for, given the load: a count and the measurement in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from consumerapp_operator.api.quantity import parse_duration_seconds
from consumerapp_operator.api.scaling import Target, TargetType
from consumerapp_operator.scale.calculator import Tolerance, total_replicas
from consumerapp_operator.scale.model import Load, Replicas


@dataclass(frozen=True)
class Ask:
    """A count that would meet one target. observed and target are per replica; `measured` is a clause for the
    reason.
    """

    replicas: int
    trigger: str
    observed: str
    target: str
    measured: str


def ask(target: Target, load: Load, replicas: Replicas, tolerance: float) -> Ask | None:
    """None if the load says nothing about this target."""
    match target.type:
        case TargetType.CONCURRENCY:
            return _shared(target, load.concurrency, "requests in flight", replicas, tolerance)
        case TargetType.REQUEST_RATE:
            return _shared(target, load.request_rate, "requests per second", replicas, tolerance)
        case TargetType.LAG:
            return _shared(target, load.lag, "events waiting", replicas, tolerance)
        case TargetType.LATENCY:
            return _latency(target, load, replicas, tolerance)


def _shared(target: Target, total: float, unit: str, replicas: Replicas, tolerance: float) -> Ask:
    """A load that the replicas share: the HPA's AverageValue of an external metric."""
    wanted = float(target.value)
    proposal = total_replicas(
        replicas.desired,
        round(wanted * 1000),
        (round(total * 1000),),
        tolerance=Tolerance(tolerance, tolerance),
    )
    each = total / replicas.desired if replicas.desired else total
    plural = "replica" if replicas.desired == 1 else "replicas"
    measured = f"{total:.1f} {unit} over {replicas.desired} {plural} is {each:.1f} each, target {target.value}"
    if replicas.desired and proposal.replicas == replicas.desired and each != wanted:
        close = Tolerance(tolerance, tolerance).covers(each / wanted)
        measured += f" (within {tolerance * 100:g} %)" if close else " (one less would exceed it)"
    return Ask(proposal.replicas, target.type.value, f"{each:.1f} {unit}", f"{target.value} {unit}", measured)


def _latency(target: Target, load: Load, replicas: Replicas, tolerance: float) -> Ask | None:
    """A time that all replicas have in common: the HPA's Value, which multiplies the ready ones, on the way
    up.

    On the way down latency is no measure of how many could go: it hardly moves until the load is too much. So
    it asks for one less, and stabilization makes that one less per window.
    """
    limit = parse_duration_seconds(target.value)
    if load.latency_p95 is None:
        if load.request_rate > 0 or load.concurrency > 0:
            return None  # all are still under way: the slowest there are
        return Ask(0, target.type.value, "no requests", target.value, "no requests, so none is slow")
    ratio = load.latency_p95 / limit
    observed = f"{load.latency_p95 * 1000:.0f}ms"
    if ratio > 1.0 + tolerance:
        # never less than now: replicas that are not ready yet are on their way to help
        count = max(math.ceil(ratio * replicas.ready), replicas.desired)
    elif ratio < 1.0 - tolerance:
        count = replicas.desired - 1
    else:
        count = replicas.desired
    return Ask(
        count, target.type.value, observed, target.value,
        f"95 % of requests took at most {observed}, target {target.value}",
    )  # fmt: skip
