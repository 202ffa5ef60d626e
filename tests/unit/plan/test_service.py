"""Services: what a container gets, and how a replica comes and goes."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.service import DRAIN_SECONDS, deployment
from tests.unit.plan.world import app, find, snapshot


def container(*services: dict[str, Any], **spec: Any) -> dict[str, Any]:
    subject = app(*services, **spec)
    found: dict[str, Any] = deployment(subject, subject.spec.services[0])["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_environment_is_that_of_the_contract() -> None:
    own = [
        {"name": "GREETING", "value": "hello $(PORT)"},
        {"name": "EMPTY", "value": ""},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "one"}}},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "modes", "key": "two"}}},
    ]
    order = {"name": "order", "port": 3000, "calls": ["price-list"], "database": {}, "cache": {}, "env": own}
    assert container(order, {"name": "price-list"})["env"] == [
        {"name": "PORT", "value": "3000"},
        {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "shop-order-db", "key": "uri"}}},
        {"name": "DATABASE_READ_URL", "valueFrom": {"secretKeyRef": {"name": "shop-order-db", "key": "read-uri"}}},
        {"name": "CACHE_URL", "value": "redis://shop-cache:6379/0"},
        {"name": "PRICE_LIST_URL", "value": "http://shop-internal/order/price-list"},
        {"name": "GREETING", "value": "hello $(PORT)"},
        {"name": "EMPTY"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "one"}}},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "modes", "key": "two"}}},
    ]


def test_a_service_without_anything_gets_its_port_alone() -> None:
    assert container({"name": "a"})["env"] == [{"name": "PORT", "value": "8080"}]


def test_health_paths_are_those_of_the_spec() -> None:
    found = container({"name": "a", "health": {"liveness": "/alive", "readiness": "/ready"}})
    paths = {name: found[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/alive", "liveness": "/alive", "readiness": "/ready"}


def test_a_stopped_replica_serves_until_it_is_forgotten_and_then_has_its_whole_grace() -> None:
    subject = app({"name": "a", "terminationGracePeriodSeconds": 60})
    pod = deployment(subject, subject.spec.services[0])["spec"]["template"]["spec"]
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}}
    assert pod["terminationGracePeriodSeconds"] == 60 + DRAIN_SECONDS


def test_a_rollout_never_takes_a_replica_away_first() -> None:
    subject = app({"name": "a"})
    assert deployment(subject, subject.spec.services[0])["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_command_replaces_the_entrypoint_only_if_given() -> None:
    assert "command" not in container({"name": "a"})
    assert container({"name": "a", "command": ["run", "me"]})["command"] == ["run", "me"]


def test_resources_come_from_the_service_or_the_defaults() -> None:
    defaults = {"resources": {"limits": {"memory": "64Mi"}}}
    assert container({"name": "a"}, defaults=defaults)["resources"]["limits"] == {"memory": "64Mi"}
    own = {"name": "a", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    assert container(own, defaults=defaults)["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}


def test_the_service_is_headless_so_that_envoy_sees_each_replica() -> None:
    service = find(plan(snapshot(app({"name": "a", "port": 3000}))).objects, "Service", "shop-a")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["ports"] == [{"name": "http", "port": 3000, "targetPort": "http", "protocol": "TCP"}]
