"""The work queue, with the semantics of controller-runtime's.

A key that is waiting is not added twice. A key is never handed out twice at once: added while it is being
worked on, it is handed out once more after `done`. Retries back off exponentially per key, until `forget`. So
any number of events about an app costs at most one reconcile now and one after it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_RETRY_SECONDS = 0.005
LONGEST_RETRY_SECONDS = 60.0


class Timer(Protocol):
    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]
"""`loop.call_later`, in tests something that a test can wind."""


class ShutDown(Exception):  # noqa: N818 - an end, not an error
    """The queue hands out nothing any more."""


def _call_later(seconds: float, callback: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, callback)


class Queue(Generic[K]):
    """For one event loop; only `get` waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, call_later: CallLater = _call_later) -> None:
        self._clock = clock
        self._call_later = call_later
        self._waiting: OrderedDict[K, float] = OrderedDict()  # since when
        self._processing: dict[K, float] = {}  # since when
        self._again: dict[K, float] = {}  # added while processing, since when
        self._timers: dict[K, tuple[float, Timer]] = {}  # due when
        self._failures: dict[K, int] = {}
        self._getters: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._down = False
        self.added = 0
        self.retried = 0

    def add(self, key: K) -> None:
        """Hand the key out as soon as a worker is free."""
        if self._down:
            return
        if key in self._processing:
            if key not in self._again:
                self._again[key] = self._clock()
                self.added += 1
        elif key not in self._waiting:
            self._waiting[key] = self._clock()
            self.added += 1
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Add the key later. Of several the earliest holds: each will find whatever there is to do by
        then.
        """
        if self._down:
            return
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock() + seconds
        if key in self._timers:
            if self._timers[key][0] <= due:
                return
            self._timers[key][1].cancel()
        self._timers[key] = (due, self._call_later(seconds, lambda: self._due(key)))

    def add_rate_limited(self, key: K) -> None:
        """Add the key after a pause that doubles each time, from 5 ms to a minute."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.retried += 1
        self.add_after(key, min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures, 30)))

    def forget(self, key: K) -> None:
        """The key succeeded: its next failure starts with the shortest pause."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """Failures in a row."""
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """The key that has waited longest; to be followed by `done`. Raises ShutDown at the queue's end."""
        while not self._waiting and not self._down:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters[getter] = None
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake()  # this getter had been chosen: pass it on, or the key would go on waiting
                raise
            finally:
                self._getters.pop(getter, None)
        if self._down:
            raise ShutDown
        key, _ = self._waiting.popitem(last=False)
        self._processing[key] = self._clock()
        return key

    def done(self, key: K) -> None:
        """The key's work is over, well or not."""
        del self._processing[key]
        since = self._again.pop(key, None)
        if since is not None and not self._down:
            self._waiting[key] = since
            self._wake()

    def shut_down(self) -> None:
        """Hand out nothing any more and wake who waits; what is being worked on may finish."""
        self._down = True
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        self._again.clear()
        for getter in self._getters:
            if not getter.done():
                getter.set_result(None)

    def depth(self) -> int:
        return len(self._waiting)

    def oldest_waiting_seconds(self) -> float:
        return self._age(self._waiting)

    def oldest_processing_seconds(self) -> float:
        return self._age(self._processing)

    def _age(self, since: dict[K, float]) -> float:
        return self._clock() - min(since.values()) if since else 0.0

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _wake(self) -> None:
        for getter in self._getters:
            if not getter.done():
                getter.set_result(None)
                return
