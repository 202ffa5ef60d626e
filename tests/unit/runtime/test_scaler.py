"""The scaler's turns, over HTTP: what it reads from gateways, writes through /scale and asks of Patroni."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import web

from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.connection import Connection
from consumerapp_operator.apply.limiter import Limiter
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import Images
from consumerapp_operator.runtime import scaler
from consumerapp_operator.runtime.scaler import Loop
from consumerapp_operator.runtime.scaling import Scaler
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.scale.workload import GATEWAY, read_replicas_key, service_key
from consumerapp_operator.settings import Settings

KEY = AppKey("default", "shop")
ORDER, READ = service_key("order"), read_replicas_key("order")
SETTINGS = Settings(Images("g", "p", "r", "n"), "consumerapp-system", "test", scale_interval_seconds=0.2)
PASSWORD = "secret-of-patroni"


@dataclass
class World:
    """One HTTP server in the place of API server, gateway pod and Patroni."""

    store: Store
    client: Client
    session: aiohttp.ClientSession
    telemetry: Telemetry
    port: int = 0
    completed: float = 0.0
    gateway_status: int = 200
    refuse_writes: bool = False
    refuse_switchovers: bool = False
    writes: list[tuple[str, str, int]] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    switchovers: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0

    def put(self, kind: str, name: str, api_version: str = "apps/v1", **body: Any) -> None:
        """What the watch would bring."""
        self.version += 1
        metadata = {
            "namespace": "default", "name": name, "uid": name, "resourceVersion": str(self.version),
            "labels": {"app.kubernetes.io/part-of": "shop"}, **body.pop("metadata", {}),
        }  # fmt: skip
        self.store.put({"apiVersion": api_version, "kind": kind, "metadata": metadata, **body})

    def put_app(self, **service: Any) -> None:
        body = {"name": "order", "image": "order:1", **service}
        self.put(
            "ConsumerApp", "shop", "consumerapp.io/v1alpha1", spec={"services": [body]}, metadata={"generation": 1}
        )

    def put_workload(self, kind: str, name: str, component: str, instance: str, replicas: int, ready: int) -> None:
        labels = _labels(component, name)
        self.put(
            kind, instance, metadata={"labels": labels}, spec={"replicas": replicas},
            status={"readyReplicas": ready, "replicas": replicas},
        )  # fmt: skip

    def put_pod(self, name: str, component: str, of: str) -> None:
        self.put(
            "Pod", name, "v1", metadata={"labels": _labels(component, of)}, spec={"containers": []},
            status={"phase": "Running", "podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
        )  # fmt: skip

    def put_configmap(self, name: str, **annotations: str) -> None:
        labels = _labels("database", "order")
        self.put("ConfigMap", name, "v1", metadata={"labels": labels, "annotations": annotations})

    async def stats(self, _: web.Request) -> web.Response:
        lines = [
            f'envoy_cluster_upstream_rq_completed{{envoy_cluster_name="order"}} {self.completed}',
            f'envoy_http_downstream_rq_completed{{envoy_http_conn_manager_prefix="public"}} {self.completed}',
        ]
        return web.Response(text="\n".join(lines), status=self.gateway_status)

    async def scale(self, request: web.Request) -> web.Response:
        if self.refuse_writes:
            return web.json_response({"reason": "InternalError", "message": "no"}, status=500)
        body = await request.json()
        assert request.query["fieldManager"] == "consumerapp-scaler"
        found = request.match_info["plural"], request.match_info["name"], body["spec"]["replicas"]
        self.writes.append(found)
        self.written.set()
        return web.json_response({"kind": "Scale"})

    async def secret(self, _: web.Request) -> web.Response:
        encoded = base64.b64encode(PASSWORD.encode()).decode()
        return web.json_response({"kind": "Secret", "data": {"restapi-password": encoded}})

    async def switchover(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == aiohttp.encode_basic_auth("patroni", PASSWORD)
        self.switchovers.append(await request.json())
        if self.refuse_switchovers:
            return web.Response(text="candidate is not in sync", status=412)
        return web.Response(text='Successfully switched over to "shop-order-db-0"')


def _labels(component: str, name: str) -> dict[str, str]:
    suffix = "-db" if component == "database" else ""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": f"shop-{name}{suffix}",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "shop",
    }


@pytest.fixture
async def world() -> AsyncIterator[World]:
    application = web.Application()
    runner = web.AppRunner(application, access_log=None)
    store, telemetry = Store(lambda _: None), Telemetry()
    store.synced = True
    async with aiohttp.ClientSession() as session:
        found = World(store, None, session, telemetry)  # type: ignore[arg-type]
        application.router.add_get("/stats/prometheus", found.stats)
        application.router.add_patch("/apis/apps/v1/namespaces/default/{plural}/{name}/scale", found.scale)
        application.router.add_get("/api/v1/namespaces/default/secrets/shop-order-db-admin", found.secret)
        application.router.add_post("/switchover", found.switchover)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.port = runner.addresses[0][1]
        info = kopf.ConnectionInfo(server=f"http://127.0.0.1:{found.port}")
        found.client = Client(Connection(lambda: info), Limiter(1000, 1000), telemetry.count_write)
        yield found
        await found.client.close()
        await runner.cleanup()


def scaler_of(world: World) -> Scaler:
    return Scaler(
        world.store, world.client, world.session, SETTINGS, world.telemetry,
        stats_port=world.port, patroni_port=world.port,
    )  # fmt: skip


def shop(world: World, **service: Any) -> None:
    """An app whose gateway answers, one order replica more than the minimum."""
    world.put_app(**service)
    world.put_workload("Deployment", "gateway", "gateway", "shop-gateway", 2, 2)
    world.put_workload("Deployment", "order", "service", "shop-order", 3, 3)
    world.put_pod("shop-gateway-1", "gateway", "gateway")


async def test_a_new_workload_goes_to_its_minimum_and_the_rest_is_left_alone(world: World) -> None:
    shop(world)
    world.put_workload("Deployment", "order", "service", "shop-order", 1, 0)
    await scaler_of(world).turn(KEY)
    assert world.writes == [("deployments", "shop-order", 2)]
    decisions = world.store.decisions[KEY]
    assert decisions[ORDER].trigger == "Bounds"
    assert decisions[GATEWAY].trigger == "NoData", "the first scrape gives no rate"


async def test_load_raises_a_count_and_is_counted(world: World) -> None:
    shop(world, scaling={"targets": [{"type": "RequestRate", "value": "10"}], "max": 9})
    turns = scaler_of(world)
    await turns.turn(KEY)
    await asyncio.sleep(1.1)
    world.completed = 100
    await turns.turn(KEY)
    assert world.writes == [("deployments", "shop-order", 7)]
    assert "requests per second" in world.store.decisions[KEY][ORDER].reason
    metrics = world.telemetry.render().decode()
    expected = 'scale_decisions_total{app="shop",direction="up",namespace="default",workload="order"} 1.0'
    assert f"consumerapp_{expected}" in metrics
    assert 'consumerapp_api_writes_total{kind="Deployment",result="ok",verb="scale"} 1.0' in metrics
    assert 'consumerapp_replicas_wanted{app="shop",namespace="default",workload="order"} 7.0' in metrics


async def test_a_gateway_that_fails_holds_everything(world: World) -> None:
    shop(world)
    world.gateway_status = 503
    turns = scaler_of(world)
    for _ in range(3):
        await turns.turn(KEY)
    assert world.writes == []
    assert world.store.decisions[KEY][ORDER].reason == (
        "held at 3: no metrics (gateway pod shop-gateway-1: HTTP status 503); a count is never lowered without data"
    )
    assert 'consumerapp_scrape_failures_total{source="gateway"} 3.0' in world.telemetry.render().decode()


async def test_a_write_that_fails_is_tried_again(world: World) -> None:
    shop(world)
    world.put_workload("Deployment", "order", "service", "shop-order", 1, 0)
    turns = scaler_of(world)
    world.refuse_writes = True
    await turns.turn(KEY)
    assert world.writes == []
    world.refuse_writes = False
    await turns.turn(KEY)
    assert world.writes == [("deployments", "shop-order", 2)]


async def test_read_replicas_count_without_the_primary(world: World) -> None:
    shop(world, database={"replicas": 2})
    world.put_workload("StatefulSet", "order", "database", "shop-order-db", 1, 0)
    await scaler_of(world).turn(KEY)
    assert world.writes == [("statefulsets", "shop-order-db", 3)]


def database_led_by_the_last(world: World) -> None:
    """Three members, of which the spec wants two."""
    shop(world, database={"replicas": 1})
    world.put_workload("StatefulSet", "order", "database", "shop-order-db", 3, 3)
    for ordinal in range(3):
        world.put_pod(f"shop-order-db-{ordinal}", "database", "order")
    put_leader(world, 2)


def put_leader(world: World, leader: int) -> None:
    standbys = ",".join(f"shop-order-db-{ordinal}" for ordinal in range(3) if ordinal != leader)
    world.put_configmap("shop-order-db-leader", leader=f"shop-order-db-{leader}")
    world.put_configmap("shop-order-db-sync", leader=f"shop-order-db-{leader}", sync_standby=standbys)


async def test_a_primary_that_does_not_move_keeps_its_pod(world: World) -> None:
    database_led_by_the_last(world)
    world.refuse_switchovers = True
    turns = scaler_of(world)
    await turns.turn(KEY)
    await turns.turn(KEY)
    assert len(world.switchovers) == 2
    assert world.writes == []
    reason = world.store.decisions[KEY][READ].reason
    assert reason.startswith("held at 2, 1 decided: shop-order-db-2 is the primary and the next to leave")
    assert "Patroni answered 412: candidate is not in sync" in reason
    assert PASSWORD not in reason


async def test_the_primary_moves_before_its_pod_goes(world: World) -> None:
    database_led_by_the_last(world)
    turns = scaler_of(world)
    await turns.turn(KEY)
    assert world.switchovers == [{"leader": "shop-order-db-2", "candidate": "shop-order-db-0"}]
    assert world.writes == []
    assert "the primary was moved to shop-order-db-0 first" in world.store.decisions[KEY][READ].reason

    put_leader(world, 0)
    await turns.turn(KEY)
    assert world.writes == [("statefulsets", "shop-order-db", 2)]
    assert len(world.switchovers) == 1


async def test_an_app_that_is_being_deleted_is_left_alone(world: World) -> None:
    shop(world)
    world.put_workload("Deployment", "order", "service", "shop-order", 1, 0)
    world.put(
        "ConsumerApp", "shop", "consumerapp.io/v1alpha1", spec={"services": [{"name": "order", "image": "o:1"}]},
        metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"},
    )  # fmt: skip
    await scaler_of(world).turn(KEY)
    assert world.writes == []


async def test_a_decision_on_a_service_that_is_gone_does_not_stay(world: World) -> None:
    shop(world)
    turns = scaler_of(world)
    await turns.turn(KEY)
    assert ORDER in world.store.decisions[KEY]
    world.put("Deployment", "shop-order", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, spec={})
    await turns.turn(KEY)
    assert ORDER not in world.store.decisions[KEY]


async def test_a_new_workload_is_due_at_once_and_others_in_their_turn(world: World) -> None:
    shop(world)
    async with asyncio.TaskGroup() as tasks:
        loop = Loop(scaler_of(world), 1000.0)
        loop.start_due(tasks, 0.0)  # gateway and order are new
        await asyncio.sleep(0.1)
        turns = world.store.decisions[KEY][ORDER].at
        loop.start_due(tasks, 1.0)  # nothing is
        await asyncio.sleep(0.1)
        assert world.store.decisions[KEY][ORDER].at == turns
        world.put_app(database={"replicas": 1})
        world.put_workload("StatefulSet", "order", "database", "shop-order-db", 1, 0)
        loop.start_due(tasks, 2.0)
        await asyncio.sleep(0.1)
    assert world.writes == [("statefulsets", "shop-order-db", 2)]


async def test_the_loop_ends_when_it_is_stopped(world: World) -> None:
    shop(world)
    world.put_workload("Deployment", "order", "service", "shop-order", 1, 0)
    stop = asyncio.Event()
    task = asyncio.create_task(scaler.run(world.store, world.client, SETTINGS, world.telemetry, stop))
    async with asyncio.timeout(10):
        await world.written.wait()
        stop.set()
        await task
    assert world.writes[0] == ("deployments", "shop-order", 2)


async def test_bounds_of_a_refused_spec_move_nothing_and_the_load_is_still_followed(world: World) -> None:
    targets = [{"type": "RequestRate", "value": "10"}]
    shop(world, scaling={"targets": targets, "max": 9})
    turns = scaler_of(world)
    await turns.turn(KEY)
    world.put_app(scaling={"targets": targets, "min": 20, "max": 30}, calls=["nobody"])
    await turns.turn(KEY)
    assert world.writes == []
    await asyncio.sleep(1.1)
    world.completed = 100
    await turns.turn(KEY)
    assert world.writes == [("deployments", "shop-order", 7)]


async def test_without_an_accepted_spec_counts_are_left_as_they_are(world: World) -> None:
    shop(world, scaling={"min": 20, "max": 30}, calls=["nobody"])
    await scaler_of(world).turn(KEY)
    assert world.writes == []
