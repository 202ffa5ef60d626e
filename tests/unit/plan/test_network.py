"""NetworkPolicies, judged as a network would: who may connect to whom, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.model import Manifest
from tests.unit.plan.world import World, app, find

SHOP = app(
    {"name": "order", "calls": ["payment"], "database": {"migrate": {"command": ["up"]}}, "cache": {}},
    {"name": "payment", "port": 3000, "database": {}, "egress": [{"cidr": "203.0.113.0/24", "port": 443}]},
    {"name": "web"},
)
SYSTEM = {"kubernetes.io/metadata.name": "consumerapp-system"}
DNS = {"k8s-app": "kube-dns"}
KUBE_SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}


@pytest.fixture(scope="module")
def objects() -> tuple[Manifest, ...]:
    world = World(SHOP)
    world.settle()
    return world.plan().objects


class Network:
    """Allows a connection if the policies of both ends do."""

    def __init__(self, objects: tuple[Manifest, ...]) -> None:
        self.policies = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
        self.pods: dict[tuple[str, str], Mapping[str, str]] = {
            (item["kind"], item["metadata"]["name"]): item["spec"]["template"]["metadata"]["labels"]
            for item in objects
            if item["kind"] in ("Deployment", "StatefulSet", "Job")
        }

    def pod(self, kind: str, name: str) -> Mapping[str, str]:
        (found,) = [
            labels
            for (its_kind, its_name), labels in self.pods.items()
            if its_kind == kind and its_name.startswith(name)
        ]
        return found

    def out(self, source: Mapping[str, str], peer: Mapping[str, str] | str | None, port: int) -> bool:
        return self._allows("egress", "to", source, peer, port)

    def into(self, target: Mapping[str, str], peer: Mapping[str, str] | str | None, port: int) -> bool:
        return self._allows("ingress", "from", target, peer, port)

    def connects(self, source: Mapping[str, str], target: Mapping[str, str], port: int) -> bool:
        return self.out(source, target, port) and self.into(target, source, port)

    def _allows(
        self, direction: str, side: str, pod: Mapping[str, str], peer: Mapping[str, str] | str | None, port: int
    ) -> bool:
        selecting = [policy for policy in self.policies if policy["podSelector"]["matchLabels"].items() <= pod.items()]
        assert selecting, "a pod without a policy may do anything"
        return any(
            _names(rule.get(side), peer) and _has(rule.get("ports"), port)
            for policy in selecting
            for rule in policy.get(direction, ())
        )


def _names(peers: list[dict[str, Any]] | None, peer: Mapping[str, str] | str | None) -> bool:
    if peers is None:
        return True
    for item in peers:
        if isinstance(peer, str):
            if item.get("ipBlock", {}).get("cidr") == peer:
                return True
        elif peer is not None and "ipBlock" not in item:
            wanted = {
                **item.get("podSelector", {}).get("matchLabels", {}),
                **item.get("namespaceSelector", {}).get("matchLabels", {}),
            }
            if wanted.items() <= peer.items():
                return True
    return False


def _has(ports: list[dict[str, Any]] | None, port: int) -> bool:
    return ports is None or any(item["port"] == port for item in ports)


# Who may connect to whom, on which port. Every other pair of the app's pods may not, on any of these ports.
ALLOWED = {
    ("gateway", "order", 8080),
    ("gateway", "payment", 3000),
    ("gateway", "web", 8080),
    ("order", "gateway", 9001),
    ("order", "order-db", 5432),
    ("order-migrate", "order-db", 5432),
    ("order", "cache", 6379),
    ("payment", "payment-db", 5432),
    ("order-db", "order-db", 5432),
    ("order-db", "order-db", 8008),
    ("payment-db", "payment-db", 5432),
    ("payment-db", "payment-db", 8008),
}
KINDS = {
    "gateway": ("Deployment", "shop-gateway"), "order": ("Deployment", "shop-order"),
    "payment": ("Deployment", "shop-payment"), "web": ("Deployment", "shop-web"),
    "cache": ("Deployment", "shop-cache"), "order-db": ("StatefulSet", "shop-order-db"),
    "payment-db": ("StatefulSet", "shop-payment-db"), "order-migrate": ("Job", "shop-order-migrate"),
}  # fmt: skip


def test_pods_of_the_app_connect_as_declared_and_in_no_other_way(objects: tuple[Manifest, ...]) -> None:
    network = Network(objects)
    pods = {name: network.pod(*kind) for name, kind in KINDS.items()}
    # The public port is open to all, which is what makes it public; it is looked at below.
    ports = (3000, 5432, 6379, 8008, 9001, 9901)
    found = {
        (source, target, port)
        for source in pods
        for target in pods
        for port in (*ports, *(() if target == "gateway" else (8080,)))
        if network.connects(pods[source], pods[target], port)
    }
    assert found == ALLOWED


def test_the_gateway_is_public_by_one_port(objects: tuple[Manifest, ...]) -> None:
    network = Network(objects)
    gateway = network.pod(*KINDS["gateway"])
    assert [port for port in (8080, 9001, 9901) if network.into(gateway, None, port)] == [8080]
    assert [port for port in (9001, 9901) if network.into(gateway, SYSTEM, port)] == [9901]


def test_patroni_answers_members_and_the_operator(objects: tuple[Manifest, ...]) -> None:
    network = Network(objects)
    database = network.pod(*KINDS["order-db"])
    assert network.into(database, SYSTEM, 8008)
    assert not network.into(database, SYSTEM, 5432)
    assert not network.into(database, None, 8008)


def test_all_but_the_cache_may_ask_for_names(objects: tuple[Manifest, ...]) -> None:
    network = Network(objects)
    resolver = {**DNS, **KUBE_SYSTEM}
    asking = {name for name, kind in KINDS.items() if network.out(network.pod(*kind), resolver, 53)}
    assert asking == set(KINDS) - {"cache"}


def test_only_databases_reach_the_api_server_and_only_declared_egress_the_world(objects: tuple[Manifest, ...]) -> None:
    network = Network(objects)
    reaching = {name for name, kind in KINDS.items() if network.out(network.pod(*kind), None, 6443)}
    assert reaching == {"order-db", "payment-db"}
    outside = {name for name, kind in KINDS.items() if network.out(network.pod(*kind), "203.0.113.0/24", 443)}
    assert outside == {"payment", "order-db", "payment-db"}


def test_a_service_that_is_leaving_calls_until_it_is_gone() -> None:
    world = World(app({"name": "order", "calls": ["payment"]}, {"name": "payment"}))
    world.settle()
    world.app = app({"name": "payment"})
    wanted = world.plan()
    network = Network(wanted.objects)
    gone = find(world.children.values(), "Deployment", "shop-order")["spec"]["template"]["metadata"]["labels"]
    gateway = network.pod("Deployment", "shop-gateway")
    assert network.into(gateway, gone, 9001)
    assert network.out(gateway, gone, 8080)
    world.settle()
    assert not Network(plan(world.snapshot).objects).into(gateway, gone, 9001)


def test_each_side_alone_keeps_strangers_out(objects: tuple[Manifest, ...]) -> None:
    # Where the other side's policy is missing (a pod that is not the app's), this one must do.
    network = Network(objects)
    pods = {name: network.pod(*kind) for name, kind in KINDS.items()}
    for target, port in (("cache", 6379), ("order-db", 5432), ("order", 8080), ("gateway", 9001)):
        admitted = {name for name, labels in pods.items() if network.into(pods[target], labels, port)}
        assert admitted == {
            source for source, its_target, its_port in ALLOWED if (its_target, its_port) == (target, port)
        }
