"""Requests at a steady rate while something changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable

from tests.integration.gateway.stage import Stage


async def under_load(stage: Stage, change: Awaitable[object], *, rate: int = 150) -> Counter[int]:
    """Statuses of GETs and POSTs at a steady rate from before the change until half a second after it."""
    statuses: Counter[int] = Counter()

    async def request(number: int) -> None:
        method = "POST" if number % 2 else "GET"
        statuses[await stage.gateway.status(f"{stage.gateway.public}/api/orders", method)] += 1

    async with asyncio.TaskGroup() as load:
        changing: asyncio.Task[object] | None = None
        number, until = 0, float("inf")
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            load.create_task(request(number))
            await asyncio.sleep(1 / rate)
            number += 1
            if number == 50:
                changing = load.create_task(_awaited(change))
            if changing is not None and changing.done() and until == float("inf"):
                until = loop.time() + 0.5
    return statuses


async def _awaited(change: Awaitable[object]) -> object:
    return await change
