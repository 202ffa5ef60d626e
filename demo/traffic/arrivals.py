"""Customers come when they come (open loop): a slow shop does not slow down their coming.

Arrivals are a Poisson process: the gaps between them are independent, as between people who do not know each
other.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

from traffic.ledger import Ledger
from traffic.settings import Phase, Settings

LAST_ONES_SECONDS = 30.0

Journey = Callable[[random.Random], Coroutine[Any, Any, None]]


class Arrivals:
    """Starts journeys phase by phase. ``phase`` is the one that runs."""

    def __init__(self, settings: Settings, ledger: Ledger, journey: Journey) -> None:
        self._settings, self._ledger, self._journey = settings, ledger, journey
        self._dice = random.Random(settings.seed)
        self._journeys: set[asyncio.Task[None]] = set()
        self._mistakes: list[BaseException] = []
        self.phase = settings.phases[0].name

    async def run(self, stop: asyncio.Event) -> None:
        """Returns when the last customer has left; no more come once ``stop`` is set.

        Raises what a journey raises beyond failed requests: that is a mistake in this program.
        """
        for phase in self._settings.phases:
            self.phase = phase.name
            await self._run_phase(phase, stop)
        self.phase = "end"
        if self._journeys:
            _, late = await asyncio.wait(self._journeys, timeout=LAST_ONES_SECONDS)
            for journey in late:
                journey.cancel()
                self._ledger.enter("journey", LAST_ONES_SECONDS, "not over at the end")
        self._raise_mistake()

    async def _run_phase(self, phase: Phase, stop: asyncio.Event) -> None:
        began = time.monotonic()
        due = began
        while not stop.is_set():
            due += self._dice.expovariate(phase.rate) if phase.rate else phase.seconds
            wait = min(due, began + phase.seconds) - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if due >= began + phase.seconds:
                return
            self._raise_mistake()
            self._come()

    def _come(self) -> None:
        dice = random.Random(self._dice.getrandbits(64))
        if len(self._journeys) >= self._settings.customers_at_once:
            # Not started, but not hidden either: someone wanted to come in and could not.
            self._ledger.enter("journey", 0, f"turned away: {self._settings.customers_at_once} were in the shop")
            return
        journey = asyncio.create_task(self._journey(dice))
        self._journeys.add(journey)
        journey.add_done_callback(self._left)

    def _raise_mistake(self) -> None:
        if self._mistakes:
            raise self._mistakes[0]

    def _left(self, journey: asyncio.Task[None]) -> None:
        self._journeys.discard(journey)
        if not journey.cancelled() and (mistake := journey.exception()):
            self._mistakes.append(mistake)
