"""Which pods a metric speaks for: ready, unready, missing or ignored, by the HPA's rules.

Source of the rules: Kubernetes v1.36.3, pkg/controller/podautoscaler/replica_calculator.go (groupPods). All
values are integers in thousandths, as there; all times are seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CPU = "cpu"


@dataclass(frozen=True)
class Pod:
    """What the calculation looks at. `ready` is None without a Ready condition, `start_time` None before the
    start.

    requests_milli: by container, of the resource that is measured.
    """

    name: str
    phase: str = "Running"
    deleting: bool = False
    ready: bool | None = True
    ready_since: float = 0.0
    start_time: float | None = 0.0
    requests_milli: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PodMetric:
    """One pod's value, averaged over `window` seconds up to `timestamp`."""

    value_milli: int
    timestamp: float = 0.0
    window: float = 60.0


@dataclass(frozen=True)
class Readiness:
    """How long a new pod's CPU says little about load, in seconds (the controller manager's flags)."""

    cpu_initialization_period: float = 300.0
    initial_readiness_delay: float = 30.0


@dataclass(frozen=True)
class PodGroups:
    """Pods by what their metric is worth. Names only; `ready_count` counts the rest."""

    ready_count: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group_pods(
    pods: Iterable[Pod], metrics: Mapping[str, PodMetric], resource: str, readiness: Readiness, now: float
) -> PodGroups:
    """Sort pods into groups; `resource` is `cpu`, another resource, or empty for a custom metric."""
    ready_count = 0
    unready, missing, ignored = set[str](), set[str](), set[str]()
    for pod in pods:
        if pod.deleting or pod.phase == "Failed":
            ignored.add(pod.name)
        elif pod.phase == "Pending":
            unready.add(pod.name)
        elif pod.name not in metrics:
            missing.add(pod.name)
        elif resource == CPU and _start_up_distorts(pod, metrics[pod.name], readiness, now):
            unready.add(pod.name)
        else:
            ready_count += 1
    return PodGroups(ready_count, frozenset(unready), frozenset(missing), frozenset(ignored))


def ready_and_running(pods: Iterable[Pod]) -> int:
    """Pods that a metric of another object is divided among."""
    return sum(1 for pod in pods if pod.phase == "Running" and pod.ready)


def _start_up_distorts(pod: Pod, metric: PodMetric, readiness: Readiness, now: float) -> bool:
    """Whether the CPU seen is that of starting up rather than of serving."""
    if pod.ready is None or pod.start_time is None:
        return True
    if pod.start_time + readiness.cpu_initialization_period > now:
        return not pod.ready or metric.timestamp < pod.ready_since + metric.window
    return not pod.ready and pod.start_time + readiness.initial_readiness_delay > pod.ready_since
