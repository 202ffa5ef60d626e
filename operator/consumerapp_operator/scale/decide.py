"""The decision on every replica count of an app: from what was observed, the spec and what went before. Pure.

The formula, the stabilization and the rates are those of HPA v2 (calculator.py, stabilization.py, rate.py).
What is added: nothing is lowered on data that is missing, incomplete or not about the replicas; and every
decision says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.scale.behavior import PolicyType, Rules
from consumerapp_operator.scale.history import Count, History, WorkloadHistory, seen
from consumerapp_operator.scale.model import Decision, Limit, Load, Observation, Replicas, WorkloadKey
from consumerapp_operator.scale.rate import Cap, ScaleEvents, limit_rate
from consumerapp_operator.scale.stabilization import Log, stabilize
from consumerapp_operator.scale.target import Ask, ask
from consumerapp_operator.scale.workload import Workload, workloads

BOUNDS = "Bounds"
NO_DATA = "NoData"
NEVER_LOWERED = "a count is never lowered without data"


def decide(
    app: ConsumerApp, observation: Observation, history: History, now: float
) -> tuple[tuple[Decision, ...], History]:
    """One decision for each count that exists, in the order of the spec, and the history to pass in next
    time.

    A workload that `observation.replicas` lacks does not exist (yet, or any more): nothing is decided about
    it and its history is forgotten.
    """
    decisions: list[Decision] = []
    after: dict[WorkloadKey, WorkloadHistory] = {}
    for workload in workloads(app):
        replicas = observation.replicas.get(workload.key)
        if replicas is None:
            continue
        before = seen(history.workloads.get(workload.key), replicas.desired, workload.speed, now)
        decision, log = _decide(workload, replicas, observation, before, now)
        decisions.append(decision)
        count = Count(now, replicas.desired, decision.decided)
        after[workload.key] = WorkloadHistory(log, before.events, count)
    return tuple(decisions), History(after)


def _decide(
    workload: Workload, replicas: Replicas, observation: Observation, history: WorkloadHistory, now: float
) -> tuple[Decision, Log]:
    current = replicas.desired
    if not workload.minimum <= current <= workload.maximum or not workload.targets:
        return _within_bounds(workload, current, now), history.log
    load = observation.loads.get(workload.load)
    view = _asks(workload, replicas, load, observation.why_no_data)
    if view.largest is None or (view.doubt and view.largest.replicas < current):
        decision = _held(workload, current, view, now)
        # A hold recommends what is there: when data is back, a whole window passes before anything is
        # lowered.
        _, log = stabilize(current, current, history.log, now=now, **_windows(workload))
        return decision, log
    wanted = view.largest.replicas
    stable, log = stabilize(current, wanted, history.log, now=now, **_windows(workload))
    return _moved(workload, current, wanted, stable, view.largest, history.events, now), log


@dataclass(frozen=True)
class _View:
    """The largest ask, and why the data is not good enough to lower anything on it (empty: it is)."""

    largest: Ask | None
    doubt: str
    no_data: bool


def _asks(workload: Workload, replicas: Replicas, load: Load | None, why_no_data: str) -> _View:
    if load is None:
        return _View(None, f"no metrics ({why_no_data or 'none measured yet'}); {NEVER_LOWERED}", True)
    asks = [ask(target, load, replicas, workload.tolerance) for target in workload.targets]
    known = [each for each in asks if each is not None]
    largest = max(known, key=lambda each: each.replicas) if known else None
    if not load.complete:
        return _View(largest, f"metrics are incomplete ({why_no_data}); {NEVER_LOWERED}", True)
    if len(known) < len(asks):
        return _View(largest, f"no request has ended that would show the latency; {NEVER_LOWERED}", True)
    if replicas.ready == 0 and replicas.desired > 0 and workload.load == workload.key:
        return _View(largest, "no replica is ready, so what is measured is not its load", False)
    return _View(largest, "", False)


def _within_bounds(workload: Workload, current: int, now: float) -> Decision:
    """Into the bounds, whatever the metrics say; a fixed count has bounds and nothing else."""
    wanted = min(max(current, workload.minimum), workload.maximum)
    decided, limits = _one_step(workload, current, wanted)
    fixed = workload.minimum == workload.maximum
    bound = (
        f"the spec asks for {workload.minimum}"
        if fixed
        else f"the minimum is {workload.minimum}"
        if current <= workload.minimum
        else f"the maximum is {workload.maximum}"
    )
    return Decision(
        workload.key, now, current, wanted, decided, BOUNDS, f"{current} replicas", f"{wanted} replicas",
        limits, _sentence(_head(current, decided), bound, limits),
    )  # fmt: skip


def _held(workload: Workload, current: int, view: _View, now: float) -> Decision:
    largest = view.largest
    measured = f"{largest.measured}, but " if largest is not None else ""
    return Decision(
        workload.key, now, current, current, current,
        NO_DATA if view.no_data or largest is None else largest.trigger,
        largest.observed if largest is not None else "unknown",
        largest.target if largest is not None else workload.targets[0].value,
        (), f"held at {current}: {measured}{view.doubt}",
    )  # fmt: skip


def _moved(
    workload: Workload, current: int, wanted: int, stable: int, largest: Ask, events: ScaleEvents, now: float
) -> Decision:
    limits: list[Limit] = []
    if stable != wanted:
        limits.append(_stabilization(workload, current, wanted, stable))
    allowed, cap = limit_rate(current, stable, workload.minimum, workload.maximum, workload.speed, events, now)
    if allowed != stable:
        limits.append(_cap(workload, cap, allowed))
    decided, steps = _one_step(workload, current, allowed)
    limits.extend(steps)
    return Decision(
        workload.key, now, current, wanted, decided, largest.trigger, largest.observed, largest.target,
        tuple(limits), _sentence(_head(current, decided), _measured(largest, wanted, decided), tuple(limits)),
    )  # fmt: skip


def _measured(largest: Ask, wanted: int, decided: int) -> str:
    return largest.measured if wanted == decided else f"{largest.measured}; {wanted} wanted, {decided} decided"


def _one_step(workload: Workload, current: int, decided: int) -> tuple[int, tuple[Limit, ...]]:
    if not workload.steps_down_by_one or decided >= current - 1:
        return decided, ()
    return current - 1, (Limit("OneAtATime", current - 1, "members of a database leave one at a time"),)


def _stabilization(workload: Workload, current: int, wanted: int, stable: int) -> Limit:
    if wanted < current:
        window = workload.speed.down.stabilization_window_seconds
        why = f"up to {stable} were wanted within the last {window} s"
    else:
        window = workload.speed.up.stabilization_window_seconds
        why = f"no more than {stable} were wanted at some time within the last {window} s"
    return Limit("Stabilization", stable, why)


def _cap(workload: Workload, cap: Cap, allowed: int) -> Limit:
    match cap:
        case Cap.MAX:
            return Limit("Max", allowed, f"the maximum is {workload.maximum}")
        case Cap.MIN:
            return Limit("Min", allowed, f"the minimum is {workload.minimum}")
        case Cap.UP_RATE:
            return Limit("Rate", allowed, f"{_pace(workload.speed.up)} may be added")
        case Cap.DOWN_RATE | Cap.NONE:
            return Limit("Rate", allowed, f"{_pace(workload.speed.down)} may be removed")


def _pace(rules: Rules) -> str:
    """`at most 4 pods or 100 % per 15 s`."""
    parts = [
        f"{policy.value} pods" if policy.type is PolicyType.PODS else f"{policy.value} %" for policy in rules.policies
    ]
    return f"at most {' or '.join(parts)} per {rules.longest_period_seconds} s"


def _windows(workload: Workload) -> dict[str, float]:
    return {
        "up_window": workload.speed.up.stabilization_window_seconds,
        "down_window": workload.speed.down.stabilization_window_seconds,
    }


def _head(current: int, decided: int) -> str:
    return f"{current} → {decided}" if decided != current else f"stays at {current}"


def _sentence(head: str, measured: str, limits: tuple[Limit, ...]) -> str:
    whys = f": {', '.join(limit.why for limit in limits)}" if limits else ""
    return f"{head}: {measured}{whys}"
