"""Cache-aside in Redis that neither a miss, nor an expiry, nor Redis itself can turn into a stampede.

- A value is fresh for its time to live, varied by some percent so that values cached together do not expire
  together.
- It is kept for as long again. Who meets a value no longer fresh and gets the key's lock loads it anew; the
  others are given the old one meanwhile.
- Of those who miss, in one process one asks (single flight), and of the processes one loads (the lock); the
  others look again every few milliseconds and load themselves only if that takes too long.
- Redis is allowed a fraction of a second. When it fails, everything is loaded as if there were no cache.
"""

import asyncio
import random
import struct
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shop.single_flight import SingleFlight

log = structlog.get_logger()

Load = Callable[[], Awaitable[bytes | None]]

JITTER = 0.2
LOCK_MILLISECONDS = 3000  # longer than any load: the statement time-out
WAIT_SECONDS = 0.5
LOOK_SECONDS = 0.02
TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 1.0  # after a failure Redis is not asked for so long

_FRESH_UNTIL = struct.Struct(">d")
# Only the holder may unlock: the lock may have expired and be another's by now.
_UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


def connect(url: str) -> "Redis":
    """A client for :class:`Cache`; connects when first used."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=8,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)  # closes the pool with it


class Cache:
    """``redis`` None: no cache, every value is loaded (still once for those who ask at the same time)."""

    def __init__(
        self,
        redis: "Redis | None",
        prefix: str,
        *,
        clock: Callable[[], float] = time.time,
        vary: Callable[[], float] = random.random,
    ) -> None:
        self._redis, self._prefix, self._clock, self._vary = redis, prefix, clock, vary
        self._flights: SingleFlight[bytes | None] = SingleFlight()
        self._paused_until = float("-inf")

    async def open(self) -> None:
        """Nothing to open: connections are made when needed."""

    async def close(self) -> None:
        """Closes the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    async def fetch(self, key: str, load: Load, ttl: float) -> bytes | None:
        """The value of ``key``, from the cache or from ``load``. None is what ``load`` found missing; it is
        not kept.

        A value may be up to twice ``ttl`` seconds old.
        """
        name = f"{self._prefix}:{key}"
        entry = await self._get(name)
        if entry is not None:
            fresh_until, value = entry
            if self._clock() < fresh_until or not (token := await self._lock(name)):
                return value
            return await self._load(name, load, ttl, token)
        return await self._flights.run(name, lambda: self._miss(name, load, ttl))

    async def forget(self, key: str) -> None:
        """Removes a value, after a change of what it was made from has been committed."""
        await self._ask("delete", f"{self._prefix}:{key}")

    async def _miss(self, name: str, load: Load, ttl: float) -> bytes | None:
        give_up = time.monotonic() + WAIT_SECONDS
        while not (token := await self._lock(name)) and not self._paused() and time.monotonic() < give_up:
            await asyncio.sleep(LOOK_SECONDS)
            if (entry := await self._get(name)) is not None:
                return entry[1]
        return await self._load(name, load, ttl, token)

    async def _load(self, name: str, load: Load, ttl: float, token: str | None) -> bytes | None:
        try:
            value = await load()
            if value is not None:
                seconds = ttl * (1 + JITTER * (2 * self._vary() - 1))
                entry = _FRESH_UNTIL.pack(self._clock() + seconds) + value
                await self._ask("set", name, entry, px=int(seconds * 2000))
            return value
        finally:
            if token:
                await self._ask("eval", _UNLOCK, 1, f"{name}:lock", token)

    async def _get(self, name: str) -> tuple[float, bytes] | None:
        raw = cast(bytes | None, await self._ask("get", name))
        return None if raw is None else (_FRESH_UNTIL.unpack_from(raw)[0], raw[_FRESH_UNTIL.size :])

    async def _lock(self, name: str) -> str | None:
        """A token for unlocking, or None when another holds the lock or Redis does not answer."""
        token = uuid.uuid4().hex
        return token if await self._ask("set", f"{name}:lock", token, nx=True, px=LOCK_MILLISECONDS) else None

    def _paused(self) -> bool:
        return self._redis is None or time.monotonic() < self._paused_until

    async def _ask(self, command: str, *arguments: Any, **options: Any) -> object:
        if self._redis is None or self._paused():
            return None
        try:
            return cast(object, await getattr(self._redis, command)(*arguments, **options))
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning("cache paused", reason=type(error).__name__, seconds=PAUSE_SECONDS)
            return None
