"""The gateway is asked only when the plan waits for it, and a plan is not made twice of the same snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.api.names import COMPONENT_GATEWAY, LABEL_COMPONENT
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.plan.model import Images, LoadedConfiguration, Manifest, ObjectKey, Plan, Snapshot
from consumerapp_operator.runtime.planner import Planner
from consumerapp_operator.runtime.telemetry import Telemetry

SHOP = AppKey("default", "shop")
LOADED = LoadedConfiguration("1", "1", "1")


@pytest.fixture
def app() -> ConsumerApp:
    metadata = {"name": "shop", "namespace": "default", "uid": "u", "generation": 1}
    return read_app({"metadata": metadata, "spec": {"services": [{"name": "web", "image": "web:1"}]}})


def gateway_pod(name: str, *, ready: bool = True) -> tuple[ObjectKey, Manifest]:
    pod: dict[str, Any] = {
        "metadata": {"name": name, "namespace": "default", "labels": {LABEL_COMPONENT: COMPONENT_GATEWAY}},
        "status": {"podIP": f"ip-{name}", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }
    return ObjectKey("v1", "Pod", "default", name), pod


class Gateway:
    """Answers with what it has loaded, and remembers who asked."""

    def __init__(self, answer: LoadedConfiguration | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, address: str) -> LoadedConfiguration | None:
        self.asked.append(address)
        return self.answer


class Plans:
    """Waits until a pod has confirmed; counts how often it was made."""

    def __init__(self, *, waits: bool) -> None:
        self.waits = waits
        self.made: list[Snapshot] = []

    def __call__(self, snapshot: Snapshot) -> Plan:
        self.made.append(snapshot)
        return Plan(waiting=("not loaded yet",) if self.waits and not snapshot.gateway_loaded else ())


def planner(plans: Plans, gateway: Gateway) -> Planner:
    return Planner(Images("g", "p", "r", "n"), plans, gateway, Telemetry())


async def test_a_plan_that_waits_for_nothing_asks_nobody(app: ConsumerApp) -> None:
    plans, gateway = Plans(waits=False), Gateway(LOADED)
    await planner(plans, gateway).plan(SHOP, app, dict([gateway_pod("a")]), synced=True)
    assert gateway.asked == []
    assert len(plans.made) == 1


async def test_ready_gateway_pods_are_asked_and_the_plan_made_anew(app: ConsumerApp) -> None:
    plans, gateway = Plans(waits=True), Gateway(LOADED)
    children = dict([gateway_pod("a"), gateway_pod("b"), gateway_pod("c", ready=False)])
    plan = await planner(plans, gateway).plan(SHOP, app, children, synced=True)
    assert plan.waiting == ()
    assert sorted(gateway.asked) == ["ip-a", "ip-b"]
    assert plans.made[-1].gateway_loaded == {"a": LOADED, "b": LOADED}


async def test_while_nothing_moves_no_plan_is_made_and_yet_the_gateway_is_asked(app: ConsumerApp) -> None:
    plans, gateway = Plans(waits=True), Gateway(None)
    made = planner(plans, gateway)
    children = dict([gateway_pod("a")])
    for _ in range(3):
        assert (await made.plan(SHOP, app, dict(children), synced=True)).waiting
    assert len(plans.made) == 1
    assert len(gateway.asked) == 3
    await made.plan(SHOP, app, dict([gateway_pod("b")]), synced=True)
    assert len(plans.made) == 2, "something moved"
    gateway.answer = LOADED
    assert (await made.plan(SHOP, app, dict([gateway_pod("b")]), synced=True)).waiting == ()
