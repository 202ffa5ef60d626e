"""Apps and observations as literals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.scale.model import Load, Observation, Replicas, WorkloadKey
from consumerapp_operator.scale.workload import service_key

ORDER = service_key("order")
NOW = 1_000_000.0


def app(scaling: Mapping[str, Any] | None = None, database: Mapping[str, Any] | None = None) -> ConsumerApp:
    """An app with the one service `order`."""
    service: dict[str, Any] = {"name": "order", "image": "order:1", "scaling": dict(scaling or {})}
    if database is not None:
        service["database"] = dict(database)
    return read_app(
        {
            "metadata": {"namespace": "default", "name": "shop", "uid": "u", "generation": 1},
            "spec": {"services": [service]},
        }
    )


def load(
    concurrency: float = 0.0,
    rate: float = 0.0,
    p95: float | None = 0.01,
    complete: bool = True,
    at: float = NOW,
) -> Load:
    return Load(at, 15.0, rate, concurrency, p95, complete)


def seeing(
    desired: int, measured: Load | None, *, ready: int | None = None, key: WorkloadKey = ORDER, why: str = ""
) -> Observation:
    replicas = {key: Replicas(desired, desired if ready is None else ready)}
    return Observation(replicas, {} if measured is None else {ORDER: measured}, why)
