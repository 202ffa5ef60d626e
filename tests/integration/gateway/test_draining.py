"""The end of a gateway: what it was given it finishes, then it goes."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from consumerapp_operator.plan.gateway.drain import DRAIN_FILE
from tests.integration.gateway.stage import Stage, app_of, eventually

# As Stage.publish writes the script.
MINIMUM_SECONDS, DEADLINE_SECONDS = 1, 4


async def _drain(stage: Stage) -> float:
    """Runs the script as the kubelet does, without an environment; returns how long it took."""
    begun = time.monotonic()
    script = stage.gateway.placement.file(DRAIN_FILE)
    process = await asyncio.create_subprocess_exec("bash", script, env={"PATH": "/usr/bin:/bin"}, cwd="/")
    try:
        assert await asyncio.wait_for(process.wait(), DEADLINE_SECONDS + 5) == 0
    finally:
        if process.returncode is None:
            process.kill()
    return time.monotonic() - begun


async def _started(stage: Stage) -> str:
    await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}))
    return f"{stage.gateway.public}/api/order"


async def test_without_connections_it_takes_as_long_as_endpoints_need(stage: Stage) -> None:
    await _started(stage)
    assert await stage.gateway.status(f"{stage.gateway.public}/-/ready") == 200
    await stage.gateway.session.close()
    assert MINIMUM_SECONDS <= await _drain(stage) < MINIMUM_SECONDS + 2


async def test_it_stays_ready_and_serves_on(stage: Stage) -> None:
    """It may be the only replica, and the one that takes its place has still to start."""
    url = await _started(stage)
    draining = asyncio.create_task(_drain(stage))
    await eventually(lambda: _says_close(stage, url))
    assert await stage.gateway.status(f"{stage.gateway.public}/-/ready") == 200
    assert await stage.gateway.status(f"{stage.gateway.stats}/alive") == 200
    await draining


async def test_it_waits_while_new_clients_come(stage: Stage) -> None:
    """Each request on a connection of its own, so that at most moments there is none."""
    url = await _started(stage)
    draining = asyncio.create_task(_drain(stage))
    while not draining.done():
        assert await stage.gateway.status(url, "POST") == 200
        await asyncio.sleep(0.3)
    assert await draining >= DEADLINE_SECONDS


async def test_a_request_in_flight_ends(stage: Stage) -> None:
    url = await _started(stage)
    request = asyncio.create_task(stage.gateway.status(f"{url}?sleep=2", "POST"))
    await asyncio.sleep(0.2)
    assert 1.5 < await _drain(stage) <= DEADLINE_SECONDS
    assert await request == 200


async def test_an_idle_connection_is_waited_for_until_the_deadline(stage: Stage) -> None:
    url = await _started(stage)
    async with aiohttp.ClientSession() as idle, idle.get(url) as response:
        await response.read()
        assert DEADLINE_SECONDS <= await _drain(stage) < DEADLINE_SECONDS + 2


async def test_clients_that_keep_connections_move_on_without_a_failure(stage: Stage) -> None:
    """Steady requests over kept connections, before and while draining: all are answered, none is left behind."""
    url = await _started(stage)
    draining: asyncio.Task[float] | None = None
    statuses = []
    for number in range(100):
        statuses.append(await stage.gateway.status(url, "POST" if number % 2 else "GET"))
        await asyncio.sleep(0.02)
        if number == 30:
            draining = asyncio.create_task(_drain(stage))
    assert draining is not None
    assert await draining < DEADLINE_SECONDS + 2
    assert set(statuses) == {200}


async def test_there_is_nothing_to_wait_for_when_envoy_is_gone(stage: Stage) -> None:
    await _started(stage)
    await stage.gateway.stop()
    assert await _drain(stage) < MINIMUM_SECONDS


async def _says_close(stage: Stage, url: str) -> bool:
    async with stage.gateway.session.get(url) as response:
        assert response.status == 200
        return response.headers.get("Connection") == "close"
