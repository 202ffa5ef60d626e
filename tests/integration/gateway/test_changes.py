"""A configuration that changes while requests pass, and what the gateway says of it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from consumerapp_operator.plan.gateway import LOADED_PATH
from consumerapp_operator.plan.gateway.configuration import Configuration, Part
from consumerapp_operator.plan.model import LoadedConfiguration
from tests.integration.gateway.load import under_load
from tests.integration.gateway.stage import Stage, app_of, eventually

ROUTED_TO_ORDER = app_of(
    {"order": [], "web": ["order"]}, gateway={"routes": [{"path": "/api/orders", "service": "order"}]}
)
ROUTED_TO_SALE = app_of({"sale": [], "web": ["sale"]}, gateway={"routes": [{"path": "/api/orders", "service": "sale"}]})


def _versions(configuration: Configuration | None) -> LoadedConfiguration:
    assert configuration is not None
    return LoadedConfiguration(
        listeners=configuration.listeners.version,
        routes=configuration.routes.version,
        clusters=configuration.clusters.version,
        reachable=frozenset(configuration.clusters.resources),
    )


async def _two_services(stage: Stage) -> None:
    for number, service in enumerate(("order", "sale", "web"), 1):
        await stage.replica(service, f"127.0.1.{number}")
    await stage.run(ROUTED_TO_ORDER)


async def test_what_is_loaded_is_confirmed(stage: Stage) -> None:
    await _two_services(stage)
    await eventually(lambda: _confirms(stage))


async def test_a_service_is_replaced_under_load_without_a_failure(stage: Stage) -> None:
    await _two_services(stage)
    # Longer than it takes to load a file: a route that is switched too early would fail.
    stage.resolver.delay_seconds = 0.3
    steps: list[int] = []

    async def change() -> None:
        for app in (ROUTED_TO_SALE, ROUTED_TO_ORDER):
            steps.append(await stage.change(app))

    statuses = await under_load(stage, change())
    assert steps == [3, 3]
    assert statuses.keys() == {200}
    assert statuses[200] > 150
    await eventually(lambda: _confirms(stage))


async def test_a_path_moves_when_the_new_service_is_there(stage: Stage) -> None:
    """Its replica starts a second after the spec has changed: until then the old one answers."""
    await stage.replica("order", "127.0.1.1")
    await stage.replica("web", "127.0.1.2")
    await stage.run(ROUTED_TO_ORDER)

    async def change() -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(stage.change(ROUTED_TO_SALE))
            await asyncio.sleep(1)
            await stage.replica("sale", "127.0.1.3")

    assert (await under_load(stage, change())).keys() == {200}
    assert (await stage.get(f"{stage.gateway.public}/api/orders"))["replica"] == "127.0.1.3"


async def test_all_at_once_would_lose_requests(stage: Stage) -> None:
    """That the steps are needed, and that the test above can fail."""
    await _two_services(stage)
    stage.resolver.delay_seconds = 0.3
    desired = stage.desired(ROUTED_TO_SALE)

    async def change() -> None:
        assert stage.published is not None
        clusters, routes = Part.of(2, desired.clusters), Part.of(2, desired.routes)
        stage.publish(Configuration(stage.published.listeners, routes, clusters))
        await eventually(lambda: _confirms(stage))

    assert (await under_load(stage, change()))[503] > 0


async def test_a_cluster_changes_in_place_under_load_without_a_failure(stage: Stage) -> None:
    """Another path of the health check: Envoy makes the cluster anew while requests use it."""
    await _two_services(stage)
    services = [
        {"name": "order", "image": "i:1", "health": {"readiness": "/livez"}},
        {"name": "web", "image": "i:1", "calls": ["order"]},
    ]
    app = app_of({}, services=services, gateway={"routes": [{"path": "/api/orders", "service": "order"}]})
    statuses = await under_load(stage, stage.change(app))
    assert statuses.keys() == {200}
    await eventually(lambda: _confirms(stage))


async def test_clusters_are_confirmed_only_when_they_can_be_used(stage: Stage) -> None:
    await _two_services(stage)
    stage.resolver.delay_seconds = 0.5
    assert stage.published is not None
    clusters = Part.of(2, {**stage.published.clusters.resources, **stage.desired(ROUTED_TO_SALE).clusters})
    stage.publish(Configuration(stage.published.listeners, stage.published.routes, clusters))
    await eventually(lambda: _says(stage, f'cds.version_text: "{clusters.version}"'))
    assert (await stage.gateway.loaded()).clusters == "", "accepted, and still resolving"
    await eventually(lambda: _confirms(stage))


@pytest.mark.parametrize("broken", [{"connect_timeout": "-1s"}, {"no_such_field": 1}])
async def test_what_envoy_refuses_is_not_confirmed(stage: Stage, broken: dict[str, object]) -> None:
    await _two_services(stage)
    before = stage.published
    assert before is not None
    clusters = {name: {**item, **broken} for name, item in before.clusters.resources.items()}
    stage.publish(Configuration(before.listeners, before.routes, Part.of(2, clusters)))
    await eventually(lambda: _refused(stage))
    loaded = await stage.gateway.loaded()
    assert loaded == replace(_versions(before), reachable=loaded.reachable)
    assert await stage.gateway.status(f"{stage.gateway.public}/api/orders") == 200


async def test_readiness_needs_both_route_configurations(stage: Stage) -> None:
    """Envoy's own /ready says LIVE without any route."""
    await stage.replica("order", "127.0.1.1")
    desired = stage.desired(app_of({"order": []}))
    broken = {**desired.routes, "internal": {"name": "internal", "no_such_field": 1}}
    parts = (Part.of(1, desired.listeners), Part.of(1, broken), Part.of(1, desired.clusters))
    stage.publish(Configuration(*parts))
    await stage.gateway.start(until_ready=False)
    await eventually(lambda: _has_status(stage, f"{stage.gateway.stats}/ready", 200))
    await eventually(lambda: _has_status(stage, f"{stage.gateway.public}/api/order", 200))
    assert await stage.gateway.status(f"{stage.gateway.public}/-/ready") in (404, 503)
    assert (await stage.gateway.loaded()).routes == ""
    stage.publish(Configuration(parts[0], Part.of(2, desired.routes), parts[2]))
    await eventually(lambda: _has_status(stage, f"{stage.gateway.public}/-/ready", 200))


