"""The cache against a real Redis: however many ask, one loads."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from shop import cache
from shop.cache import Cache
from tests.services import machine


@asynccontextmanager
async def caches(url: str, count: int, clock: Callable[[], float] | None = None) -> AsyncIterator[list[Cache]]:
    """As many processes would have them: with connections and single flights of their own."""
    prefix = uuid.uuid4().hex
    options = {"vary": lambda: 0.5, **({"clock": clock} if clock else {})}
    made = [Cache(cache.connect(url), prefix, **options) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


class Source:
    """What is cached: counts how often it is asked, and takes its time."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.loads, self.seconds = 0, seconds

    async def load(self) -> bytes:
        self.loads += 1
        version = self.loads
        await asyncio.sleep(self.seconds)
        return f"version {version}".encode()


async def test_many_misses_at_once_are_one_load(redis_url: str) -> None:
    source = Source()
    async with caches(redis_url, 4) as processes:
        values = await asyncio.gather(*(c.fetch("k", source.load, 60) for c in processes for _ in range(25)))
    assert set(values) == {b"version 1"}
    assert source.loads == 1


async def test_an_expiry_under_load_is_one_load_and_nobody_waits_for_it(redis_url: str) -> None:
    now = 1000.0
    source = Source()
    async with caches(redis_url, 4, lambda: now) as processes:
        await processes[0].fetch("k", source.load, 10)
        now += 11  # no longer fresh, still there
        values = await asyncio.gather(*(c.fetch("k", source.load, 10) for c in processes for _ in range(25)))
        assert source.loads == 2
        assert values.count(b"version 2") == 1
        assert values.count(b"version 1") == 99
        assert await processes[1].fetch("k", source.load, 10) == b"version 2"


async def test_what_is_forgotten_is_loaded_anew(redis_url: str) -> None:
    source = Source(0)
    async with caches(redis_url, 2) as (one, two):
        assert await one.fetch("k", source.load, 60) == b"version 1"
        await two.forget("k")
        assert await one.fetch("k", source.load, 60) == b"version 2"


async def test_what_is_missing_is_not_kept(redis_url: str) -> None:
    asked = 0

    async def nothing() -> None:
        nonlocal asked
        asked += 1

    async with caches(redis_url, 1) as (one,):
        assert await one.fetch("k", nothing, 60) is None
        assert await one.fetch("k", nothing, 60) is None
    assert asked == 2


async def test_a_loader_that_dies_holds_nobody_up_for_long(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WAIT_SECONDS", 0.2)
    source = Source(0)
    async with caches(redis_url, 2) as (dead, alive):
        assert await dead._lock(f"{dead._prefix}:k")  # and never comes back
        assert await alive.fetch("k", source.load, 60) == b"version 1"


async def test_a_failed_load_is_everyones_failure_and_leaves_no_lock(redis_url: str) -> None:
    async def fail() -> bytes:
        await asyncio.sleep(0.05)
        raise ValueError("no")

    source = Source(0)
    async with caches(redis_url, 1) as (one,):
        results = await asyncio.gather(*(one.fetch("k", fail, 60) for _ in range(5)), return_exceptions=True)
        assert [type(r) for r in results] == [ValueError] * 5
        assert await asyncio.wait_for(one.fetch("k", source.load, 60), 0.4) == b"version 1"


async def test_redis_may_go_and_come_back() -> None:
    source = Source(0)
    port = machine.free_port()
    with machine.redis(port) as url:
        async with caches(url, 1) as (one,):
            assert await one.fetch("k", source.load, 60) == b"version 1"
            assert await one.fetch("k", source.load, 60) == b"version 1"
    async with caches(url, 1) as (one,):
        assert await one.fetch("k", source.load, 60) == b"version 2"
        assert await one.fetch("k", source.load, 60) == b"version 3"
        with machine.redis(port):
            await asyncio.sleep(cache.PAUSE_SECONDS)
            assert await one.fetch("k", source.load, 60) == b"version 4"
            assert await one.fetch("k", source.load, 60) == b"version 4"


async def test_lifetimes_vary_so_that_values_do_not_expire_together(redis_url: str) -> None:
    now = 1000.0
    draws = iter([0.0, 1.0])
    redis = cache.connect(redis_url)
    one = Cache(redis, uuid.uuid4().hex, clock=lambda: now, vary=lambda: next(draws))
    source = Source(0)
    for key in ("a", "b"):
        await one.fetch(key, source.load, 10)
    now += 9
    draws = iter([0.5])
    await one.fetch("b", source.load, 10)
    assert source.loads == 2, "12 s: still fresh"
    await one.fetch("a", source.load, 10)
    assert source.loads == 3, "8 s: not fresh any more"
    await one.close()
