"""NetworkPolicies: nothing gets through but what the app declares, in either direction.

One policy denies everything to every pod of the app; one for each workload lets through what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import (
    ADMIN_PORT,
    COMPONENT_BUS,
    COMPONENT_CACHE,
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    COMPONENT_MIGRATION,
    COMPONENT_SERVICE,
    COMPONENT_WORKER,
    INTERNAL_PORT,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_PART_OF,
    MANAGED_BY,
    NATS_CLUSTER_PORT,
    NATS_MONITOR_PORT,
    NATS_PORT,
    PATRONI_PORT,
    POSTGRES_PORT,
    PUBLIC_PORT,
    REDIS_PORT,
    Names,
    selector,
)
from consumerapp_operator.api.service import Service
from consumerapp_operator.api.worker import Worker
from consumerapp_operator.plan.pods import metadata, owner_reference

OPERATOR_NAMESPACE = "consumerapp-system"
_NAMESPACE = "kubernetes.io/metadata.name"

Rule = dict[str, Any]
Peer = dict[str, Any]


def network_policies(app: ConsumerApp, leaving: Iterable[str] = ()) -> list[dict[str, Any]]:
    """All policies of the app. `leaving` are services that the spec no longer names and that still answer requests
    (see prune.py): until they are gone they may call as before."""
    policies = [_deny_all(app), _gateway(app, leaving)]
    for service in app.spec.services:
        policies.append(_service(app, service))
        if service.database:
            policies.append(_database(app, service))
            if service.database.migrate:
                policies.append(_migration(app, service))
    if app.spec.effective_cache:
        policies.append(_cache(app))
    if app.spec.bus:
        policies.append(_bus(app, app.spec.bus.replicas))
    policies += [_worker(app, worker) for worker in app.spec.workers]
    return policies


def _deny_all(app: ConsumerApp) -> dict[str, Any]:
    own = {LABEL_PART_OF: app.name, LABEL_MANAGED_BY: MANAGED_BY}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": app.name,
            "namespace": app.namespace,
            "labels": own,
            "ownerReferences": [owner_reference(app)],
        },
        "spec": {"podSelector": {"matchLabels": own}, "policyTypes": ["Ingress", "Egress"]},
    }


def _gateway(app: ConsumerApp, leaving: Iterable[str]) -> dict[str, Any]:
    calling = [service.name for service in app.spec.services if service.calls]
    callers = [_pods(app, COMPONENT_SERVICE, name) for name in (*calling, *sorted(leaving))]
    ingress = [_from(None, PUBLIC_PORT), _from([_operator()], ADMIN_PORT)]
    if callers:
        ingress.append(_from(callers, INTERNAL_PORT))
    # Any service, also one that is leaving: each lets the gateway in by its own port only.
    services = {"podSelector": {"matchLabels": {LABEL_PART_OF: app.name, LABEL_COMPONENT: COMPONENT_SERVICE}}}
    return _policy(app, COMPONENT_GATEWAY, "gateway", Names(app.name).gateway, ingress, [_dns(), {"to": [services]}])


def _service(app: ConsumerApp, service: Service) -> dict[str, Any]:
    egress = [_dns()]
    if service.calls:
        egress.append(_to([_pods(app, COMPONENT_GATEWAY, "gateway")], INTERNAL_PORT))
    if service.database:
        egress.append(_to([_pods(app, COMPONENT_DATABASE, service.name)], POSTGRES_PORT))
    if service.cache:
        egress.append(_to([_pods(app, COMPONENT_CACHE, "cache")], REDIS_PORT))
    if service.publishes:
        egress.append(_to([_pods(app, COMPONENT_BUS, "bus")], NATS_PORT))
    egress += [_to([{"ipBlock": {"cidr": entry.cidr}}], entry.port) for entry in service.egress]
    ingress = [_from([_pods(app, COMPONENT_GATEWAY, "gateway")], service.port)]
    return _policy(app, COMPONENT_SERVICE, service.name, Names(app.name).service(service.name), ingress, egress)


def _database(app: ConsumerApp, service: Service) -> dict[str, Any]:
    members = _pods(app, COMPONENT_DATABASE, service.name)
    clients = [_pods(app, COMPONENT_SERVICE, service.name)]
    if service.database and service.database.migrate:
        clients.append(_pods(app, COMPONENT_MIGRATION, service.name))
    ingress = [_from([*clients, members], POSTGRES_PORT), _from([members, _operator()], PATRONI_PORT)]
    egress = [
        _dns(),
        _to([members], POSTGRES_PORT, PATRONI_PORT),
        # Patroni's store is the API server. It is no pod that a selector could name, and its address is the
        # cluster's secret; so by port, anywhere: the Service's, and the one that stands behind it.
        _to(None, 443, 6443),
    ]
    return _policy(app, COMPONENT_DATABASE, service.name, Names(app.name).database(service.name), ingress, egress)


def _migration(app: ConsumerApp, service: Service) -> dict[str, Any]:
    egress = [_dns(), _to([_pods(app, COMPONENT_DATABASE, service.name)], POSTGRES_PORT)]
    return _policy(
        app, COMPONENT_MIGRATION, service.name, f"{Names(app.name).service(service.name)}-migrate", [], egress
    )


def _cache(app: ConsumerApp) -> dict[str, Any]:
    clients = [_pods(app, COMPONENT_SERVICE, service.name) for service in app.spec.services if service.cache]
    ingress = [_from(clients, REDIS_PORT)] if clients else []
    return _policy(app, COMPONENT_CACHE, "cache", Names(app.name).cache, ingress, [])


def _bus(app: ConsumerApp, replicas: int) -> dict[str, Any]:
    """Who publishes and who consumes; the operator, which makes streams and asks for the lag; and among themselves."""
    members = [_pods(app, COMPONENT_BUS, "bus")]
    clients = [_pods(app, COMPONENT_SERVICE, service.name) for service in app.spec.services if service.publishes]
    clients += [_pods(app, COMPONENT_WORKER, worker.name) for worker in app.spec.workers]
    ingress = [_from([*clients, _operator()], NATS_PORT), _from([_operator()], NATS_MONITOR_PORT)]
    egress: list[Rule] = []
    if replicas > 1:
        ingress.append(_from(members, NATS_CLUSTER_PORT))
        egress = [_dns(), _to(members, NATS_CLUSTER_PORT)]
    return _policy(app, COMPONENT_BUS, "bus", Names(app.name).bus, ingress, egress)


def _worker(app: ConsumerApp, worker: Worker) -> dict[str, Any]:
    egress = [_dns(), _to([_pods(app, COMPONENT_BUS, "bus")], NATS_PORT)]
    egress += [_to([{"ipBlock": {"cidr": entry.cidr}}], entry.port) for entry in worker.egress]
    return _policy(app, COMPONENT_WORKER, worker.name, Names(app.name).service(worker.name), [], egress)


def _policy(
    app: ConsumerApp, component: str, name: str, object_name: str, ingress: list[Rule], egress: list[Rule]
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": selector(app.name, component, name)},
        "policyTypes": ["Ingress", "Egress"],
    }
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(app, component, name, object_name),
        "spec": spec,
    }


def _pods(app: ConsumerApp, component: str, name: str) -> Peer:
    return {"podSelector": {"matchLabels": selector(app.name, component, name)}}


def _operator() -> Peer:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: OPERATOR_NAMESPACE}}}


def _from(peers: list[Peer] | None, *ports: int) -> Rule:
    """An ingress rule; peers None is anywhere."""
    return {**({"from": peers} if peers else {}), "ports": _ports(ports)}


def _to(peers: list[Peer] | None, *ports: int) -> Rule:
    """An egress rule; peers None is anywhere."""
    return {**({"to": peers} if peers else {}), "ports": _ports(ports)}


def _dns() -> Rule:
    """The cluster's DNS: its pods, and the address of the cache that some clusters run on each node."""
    return {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {_NAMESPACE: "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            },
            {"ipBlock": {"cidr": "169.254.20.10/32"}},
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def _ports(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
