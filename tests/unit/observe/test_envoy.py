"""Scrapes of a real Envoy under traffic, against what was sent and what the service itself counted."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import mean

import aiohttp
import pytest

from consumerapp_operator.observe.envoy import ScrapeFailed, loaded, parse, scrape
from consumerapp_operator.observe.window import Window
from consumerapp_operator.scale.model import Load
from consumerapp_operator.scale.workload import GATEWAY, service_key
from tests.unit.observe.envoy_process import Gateway, free_port, gateway

ORDER = service_key("order")
WINDOW_SECONDS = 5.0


async def drive(where: Gateway, rate: float, seconds: float) -> dict[str, Load]:
    """Send `rate` requests a second, on time whatever the answers, and scrape each second; the loads at the end.

    What is still under way then is given up.
    """
    window = Window(WINDOW_SECONDS)
    url = f"http://127.0.0.1:{where.public}/api/orders"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> int:
            async with session.get(url) as response:
                return response.status

        requests: list[asyncio.Task[int]] = []
        begin = time.monotonic()
        scrapes = 0
        while (elapsed := time.monotonic() - begin) <= seconds:
            while len(requests) < elapsed * rate:
                requests.append(asyncio.create_task(send()))
            if elapsed > seconds - WINDOW_SECONDS:
                where.upstream.samples.append(where.upstream.in_flight)
            if elapsed >= scrapes:
                scrapes += 1
                counters = await scrape(session, "127.0.0.1", 2.0, where.admin)
                window.add("pod", time.time(), counters, None)
            await asyncio.sleep(0.005)
        measured = window.measure(time.time(), (GATEWAY, ORDER), {"pod": "gateway-1"}, {})
        assert all(request.result() == 200 for request in requests if request.done())
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
    assert measured.missing == ""
    return {workload.name: load for workload, load in measured.loads.items()}


async def test_short_requests_are_measured_by_littles_law(tmp_path: Path) -> None:
    async with gateway(tmp_path) as where:
        where.upstream.delay = 0.1
        loads = await drive(where, rate=60, seconds=7)
    order = loads["order"]
    assert order.complete
    assert order.request_rate == pytest.approx(60, rel=0.15)
    # against the service's own count, so that a slow machine slows both
    assert order.concurrency == pytest.approx(mean(where.upstream.samples), rel=0.25)
    assert order.latency_p95 is not None
    assert order.latency_p95 >= 0.09, "no request takes less than 0.1 s; the rest is the width of a bucket"
    assert loads["gateway"].request_rate == pytest.approx(60, rel=0.15)


async def test_long_requests_are_measured_by_samples(tmp_path: Path) -> None:
    """20 requests a second that have not ended yet: counters of ended requests say nothing at all."""
    async with gateway(tmp_path) as where:
        where.upstream.delay = 30.0
        loads = await drive(where, rate=20, seconds=5)
    # the window saw the number under way grow from 0 to 100
    assert loads["order"].concurrency == pytest.approx(mean(where.upstream.samples), rel=0.35)
    assert loads["order"].latency_p95 is None


async def test_an_idle_gateway_is_measured_as_idle(tmp_path: Path) -> None:
    async with gateway(tmp_path) as where, aiohttp.ClientSession() as session:
        counters = await scrape(session, "127.0.0.1", 2.0, where.admin)
    assert set(counters) == {GATEWAY, ORDER}
    assert counters[ORDER].completed == counters[ORDER].in_flight == 0


async def test_a_pod_that_does_not_answer_says_why() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ScrapeFailed, match=r"connect call failed|connection refused"):
            await scrape(session, "127.0.0.1", 1.0, free_port())
        assert await loaded(session, "127.0.0.1", free_port()) is None


def test_parse_sums_the_listeners_and_leaves_out_the_rest() -> None:
    text = "\n".join(
        [
            "# TYPE envoy_cluster_upstream_rq_completed counter",
            'envoy_cluster_upstream_rq_completed{envoy_cluster_name="order"} 7',
            'envoy_cluster_upstream_rq_active{envoy_cluster_name="order"} 2',
            'envoy_cluster_upstream_rq_pending_active{envoy_cluster_name="order"} 1',
            'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="order",le="5"} 4',
            'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="order",le="+Inf"} 7',
            'envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="order"} 45.5',
            'envoy_cluster_upstream_rq_time_count{envoy_cluster_name="order"} 7',
            'envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="public"} 5',
            'envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="internal"} 2',
            'envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix="stats"} 99',
            'envoy_vhost_route_upstream_rq_completed{envoy_virtual_host="public",envoy_route="ext__order"} 99',
            'envoy_cluster_upstream_rq_active{envoy_cluster_name="idle"} 0',
        ]
    )
    counters = parse(text)
    assert set(counters) == {GATEWAY, ORDER}
    assert counters[GATEWAY].completed == 7
    order = counters[ORDER]
    assert (order.completed, order.in_flight, order.time_count) == (7, 3, 7)
    assert order.time_seconds == pytest.approx(0.0455)
    assert order.buckets == {0.005: 4, float("inf"): 7}
