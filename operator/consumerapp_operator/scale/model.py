"""What a scaling decision is made of, and the decision itself with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class WorkloadKind(StrEnum):
    GATEWAY = "Gateway"
    SERVICE = "Service"
    READ_REPLICAS = "ReadReplicas"
    WORKER = "Worker"
    BUS = "Bus"


@dataclass(frozen=True, order=True)
class WorkloadKey:
    """One replica count of an app. `name` is the service's name; for the gateway it is `gateway`."""

    kind: WorkloadKind
    name: str


@dataclass(frozen=True)
class Load:
    """What was measured of one workload over the last window, summed over all gateway pods. Times in seconds.

    request_rate: requests per second. concurrency: mean requests in flight. latency_p95: of the requests that
    ended in the window, None if none did. at: end of the window (Unix time). complete: False if a gateway pod
    is missing in the sum; then it is a lower bound, which may raise a count and never lower it. lag: of a worker, the
    events that it has not acknowledged.
    """

    at: float
    window: float
    request_rate: float
    concurrency: float
    latency_p95: float | None
    complete: bool = True
    lag: float = 0.0


@dataclass(frozen=True)
class Replicas:
    """Counts of a workload as the API server has them: wanted (spec.replicas) and ready."""

    desired: int
    ready: int


@dataclass(frozen=True)
class Observation:
    """All a decision may look at beside the spec.

    `loads` lacks a workload without fresh data; a scrape that failed is not a load of zero. `why_no_data`
    says, in words for the reason, what is missing where a load is absent or incomplete.
    """

    replicas: Mapping[WorkloadKey, Replicas]
    loads: Mapping[WorkloadKey, Load]
    why_no_data: str = ""


@dataclass(frozen=True)
class Limit:
    """Something that kept the count from what the targets ask for."""

    by: str
    to: int
    why: str


@dataclass(frozen=True)
class Decision:
    """One count, and why. `wanted` is what the targets ask for, `decided` what is written.

    trigger: the target that decided (`Concurrency`, …), or `Bounds`, `NoData`. observed and target are per
    replica, as text with unit. reason: one sentence for `kubectl describe`.
    """

    workload: WorkloadKey
    at: float
    current: int
    wanted: int
    decided: int
    trigger: str
    observed: str
    target: str
    limits: tuple[Limit, ...]
    reason: str
