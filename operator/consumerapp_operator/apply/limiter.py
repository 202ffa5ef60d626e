"""How fast the operator may write: a token bucket, so that a fault in it cannot flood the API server."""

from __future__ import annotations

import asyncio
import time


class Limiter:
    """`rate` writes per second on average, `burst` at once. kopf has no such limit, so it is ours."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at: float | None = None

    def reserve(self, now: float) -> float:
        """Take a token; seconds to wait before it may be used. `now` is a monotonic time in seconds."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self._rate)

    async def wait(self) -> None:
        delay = self.reserve(time.monotonic())
        if delay > 0:
            await asyncio.sleep(delay)