NAMES = r"""
envoy_cluster_upstream_rq_completed{envoy_cluster_name="order"} 3
envoy_cluster_upstream_rq_total{envoy_cluster_name="order"} 3
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="order"} 3
envoy_cluster_upstream_rq_active{envoy_cluster_name="order"} 0
envoy_cluster_upstream_rq_pending_active{envoy_cluster_name="order"} 0
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="order",le="+Inf"} 3
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="order"} 3
envoy_cluster_membership_healthy{envoy_cluster_name="order"} 1
envoy_vhost_route_upstream_rq_completed{envoy_virtual_host="public",envoy_route="ext__order"} 2
envoy_vhost_route_upstream_rq_completed{envoy_virtual_host="internal",envoy_route="web__order"} 1
envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="public"} 2
envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="internal"} 1
""".strip().splitlines()


async def test_the_statistics_that_are_scraped_are_there(stage: Stage) -> None:
    await _two_services(stage)
    for url in [f"{stage.gateway.public}/api/orders"] * 2 + [f"{stage.gateway.internal}/web/order/x"]:
        assert await stage.gateway.status(f"{url}?sleep=0.1") == 200
    await eventually(lambda: _scrape_has(stage, NAMES[6]))  # histograms move once a second
    text = await stage.gateway.text("/stats/prometheus")
    lines = set(text.splitlines())
    assert [name for name in NAMES if name not in lines] == []
    (milliseconds,) = re.findall(r'^envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="order"} (.+)$', text, re.M)
    assert 300 <= float(milliseconds) < 5000
    assert len(text) < 20_000, "a scrape stays small"
    assert "local_admin" not in text


async def _scrape_has(stage: Stage, line: str) -> bool:
    return line in (await stage.gateway.text("/stats/prometheus")).splitlines()


async def _says(stage: Stage, text: str) -> bool:
    return text in await stage.gateway.text(LOADED_PATH)


async def _confirms(stage: Stage) -> bool:
    return await stage.gateway.loaded() == _versions(stage.published)


async def _refused(stage: Stage) -> bool:
    names = ("update_rejected", "update_failure")
    return sum([await stage.gateway.statistic(f"cluster_manager.cds.{name}") for name in names]) > 0


async def _has_status(stage: Stage, url: str, status: int) -> bool:
    return await stage.gateway.status(url) == status
