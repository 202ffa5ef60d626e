"""The environment of a service's containers: what the contract gives it (docs/contract.md), then its own variables."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import NATS_PORT, REDIS_PORT, Names
from consumerapp_operator.api.service import EnvironmentVariable, Service
from consumerapp_operator.api.worker import Worker

# Keys of the credentials Secret; see plan/postgres/credentials.py.
KEY_URI, KEY_READ_URI = "uri", "read-uri"


def environment(app: ConsumerApp, service: Service) -> list[dict[str, Any]]:
    """Generated variables first, so that a service's own may refer to them as `$(PORT)`."""
    names = Names(app.name)
    variables: list[dict[str, Any]] = [{"name": "PORT", "value": str(service.port)}]
    if service.database:
        secret = names.database(service.name)
        variables += [
            _from_secret("DATABASE_URL", secret, KEY_URI),
            _from_secret("DATABASE_READ_URL", secret, KEY_READ_URI),
        ]
    if service.cache:
        variables.append({"name": "CACHE_URL", "value": f"redis://{names.cache}:{REDIS_PORT}/0"})
    if service.publishes:
        variables.append({"name": "BUS_URL", "value": bus_url(app)})
    variables += [
        {"name": url_variable(callee), "value": f"http://{names.internal}/{service.name}/{callee}"}
        for callee in service.calls
    ]
    return [*variables, *(_own(variable) for variable in service.env)]


def worker_environment(app: ConsumerApp, worker: Worker) -> list[dict[str, Any]]:
    """Of a worker: the bus, and the name of its consumer there."""
    variables = [
        {"name": "PORT", "value": str(worker.port)},
        {"name": "BUS_URL", "value": bus_url(app)},
        {"name": "BUS_CONSUMER", "value": worker.name},
    ]
    return [*variables, *(_own(variable) for variable in worker.env)]


def bus_url(app: ConsumerApp) -> str:
    return f"nats://{Names(app.name).bus}:{NATS_PORT}"


def url_variable(service: str) -> str:
    """The variable that holds a callee's address: `order-history` → `ORDER_HISTORY_URL`."""
    return f"{service.upper().replace('-', '_')}_URL"


def _from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _own(variable: EnvironmentVariable) -> dict[str, Any]:
    if variable.value_from:
        return {"name": variable.name, "valueFrom": variable.value_from.model_dump(by_alias=True, exclude_none=True)}
    # The API server drops an empty value: absent means empty.
    return {"name": variable.name, **({"value": variable.value} if variable.value else {})}
