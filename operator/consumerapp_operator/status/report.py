"""The whole status of an app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from consumerapp_operator.api.components import Exposure
from consumerapp_operator.api.status import (
    BusStatus,
    ConsumerAppStatus,
    DatabaseStatus,
    DecisionLimit,
    GatewayStatus,
    LastDecision,
    ServiceStatus,
    WorkerStatus,
)
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.scale.model import Decision, WorkloadKey, WorkloadKind
from consumerapp_operator.status import facts as read
from consumerapp_operator.status.conditions import conditions, rfc3339
from consumerapp_operator.status.facts import Facts

GATEWAY = WorkloadKey(WorkloadKind.GATEWAY, "gateway")


def report(facts: Facts, now: float) -> ConsumerAppStatus:
    """What runs, what does not and why; `now` is Unix time."""
    stored = facts.body.get("status") or {}
    services = {name: read.service(facts, name) for name in read.service_names(facts)}
    gateway, bus = read.gateway(facts), read.bus(facts)
    return ConsumerAppStatus(
        observed_generation=facts.generation,
        conditions=conditions(facts, now),
        services=[
            ServiceStatus(
                name=name,
                ready=reading.ready,
                desired=reading.desired,
                last_decision=_last(
                    facts.decisions.get(WorkloadKey(WorkloadKind.SERVICE, name)), _named(stored.get("services"), name)
                ),
            )
            for name, reading in services.items()
        ],
        gateway=GatewayStatus(
            ready=gateway.ready,
            desired=gateway.desired,
            last_decision=_last(facts.decisions.get(GATEWAY), stored.get("gateway") or {}),
        ),
        databases=[
            _database(facts, name, _named(stored.get("databases"), name)) for name in read.database_names(facts)
        ],
        workers=[_worker(facts, name, _named(stored.get("workers"), name)) for name in read.worker_names(facts)],
        bus=BusStatus(ready=bus.ready, desired=bus.desired) if bus else None,
        services_ready=f"{sum(reading.complete for reading in services.values())}/{len(services)}",
        url=url(facts),
    )


def url(facts: Facts) -> str | None:
    """Where the gateway answers: the spec's host, else what the cluster gave its Service."""
    service = facts.children.get(ObjectKey("v1", "Service", facts.namespace, facts.names.gateway))
    if service is None:
        return None
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    spec = service.get("spec") or {}
    app = facts.app
    if app is not None and app.spec.host:
        return f"http://{app.spec.host}"
    if spec.get("type") == Exposure.LOAD_BALANCER:
        address = (ingress[0].get("hostname") or ingress[0].get("ip")) if ingress else None
        return f"http://{address}" if address else None
    if spec.get("type") == Exposure.NODE_PORT:
        ports = [port.get("nodePort") for port in spec.get("ports") or () if port.get("nodePort")]
        return f"http://<node>:{ports[0]}" if ports else None
    return f"http://{facts.names.gateway}.{facts.namespace}.svc"


def _database(facts: Facts, name: str, stored: Mapping[str, Any]) -> DatabaseStatus:
    reading = read.database(facts, name)
    return DatabaseStatus(
        name=name,
        primary=reading.primary,
        members=reading.desired,
        ready=reading.ready,
        # Remembered while the ConfigMap is away: it is what a restored database is checked against.
        system_identifier=read.system_identifier(facts, name) or stored.get("systemIdentifier"),
        last_decision=_last(facts.decisions.get(WorkloadKey(WorkloadKind.READ_REPLICAS, name)), stored),
    )


def _worker(facts: Facts, name: str, stored: Mapping[str, Any]) -> WorkerStatus:
    reading = read.worker(facts, name)
    decision = facts.decisions.get(WorkloadKey(WorkloadKind.WORKER, name))
    return WorkerStatus(name=name, ready=reading.ready, desired=reading.desired, last_decision=_last(decision, stored))


def _named(stored: Sequence[Mapping[str, Any]] | None, name: str) -> Mapping[str, Any]:
    return next((item for item in stored or () if item.get("name") == name), {})


def _last(decision: Decision | None, stored: Mapping[str, Any]) -> LastDecision | None:
    """Before the first decision of this process, the last one of the process before it."""
    if decision is None:
        return _restored(stored.get("lastDecision"))
    return LastDecision(
        trigger=decision.trigger,
        observed=decision.observed[:128],
        target=decision.target[:128],
        current=decision.current,
        wanted=decision.wanted,
        decided=decision.decided,
        limits=[DecisionLimit(by=limit.by, to=limit.to, why=limit.why[:1024]) for limit in decision.limits[:16]],
        reason=decision.reason[:1024],
        at=rfc3339(decision.at),
    )


def _restored(stored: Mapping[str, Any] | None) -> LastDecision | None:
    if not stored:
        return None
    try:
        return LastDecision.model_validate(stored)
    except ValidationError:  # of another version of the operator
        return None
