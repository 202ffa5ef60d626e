"""What is wrong with a spec that its schema cannot tell: references, names made of names, amounts that contradict.

Each problem reads `spec.services[2].calls[0]: why; what to do`. With any of them nothing is planned.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Resources
from consumerapp_operator.api.quantity import parse_duration_seconds, parse_quantity
from consumerapp_operator.api.scaling import Scaling, TargetType
from consumerapp_operator.api.service import RESERVED_VARIABLES, Egress, Service
from consumerapp_operator.api.worker import Worker
from consumerapp_operator.plan.bus import MIN_STORAGE_MEBIBYTES as MIN_BUS_MEBIBYTES
from consumerapp_operator.plan.cache import MIN_MEBIBYTES
from consumerapp_operator.plan.calls import cycles
from consumerapp_operator.plan.derived import collisions, too_long
from consumerapp_operator.plan.environment import url_variable
from consumerapp_operator.plan.pods import mebibytes
from consumerapp_operator.plan.postgres.database import memory_mebibytes, needed_mebibytes

# A fresh PostgreSQL with its first segments of log takes about 100Mi.
MIN_STORAGE_MEBIBYTES = 256


def problems(app: ConsumerApp) -> tuple[str, ...]:
    """All problems, in the order of the spec."""
    return tuple(_problems(app))


def _problems(app: ConsumerApp) -> Iterator[str]:
    yield from _gateway(app)
    if (cache := app.spec.effective_cache) and mebibytes(cache.memory) < MIN_MEBIBYTES:
        yield (f"spec.cache.memory: {cache.memory} is too little for Redis to run; give it at least {MIN_MEBIBYTES}Mi")
    if bus := app.spec.bus:
        yield from _resources("spec.bus.resources", bus.resources)
        if mebibytes(bus.storage.size) < MIN_BUS_MEBIBYTES:
            yield f"spec.bus.storage.size: {bus.storage.size} is too little; give it at least {MIN_BUS_MEBIBYTES}Mi"
    yield from _resources("spec.defaults.resources", app.spec.defaults.resources)
    yield from _scaling("spec.defaults.scaling", app.spec.defaults.scaling)
    counts = Counter(service.name for service in app.spec.services)
    for index, service in enumerate(app.spec.services):
        path = f"spec.services[{index}]"
        if counts[service.name] > 1:
            yield f"{path}.name: there are {counts[service.name]} services named {service.name}; rename one"
        yield from _calls(app, service, path)
        yield from _variables(service, path)
        yield from _egress(service.egress, path)
        yield from _publishes(app, service, path)
        yield from _database(service, path)
        if service.resources:
            yield from _resources(f"{path}.resources", service.resources)
        if service.scaling:
            yield from _scaling(f"{path}.scaling", service.scaling)
    for index, worker in enumerate(app.spec.workers):
        yield from _worker(app, worker, f"spec.workers[{index}]")
    yield from cycles(app)
    yield from too_long(app)
    yield from collisions(app)


def _gateway(app: ConsumerApp) -> Iterator[str]:
    known = {service.name for service in app.spec.services}
    seen: dict[str, int] = {}
    for index, route in enumerate(app.spec.gateway.routes or ()):
        path = f"spec.gateway.routes[{index}]"
        if route.service not in known:
            yield f"{path}.service: there is no service {route.service}; name one of {_listed(known)}"
        prefix = route.path.rstrip("/")
        if prefix in seen:
            yield (
                f"{path}.path: {route.path} is the same as spec.gateway.routes[{seen[prefix]}].path; remove one of them"
            )
        seen.setdefault(prefix, index)
    yield from _resources("spec.gateway.resources", app.spec.gateway.resources)
    yield from _scaling("spec.gateway.scaling", app.spec.gateway.scaling)


def _calls(app: ConsumerApp, service: Service, path: str) -> Iterator[str]:
    known = {other.name for other in app.spec.services}
    for index, callee in enumerate(service.calls):
        at = f"{path}.calls[{index}]"
        variable = url_variable(callee)
        if callee not in known:
            yield (
                f"{at}: there is no service {callee}; name one of {_listed(known - {service.name})}, "
                f"or add {callee} to spec.services"
            )
        elif callee == service.name:
            yield f"{at}: a service does not call itself; remove it"
        if variable in RESERVED_VARIABLES:
            yield f"{at}: the address of {callee} would be {variable}, which is taken; rename the service {callee}"


def _variables(service: Service, path: str) -> Iterator[str]:
    generated = {url_variable(callee): callee for callee in service.calls}
    counts = Counter(variable.name for variable in service.env)
    for index, variable in enumerate(service.env):
        at = f"{path}.env[{index}].name"
        if variable.name in generated:
            yield (
                f"{at}: {variable.name} is set by the operator, since {service.name} calls "
                f"{generated[variable.name]}; choose another name"
            )
        if variable.name in RESERVED_VARIABLES:
            yield f"{at}: {variable.name} is set by the operator; choose another name"
        if counts[variable.name] > 1:
            yield f"{at}: {variable.name} is given {counts[variable.name]} times; keep one"


def _publishes(app: ConsumerApp, service: Service, path: str) -> Iterator[str]:
    if service.publishes and app.spec.bus is None:
        yield f"{path}.publishes: the app has no bus; add spec.bus: {{type: nats}}"


def _worker(app: ConsumerApp, worker: Worker, path: str) -> Iterator[str]:
    if app.spec.bus is None:
        yield f"{path}: there is no bus to take events from; add spec.bus: {{type: nats}}"
    if worker.name in {service.name for service in app.spec.services}:
        yield f"{path}.name: there is a service {worker.name} already; rename one of the two"
    if sum(other.name == worker.name for other in app.spec.workers) > 1:
        yield f"{path}.name: several workers are named {worker.name}; rename one"
    counts = Counter(variable.name for variable in worker.env)
    for index, variable in enumerate(worker.env):
        if variable.name in (*RESERVED_VARIABLES, "BUS_CONSUMER"):
            yield f"{path}.env[{index}].name: {variable.name} is set by the operator; choose another name"
        if counts[variable.name] > 1:
            yield f"{path}.env[{index}].name: {variable.name} is given {counts[variable.name]} times; keep one"
    yield from _egress(worker.egress, path)
    yield from _resources(f"{path}.resources", worker.resources)
    yield from _scaling(f"{path}.scaling", worker.scaling)


def _egress(entries: list[Egress], path: str) -> Iterator[str]:
    for index, entry in enumerate(entries):
        at = f"{path}.egress[{index}].cidr"
        try:
            network = ipaddress.ip_network(entry.cidr, strict=False)
        except ValueError:
            yield f"{at}: {entry.cidr} is no address range; write it as 10.0.0.0/8 or 0.0.0.0/0"
            continue
        if str(network) != entry.cidr.lower():
            yield f"{at}: {entry.cidr} is not the beginning of its range; write {network}"


def _database(service: Service, path: str) -> Iterator[str]:
    database = service.database
    if database is None:
        return
    yield from _resources(f"{path}.database.resources", database.resources)
    memory, needed = memory_mebibytes(database), needed_mebibytes(database)
    if memory < needed:
        yield (
            f"{path}.database.maxConnections: {database.max_connections} connections need {needed}Mi of memory and a "
            f"member has {memory}Mi; raise database.resources.limits.memory or lower maxConnections"
        )
    if mebibytes(database.storage.size) < MIN_STORAGE_MEBIBYTES:
        yield (
            f"{path}.database.storage.size: {database.storage.size} does not hold an empty database; "
            f"give it at least {MIN_STORAGE_MEBIBYTES}Mi"
        )
    if (scaling := database.scaling) and not scaling.min <= database.replicas <= scaling.max:
        yield (
            f"{path}.database.replicas: {database.replicas} is not between scaling.min {scaling.min} and scaling.max "
            f"{scaling.max}; it is the count to begin with"
        )


def _resources(path: str, wanted: Resources) -> Iterator[str]:
    for name, request in wanted.requests:
        limit = getattr(wanted.limits, name)
        if request is not None and limit is not None and parse_quantity(request) > parse_quantity(limit):
            yield (
                f"{path}.requests.{name}: {request} is more than limits.{name} {limit}; raise the limit or ask for less"
            )
    for name, limit in wanted.limits:
        if limit is not None and parse_quantity(limit) == 0:
            yield f"{path}.limits.{name}: nothing runs with {limit}; give it more or remove the limit"


def _scaling(path: str, scaling: Scaling) -> Iterator[str]:
    if scaling.min > scaling.max:
        yield f"{path}.min: {scaling.min} is more than max {scaling.max}; raise max or lower min"
    for index, target in enumerate(scaling.targets):
        at = f"{path}.targets[{index}].value"
        if target.type is TargetType.LATENCY:
            try:
                value = Decimal(str(parse_duration_seconds(target.value)))
            except ValueError as error:
                yield f"{at}: {error}"
                continue
        else:
            try:
                value = Decimal(target.value)
            except InvalidOperation:
                yield f"{at}: {target.value!r} is no number; write it as 20 or 2.5"
                continue
        if not value > 0:
            yield f"{at}: {target.value} must be greater than zero"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"
