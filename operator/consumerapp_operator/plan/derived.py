"""Names made of the app's name and a service's: not longer than Kubernetes takes them, and none made twice."""

from __future__ import annotations

from collections.abc import Iterator

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import Names
from consumerapp_operator.api.service import Service
from consumerapp_operator.plan.migration import job_name

# A Service's name is a DNS label; a Job's and an instance's are values of labels. All: 63.
LABEL_LIMIT = 63
# Pods of a StatefulSet are labelled with its name, a hyphen and a hash of up to ten characters.
STATEFULSET_LIMIT = 52


def too_long(app: ConsumerApp) -> Iterator[str]:
    """One problem for each service whose longest derived name is too long."""
    for index, service in enumerate(app.spec.services):
        excess, name, limit = max((len(name) - limit, name, limit) for name, limit in _limited(app, service))
        if excess > 0:
            yield (
                f"spec.services[{index}].name: {name}, made of it, has {len(name)} characters and may have {limit}; "
                f"shorten the name of the service or of the app by {excess}"
            )
    for path, name in _workers(app):
        if len(name) > LABEL_LIMIT:
            yield f"{path}: {name}, made of it, has {len(name)} characters and may have {LABEL_LIMIT}; shorten it"


def _workers(app: ConsumerApp) -> Iterator[tuple[str, str]]:
    for index, worker in enumerate(app.spec.workers):
        yield f"spec.workers[{index}].name", Names(app.name).service(worker.name)


def collisions(app: ConsumerApp) -> Iterator[str]:
    """One problem for each name that two services would both give to one of their objects."""
    taken: dict[str, str] = {}
    for index, service in enumerate(app.spec.services):
        for name in _names(app, service):
            other = taken.setdefault(name, service.name)
            if other != service.name:
                yield (
                    f"spec.services[{index}].name: {name}, made of it, belongs to service {other} already; "
                    f"rename one of the two"
                )
                break
    for path, name in _workers(app):
        if name in taken and taken[name] not in {worker.name for worker in app.spec.workers}:
            yield f"{path}: {name}, made of it, belongs to service {taken[name]} already; rename one of the two"


def _names(app: ConsumerApp, service: Service) -> list[str]:
    names = Names(app.name)
    found = [names.service(service.name)]
    if service.database:
        found += [name for name, _ in _limited(app, service) if name not in found]
        found += [f"{names.database(service.name)}-{kind}" for kind in ("config", "leader", "sync", "failover")]
        found.append(f"{names.database(service.name)}-patroni")
        if service.database.migrate:
            found.append(f"{names.service(service.name)}-migrate")
    return found


def _limited(app: ConsumerApp, service: Service) -> list[tuple[str, int]]:
    names = Names(app.name)
    found = [(names.service(service.name), LABEL_LIMIT)]
    if service.database:
        found += [
            (names.database(service.name), STATEFULSET_LIMIT),
            (names.database_read(service.name), LABEL_LIMIT),
            (names.database_members(service.name), LABEL_LIMIT),
            (names.database_admin_secret(service.name), LABEL_LIMIT),
        ]
        if service.database.migrate:
            found.append((job_name(app.name, service), LABEL_LIMIT))
    return found
