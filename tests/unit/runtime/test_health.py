"""When the process should be restarted, and what the endpoints answer."""

from __future__ import annotations

import dataclasses

import aiohttp
import pytest

from consumerapp_operator.runtime.health import Health, Vitals, ailments, routes, serve
from consumerapp_operator.runtime.queue import Queue
from consumerapp_operator.runtime.telemetry import Telemetry

WELL = Vitals(
    oldest_waiting=0.1,
    oldest_processing=2,
    loop_lag=0.01,
    resync_age=500,
    resync_interval=450,
    leading=True,
    synced=True,
)


def test_an_operator_that_works_is_well() -> None:
    assert ailments(WELL) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oldest_processing": 301.0}, "a reconcile has been running for 301 s"),
        ({"oldest_waiting": 121.0}, "waiting for a worker for 121 s"),
        ({"loop_lag": 11.0}, "the event loop was late by 11.0 s"),
        ({"resync_age": 1900.0}, "the last resync is 1900 s old"),
    ],
)
def test_each_stall_is_found(change: dict[str, float], words: str) -> None:
    found = ailments(dataclasses.replace(WELL, **change))  # type: ignore[arg-type]
    assert len(found) == 1
    assert words in found[0]


def test_a_replica_that_stands_by_need_not_resync() -> None:
    assert ailments(dataclasses.replace(WELL, resync_age=1e6, leading=False)) == []


async def test_endpoints_follow_the_queue() -> None:
    now = 0.0
    queue: Queue[str] = Queue(lambda: now)
    telemetry = Telemetry()
    health = Health(queue, telemetry, 450, lambda: now)
    runner = await serve(routes(health, telemetry), 0)
    port = next(address[1] for address in runner.addresses if address[0] == "0.0.0.0")  # IPv6 gets another one
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def get(path: str) -> tuple[int, str]:
                async with session.get(path) as response:
                    return response.status, await response.text()

            assert await get("/livez") == (200, "ok")
            assert await get("/readyz") == (200, "ok"), "standing by"
            health.leading = True
            assert (await get("/readyz"))[0] == 503
            health.resynced()
            assert await get("/readyz") == (200, "ok")
            queue.add("shop")
            now = 130.0
            assert (await get("/livez"))[0] == 500
            await queue.get()
            queue.done("shop")
            assert (await get("/livez"))[0] == 200
            telemetry.count_write("apply", "ConfigMap", "ok")
            _, text = await get("/metrics")
            assert 'consumerapp_api_writes_total{kind="ConfigMap",result="ok",verb="apply"} 1.0' in text
            assert "consumerapp_queue_depth 0.0" in text
            assert "consumerapp_leading 1.0" in text
    finally:
        await runner.cleanup()
