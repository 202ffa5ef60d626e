"""The counts of an app that move, with the part of the spec that moves each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Database
from consumerapp_operator.api.scaling import Behavior, Direction, Scaling, Target, TargetType
from consumerapp_operator.scale.behavior import DEFAULT_DOWN, DEFAULT_UP, Policy, PolicyType, Rules, Speed
from consumerapp_operator.scale.model import WorkloadKey, WorkloadKind

BUS = WorkloadKey(WorkloadKind.BUS, "bus")
GATEWAY = WorkloadKey(WorkloadKind.GATEWAY, "gateway")
DEFAULT_TOLERANCE = "0.1"


@dataclass(frozen=True)
class Workload:
    """One count: its bounds, what one replica should carry, and how fast it may move.

    load: the workload whose load counts. steps_down_by_one: every replica that goes is taken leave of by
    itself. Without targets the count is fixed: minimum and maximum are the same.
    """

    key: WorkloadKey
    load: WorkloadKey
    minimum: int
    maximum: int
    targets: tuple[Target, ...]
    tolerance: float
    speed: Speed
    steps_down_by_one: bool = False


def workloads(app: ConsumerApp) -> Iterator[Workload]:
    """All counts of the app: gateway, services, read replicas, bus, workers."""
    yield _scaled(GATEWAY, app.spec.gateway.scaling)
    for service in app.spec.services:
        key = service_key(service.name)
        yield _scaled(key, app.spec.scaling_of(service))
        if service.database is not None:
            yield _read_replicas(service.name, service.database)
    if app.spec.bus is not None:
        count = app.spec.bus.replicas
        yield Workload(BUS, BUS, count, count, (), float(DEFAULT_TOLERANCE), speed(Behavior()))
    for worker in app.spec.workers:
        yield _scaled(worker_key(worker.name), worker.scaling)


def service_key(service: str) -> WorkloadKey:
    return WorkloadKey(WorkloadKind.SERVICE, service)


def worker_key(worker: str) -> WorkloadKey:
    return WorkloadKey(WorkloadKind.WORKER, worker)


def read_replicas_key(service: str) -> WorkloadKey:
    return WorkloadKey(WorkloadKind.READ_REPLICAS, service)


def _scaled(key: WorkloadKey, scaling: Scaling) -> Workload:
    return Workload(
        key,
        key,
        scaling.min,
        scaling.max,
        tuple(scaling.targets),
        float(scaling.tolerance),
        speed(scaling.behavior),
    )


def _read_replicas(service: str, database: Database) -> Workload:
    key, load = read_replicas_key(service), service_key(service)
    scaling = database.scaling
    if scaling is None:
        count = database.replicas
        return Workload(key, load, count, count, (), float(DEFAULT_TOLERANCE), speed(Behavior()), True)
    target = Target(type=TargetType.REQUEST_RATE, value=scaling.requests_per_second)
    return Workload(
        key,
        load,
        scaling.min,
        scaling.max,
        (target,),
        float(DEFAULT_TOLERANCE),
        speed(scaling.behavior),
        True,
    )


def speed(behavior: Behavior) -> Speed:
    """The rules of both directions, with the defaults of the HPA."""
    return Speed(_rules(behavior.scale_up, DEFAULT_UP), _rules(behavior.scale_down, DEFAULT_DOWN))


def _rules(direction: Direction, default: Rules) -> Rules:
    """A limit that is given replaces the defaults: `maxPods: 1` alone means one, not one or double."""
    period = direction.period_seconds
    policies = tuple(
        Policy(kind, value, period)
        for kind, value in (
            (PolicyType.PODS, direction.max_pods),
            (PolicyType.PERCENT, direction.max_percent),
        )
        if value is not None
    ) or tuple(Policy(policy.type, policy.value, period) for policy in default.policies)
    window = direction.stabilization_window_seconds
    return Rules(
        policies,
        stabilization_window_seconds=default.stabilization_window_seconds if window is None else window,
    )
