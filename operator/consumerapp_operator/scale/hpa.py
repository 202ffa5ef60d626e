"""One pass of a HorizontalPodAutoscaler as a function: the anchor that our own decisions are measured
against.

Source: Kubernetes v1.36.3, pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler,
computeReplicasForMetrics).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from consumerapp_operator.scale.behavior import DEFAULT_DOWN_WINDOW_SECONDS, Speed
from consumerapp_operator.scale.calculator import NoReplicaCount, Sight, Tolerance
from consumerapp_operator.scale.metric import Metric, MetricKind, propose
from consumerapp_operator.scale.pods import Pod, Readiness
from consumerapp_operator.scale.rate import Cap, ScaleEvents, limit_rate, limit_without_behavior, record
from consumerapp_operator.scale.stabilization import Log, Recommendation, stabilize, stabilize_down


class Action(StrEnum):
    NONE = "none"
    UP = "scale_up"
    DOWN = "scale_down"


@dataclass(frozen=True)
class Hpa:
    """What the resource and the controller manager's flags say. `speed` None: it has no behavior."""

    minimum: int
    maximum: int
    metrics: tuple[Metric, ...]
    speed: Speed | None = None
    tolerance: float = 0.1
    readiness: Readiness = field(default_factory=Readiness)
    down_window_seconds: float = DEFAULT_DOWN_WINDOW_SECONDS
    up_factor: float = 2.0
    up_at_least: float = 4.0
    scale_to_zero: bool = False


@dataclass(frozen=True)
class HpaHistory:
    """What one pass leaves to the next.

    log: None before the first pass, which takes the count it finds as recommended. scaled_to_zero: it was the
    autoscaler that went to zero.
    """

    log: Log | None = None
    events: ScaleEvents = field(default_factory=ScaleEvents)
    scaled_to_zero: bool | None = None


@dataclass(frozen=True)
class MetricResult:
    """What one metric asked for, or why it could not; `error` is `none`, `spec` or `internal`."""

    kind: str
    action: Action
    error: str
    utilization_percent: int | None = None


@dataclass(frozen=True)
class Outcome:
    """`conditions` are (status, reason) by type."""

    replicas: int
    action: Action
    failed: bool
    conditions: dict[str, tuple[str, str]]
    metrics: tuple[MetricResult, ...] = ()


def reconcile(
    hpa: Hpa, spec_replicas: int, status_replicas: int, pods: tuple[Pod, ...], history: HpaHistory, now: float
) -> tuple[Outcome, HpaHistory]:
    """The count one pass would write, and what it remembers."""
    log = (Recommendation(now, spec_replicas),) if history.log is None else history.log
    conditions = {"AbleToScale": ("True", "SucceededGetScale")}
    if history.scaled_to_zero is not None:
        conditions["ScaledToZero"] = _zero_condition(history.scaled_to_zero)
    results: tuple[MetricResult, ...] = ()
    failed = False
    if spec_replicas == 0 and not _may_wake(hpa, history):
        conditions["ScalingActive"] = ("False", "ScalingDisabled")
        if not hpa.scale_to_zero:
            conditions.pop("ScaledToZero", None)
        outcome = Outcome(0, Action.NONE, False, conditions)
        return outcome, HpaHistory(log, history.events, history.scaled_to_zero if hpa.scale_to_zero else None)
    if spec_replicas > hpa.maximum:
        replicas = hpa.maximum
    elif 0 < spec_replicas < hpa.minimum:
        replicas = hpa.minimum
    else:
        sight = Sight(spec_replicas, status_replicas, pods, _tolerance(hpa), hpa.readiness, now)
        wanted, results, problem = _wanted(hpa, sight)
        failed = problem is not None
        if wanted is None:
            conditions["ScalingActive"] = ("False", str(problem))
            return Outcome(spec_replicas, Action.NONE, True, conditions, results), HpaHistory(
                log, history.events, history.scaled_to_zero
            )
        conditions["ScalingActive"] = ("True", "ValidMetricFound")
        replicas, log, able, limited = _normalize(hpa, spec_replicas, wanted, log, history.events, now)
        conditions["AbleToScale"] = ("True", able)
        conditions["ScalingLimited"] = limited
        if spec_replicas == 0 and replicas < hpa.minimum:
            replicas = hpa.minimum
    events, scaled_to_zero = history.events, history.scaled_to_zero
    if replicas != spec_replicas:
        conditions["AbleToScale"] = ("True", "SucceededRescale")
        if hpa.speed is not None:
            events = record(events, spec_replicas, replicas, hpa.speed, now)
        if hpa.scale_to_zero:
            scaled_to_zero = replicas == 0 and hpa.minimum == 0 and _has_metric_of_another_object(hpa)
            conditions["ScaledToZero"] = _zero_condition(scaled_to_zero)
        else:
            scaled_to_zero = None
            conditions.pop("ScaledToZero", None)
    outcome = Outcome(replicas, _action(spec_replicas, replicas), failed, conditions, results)
    return outcome, HpaHistory(log, events, scaled_to_zero)


