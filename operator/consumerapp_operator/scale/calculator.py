"""From a measured value to a replica count: the formula of HPA v2, to the digit.

Source: Kubernetes v1.36.3, pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go.
Values are integers in thousandths, divided with truncation where the original does: the last digit decides at
the edge of the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from consumerapp_operator.scale.pods import Pod, PodMetric, Readiness, group_pods, ready_and_running

MAX_COUNT = 2**31 - 1
MAX_VALUE = 2**63 - 1


class NoReplicaCount(ValueError):  # noqa: N818 - named for what it is: there is no answer, and why
    """The metric gives no count; the text says why."""


@dataclass(frozen=True)
class Tolerance:
    """Deviation from the target, as a ratio, that changes nothing."""

    down: float = 0.1
    up: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Both ends belong to it."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True)
class Proposal:
    """What one metric asks for. `average_milli` is per pod (of a Value target: the whole)."""

    replicas: int
    average_milli: int
    utilization_percent: int | None = None


@dataclass(frozen=True)
class Sight:
    """What a metric is related to. spec_replicas: wanted; status_replicas: pods that exist. now: seconds."""

    spec_replicas: int
    status_replicas: int
    pods: tuple[Pod, ...]
    tolerance: Tolerance
    readiness: Readiness
    now: float


def utilization_replicas(
    sight: Sight, target_percent: int, metrics: Mapping[str, PodMetric], resource: str, container: str = ""
) -> Proposal:
    """A resource's use in percent of what was requested; `container` restricts it to one of each pod."""
    requests: dict[str, int] = {}

    def ratio_of(values: Mapping[str, int]) -> tuple[float, int, int]:
        known = [name for name in values if name in requests]
        requested = sum(requests[name] for name in known)
        if requested == 0:
            raise NoReplicaCount("no metrics returned matched known pods")
        total = sum(values[name] for name in known)
        percent = _quotient(total * 100, requested)
        return percent / target_percent, percent, _quotient(total, len(known))

    def prepare() -> None:
        requests.update({pod.name: _request(pod, container, resource) for pod in sight.pods})

    def missing_value(name: str) -> int:
        return _quotient(requests[name] * max(100, target_percent), 100)

    replicas, percent, average = _pods_replicas(sight, metrics, resource, ratio_of, missing_value, prepare)
    return Proposal(replicas, average, percent)


def average_replicas(sight: Sight, target_milli: int, metrics: Mapping[str, PodMetric], resource: str = "") -> Proposal:
    """A value of each pod against a target per pod: custom metrics, and resources with an average value."""

    def ratio_of(values: Mapping[str, int]) -> tuple[float, int, int]:
        average = _quotient(sum(values.values()), len(values))
        return average / target_milli, average, average

    replicas, _, average = _pods_replicas(sight, metrics, resource, ratio_of, lambda _: target_milli, lambda: None)
    return Proposal(replicas, average)


def value_replicas(sight: Sight, target_milli: int, values_milli: Iterable[int]) -> Proposal:
    """A value of something else (an object, a queue) against a target for the whole."""
    usage = _saturated_sum(values_milli)
    ratio = float(usage) / float(target_milli)
    if sight.spec_replicas == 0:  # nothing to be within tolerance of: one pod or none
        return Proposal(_ceil(ratio), usage)
    if sight.tolerance.covers(ratio):
        return Proposal(sight.spec_replicas, usage)
    if not sight.pods:
        raise NoReplicaCount("no pods returned by selector while calculating replica count")
    return Proposal(_ceil(ratio * ready_and_running(sight.pods)), usage)


def total_replicas(
    status_replicas: int, target_milli: int, values_milli: Iterable[int], *, tolerance: Tolerance
) -> Proposal:
    """A total that all pods share against a target per pod (AverageValue of an object or external metric)."""
    usage = _saturated_sum(values_milli)
    capacity = float(target_milli) * status_replicas
    ratio = float(usage) / capacity if capacity else math.inf
    replicas = status_replicas if tolerance.covers(ratio) else _ceil(float(usage) / float(target_milli))
    if float(usage) >= float(MAX_VALUE):
        return Proposal(replicas, usage)
    return Proposal(replicas, math.ceil(usage / status_replicas) if status_replicas else 0)


Ratio = Callable[[Mapping[str, int]], tuple[float, int, int]]


def _pods_replicas(
    sight: Sight,
    metrics: Mapping[str, PodMetric],
    resource: str,
    ratio_of: Ratio,
    missing_value: Callable[[str], int],
    prepare: Callable[[], None],
) -> tuple[int, int, int]:
    """Count, shown value and raw average.

    A pod without a metric never speaks for a change: it is taken to be at the target on the way down and idle
    on the way up, and a change that turns around under this assumption is dropped.
    """
    if not sight.pods:
        raise NoReplicaCount("no pods returned by selector while calculating replica count")
    current, tolerance = sight.spec_replicas, sight.tolerance
    groups = group_pods(sight.pods, metrics, resource, sight.readiness, sight.now)
    left_out = groups.ignored | groups.unready
    values = {name: metric.value_milli for name, metric in metrics.items() if name not in left_out}
    if not values:
        raise NoReplicaCount("did not receive metrics for targeted pods (pods might be unready)")
    prepare()
    ratio, shown, average = ratio_of(values)
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return (current if tolerance.covers(ratio) else _ceil(ratio * groups.ready_count)), shown, average
    if ratio < 1.0:
        values.update({name: missing_value(name) for name in groups.missing})
    elif ratio > 1.0:
        values.update(dict.fromkeys(groups.missing, 0))
    if up_with_unready:
        values.update(dict.fromkeys(groups.unready, 0))
    refilled, _, _ = ratio_of(values)
    turned = (ratio < 1.0 < refilled) or (refilled < 1.0 < ratio)
    if tolerance.covers(refilled) or turned:
        return current, shown, average
    replicas = _ceil(refilled * len(values))
    if (refilled < 1.0 and replicas > current) or (refilled > 1.0 and replicas < current):
        return current, shown, average
    return replicas, shown, average


def _request(pod: Pod, container: str, resource: str) -> int:
    if container:
        if container not in pod.requests_milli:
            raise NoReplicaCount(f"missing request for {resource} in container {container} of Pod {pod.name}")
        return pod.requests_milli[container]
    if not pod.requests_milli:
        raise NoReplicaCount(f"missing request for {resource} in a container of Pod {pod.name}")
    return sum(pod.requests_milli.values())


def _saturated_sum(values_milli: Iterable[int]) -> int:
    return min(sum(values_milli), MAX_VALUE)


def _quotient(dividend: int, divisor: int) -> int:
    """Integer division toward zero, as in Go; `//` rounds negative values down."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def _ceil(count: float) -> int:
    return MAX_COUNT if count > MAX_COUNT else math.ceil(count)
