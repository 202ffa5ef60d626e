"""What an app runs: the one list that accounts, disruption budgets and network policies are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import (
    COMPONENT_BUS,
    COMPONENT_CACHE,
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    COMPONENT_SERVICE,
    COMPONENT_WORKER,
    Names,
)


@dataclass(frozen=True)
class Workload:
    """A set of alike pods; `object_name` is that of their Deployment or StatefulSet."""

    component: str
    name: str
    object_name: str


def workloads(app: ConsumerApp) -> Iterator[Workload]:
    """All that run for as long as the app does; migrations do not."""
    names = Names(app.name)
    yield Workload(COMPONENT_GATEWAY, "gateway", names.gateway)
    for service in app.spec.services:
        yield Workload(COMPONENT_SERVICE, service.name, names.service(service.name))
        if service.database:
            yield Workload(COMPONENT_DATABASE, service.name, names.database(service.name))
    if app.spec.effective_cache:
        yield Workload(COMPONENT_CACHE, "cache", names.cache)
    if app.spec.bus:
        yield Workload(COMPONENT_BUS, "bus", names.bus)
    for worker in app.spec.workers:
        yield Workload(COMPONENT_WORKER, worker.name, names.service(worker.name))
