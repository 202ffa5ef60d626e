"""The event bus, workers, and what is on the bus."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.references import problems
from consumerapp_operator.plan.streams import wanted
from tests.unit.plan.world import app, find, names, snapshot

NOTIFIER: dict[str, Any] = {"name": "notifier", "image": "acme/notifier:1", "consumes": ["order.placed"]}


def shop(*, bus: Any = {"type": "nats"}, worker: Any = NOTIFIER, **spec: Any) -> ConsumerApp:  # noqa: B006 - read only
    return app(
        {"name": "order", "publishes": ["order.placed"]}, {"name": "user"},
        **({"bus": bus} if bus else {}), workers=[worker] if worker else [], **spec,
    )  # fmt: skip


def environment(subject: ConsumerApp, name: str) -> dict[str, str]:
    (container,) = find(plan(snapshot(subject)).objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item.get("value", "") for item in container["env"]}


def clients(policy: dict[str, Any], port: int) -> set[str]:
    rules = [rule for rule in policy["ingress"] if any(item["port"] == port for item in rule["ports"])]
    selectors = [peer["podSelector"]["matchLabels"] for rule in rules for peer in rule["from"] if "podSelector" in peer]
    return {item["app.kubernetes.io/name"] for item in selectors}


def test_an_app_without_a_bus_has_nothing_of_it() -> None:
    objects = plan(snapshot(app({"name": "user"}))).objects
    assert not [item for item in objects if "bus" in item["metadata"]["name"]]
    assert "BUS_URL" not in environment(app({"name": "user"}), "shop-user")


def test_who_publishes_and_who_consumes_is_told_of_the_bus_and_nobody_else() -> None:
    subject = shop()
    assert environment(subject, "shop-order")["BUS_URL"] == "nats://shop-bus:4222"
    assert "BUS_URL" not in environment(subject, "shop-user")
    assert environment(subject, "shop-notifier") == {
        "PORT": "8080", "BUS_URL": "nats://shop-bus:4222", "BUS_CONSUMER": "notifier",
    }  # fmt: skip


def test_who_publishes_and_who_consumes_reaches_the_bus_and_nobody_else() -> None:
    objects = plan(snapshot(shop())).objects
    bus = find(objects, "NetworkPolicy", "shop-bus")["spec"]
    assert clients(bus, 4222) == {"order", "notifier"}
    assert clients(bus, 6222) == clients(bus, 8222) == set()
    ports = {
        name: {
            item["port"]
            for rule in find(objects, "NetworkPolicy", name)["spec"]["egress"]
            for item in rule.get("ports", ())
        }
        for name in ("shop-order", "shop-user", "shop-notifier")
    }
    assert {name for name, reached in ports.items() if 4222 in reached} == {"shop-order", "shop-notifier"}


def test_three_servers_know_each_other_and_reach_each_other() -> None:
    objects = plan(snapshot(shop(bus={"type": "nats", "replicas": 3}))).objects
    text = find(objects, "ConfigMap", "shop-bus")["data"]["nats.conf"]
    assert [f"nats://shop-bus-{number}.shop-bus-members:6222" in text for number in range(4)] == [True] * 3 + [False]
    assert clients(find(objects, "NetworkPolicy", "shop-bus")["spec"], 6222) == {"bus"}


def test_a_lone_server_syncs_each_event_to_disk() -> None:
    text = find(plan(snapshot(shop())).objects, "ConfigMap", "shop-bus")["data"]["nats.conf"]
    assert "sync_interval: always" in text
    assert "cluster" not in text


@pytest.mark.parametrize(("policy", "fate"), [("Retain", "Retain"), ("Delete", "Delete")])
def test_volumes_stay_or_go_as_the_spec_says(policy: str, fate: str) -> None:
    statefulset = find(plan(snapshot(shop(deletionPolicy=policy))).objects, "StatefulSet", "shop-bus")
    assert statefulset["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == fate


def test_a_worker_has_no_address_and_probes_only_where_it_says_so() -> None:
    objects = plan(snapshot(shop())).objects
    assert "shop-notifier" not in names(objects, "Service")
    (bare,) = find(objects, "Deployment", "shop-notifier")["spec"]["template"]["spec"]["containers"]
    assert "livenessProbe" not in bare
    objects = plan(snapshot(shop(worker={**NOTIFIER, "health": {"liveness": "/alive"}}))).objects
    (probed,) = find(objects, "Deployment", "shop-notifier")["spec"]["template"]["spec"]["containers"]
    assert probed["livenessProbe"]["httpGet"]["path"] == "/alive"


def test_topics_of_publishers_and_consumers_are_stored_even_if_nobody_takes_them_yet() -> None:
    subject = shop(worker={**NOTIFIER, "consumes": ["user.signed_up"], "maxDeliver": 3, "ackWaitSeconds": 7})
    assert subject.spec.bus
    found = wanted(subject, subject.spec.bus)
    assert {stream.name: stream.subjects for stream in found.streams}["events"] == ("order.placed", "user.signed_up")
    (consumer,) = [item for item in found.consumers if item.stream == "events"]
    assert (consumer.name, consumer.subjects) == ("notifier", ("user.signed_up",))
    assert (consumer.max_deliver, consumer.ack_wait_seconds) == (3, 7)


def test_streams_leave_room_on_the_volume_and_only_dead_letters_give_way() -> None:
    subject = shop(bus={"type": "nats", "replicas": 3, "storage": {"size": "100Mi"}})
    assert subject.spec.bus
    streams = wanted(subject, subject.spec.bus).streams
    assert sum(stream.max_bytes for stream in streams) <= 80 * 2**20
    assert {stream.name for stream in streams if stream.keeps_newest} == {"dead"}
    assert {stream.replicas for stream in streams} == {3}


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        (shop(bus=None), "spec.services[0].publishes: the app has no bus"),
        (shop(bus=None), "spec.workers[0]: there is no bus to take events from"),
        (shop(worker={**NOTIFIER, "name": "user"}), "spec.workers[0].name: there is a service user already"),
        (
            shop(worker={**NOTIFIER, "env": [{"name": "BUS_CONSUMER", "value": "x"}]}),
            "spec.workers[0].env[0].name: BUS_CONSUMER is set by the operator",
        ),
        (shop(worker={**NOTIFIER, "scaling": {"min": 9, "max": 2}}), "spec.workers[0].scaling.min: 9 is more than"),
        (shop(bus={"type": "nats", "storage": {"size": "1Mi"}}), "spec.bus.storage.size: 1Mi is too little"),
        (
            shop(worker={**NOTIFIER, "egress": [{"cidr": "10.0.0.1/8", "port": 25}]}),
            "spec.workers[0].egress[0].cidr: 10.0.0.1/8 is not the beginning",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(subject: ConsumerApp, problem: str) -> None:
    assert [line for line in problems(subject) if line.startswith(problem)], problems(subject)


def test_a_worker_may_not_take_a_name_made_of_a_services() -> None:
    subject = app(
        {"name": "user", "database": {"migrate": {"command": ["m"]}}},
        bus={"type": "nats"},
        workers=[{**NOTIFIER, "name": "user-migrate"}],
    )
    assert [line for line in problems(subject) if line.startswith("spec.workers[0].name: shop-user-migrate")]