def _wanted(hpa: Hpa, sight: Sight) -> tuple[int | None, tuple[MetricResult, ...], str | None]:
    """The largest count asked for; None if no metric works, or one does not and the others would go down."""
    results: list[MetricResult] = []
    wanted = 0
    problem: str | None = None
    failures = 0
    for metric in hpa.metrics:
        try:
            proposal = propose(metric, sight)
        except NoReplicaCount:
            failures += 1
            problem = problem or metric.failure_reason
            error = "spec" if metric.kind is MetricKind.UNKNOWN else "internal"
            results.append(MetricResult(metric.type_name, Action.NONE, error))
            continue
        wanted = max(wanted, proposal.replicas)
        action = _action(sight.spec_replicas, proposal.replicas)
        results.append(MetricResult(metric.type_name, action, "none", proposal.utilization_percent))
    if failures and (failures == len(hpa.metrics) or wanted < sight.spec_replicas):
        return None, tuple(results), problem
    return wanted, tuple(results), problem


def _normalize(
    hpa: Hpa, current: int, wanted: int, log: Log, events: ScaleEvents, now: float
) -> tuple[int, Log, str, tuple[str, str]]:
    """The count after stabilization, rate and bounds, with the reasons of AbleToScale and ScalingLimited."""
    if hpa.speed is None:
        stable, log = stabilize_down(wanted, log, window=hpa.down_window_seconds, now=now)
        able = "ScaleDownStabilized"
        replicas, cap = limit_without_behavior(
            current, stable, hpa.minimum, hpa.maximum, factor=hpa.up_factor, at_least=hpa.up_at_least
        )
    else:
        up_window = hpa.speed.up.stabilization_window_seconds
        down_window = hpa.speed.down.stabilization_window_seconds
        stable, log = stabilize(current, wanted, log, up_window=up_window, down_window=down_window, now=now)
        able = "ScaleUpStabilized" if wanted >= current else "ScaleDownStabilized"
        replicas, cap = limit_rate(current, stable, hpa.minimum, hpa.maximum, hpa.speed, events, now)
    limited = ("False" if replicas == stable else "True", (cap if replicas != stable else Cap.NONE).value)
    return replicas, log, able if stable != wanted else "ReadyForNewScale", limited


def _tolerance(hpa: Hpa) -> Tolerance:
    if hpa.speed is None:
        return Tolerance(hpa.tolerance, hpa.tolerance)
    down, up = hpa.speed.down.tolerance, hpa.speed.up.tolerance
    return Tolerance(hpa.tolerance if down is None else down, hpa.tolerance if up is None else up)


def _may_wake(hpa: Hpa, history: HpaHistory) -> bool:
    """A count of zero that somebody else wrote means: leave it alone."""
    ours = hpa.scale_to_zero and bool(history.scaled_to_zero)
    return ours and (hpa.minimum != 0 or _has_metric_of_another_object(hpa))


def _has_metric_of_another_object(hpa: Hpa) -> bool:
    return any(metric.of_another_object for metric in hpa.metrics)


def _zero_condition(scaled_to_zero: bool) -> tuple[str, str]:
    return ("True", "ScaledToZero") if scaled_to_zero else ("False", "NotScaledToZero")


def _action(before: int, after: int) -> Action:
    return Action.UP if after > before else Action.DOWN if after < before else Action.NONE
