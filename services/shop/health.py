"""Whether this pod should get requests."""

import time
from collections.abc import Awaitable, Callable

from shop.bus import BusUnavailable
from shop.database import DatabaseUnavailable
from shop.single_flight import SingleFlight

PROBE_SECONDS = 0.8
REMEMBER_SECONDS = 1.0  # several proxies and the kubelet ask; the database is asked once a second at most


class Readiness:
    """Ready from the moment the primary first answered, until it has not answered for ``grace`` seconds.

    Why not at once: all pods of a service share one database. In a failover of a few seconds all of them
    would turn unready together, and take 503 "no healthy upstream" to every client, those included whose
    request needs no primary (cached pages, replica reads) or could wait for the new one, as requests here do.
    A pod that never reached the database stays unready, so a rollout with a wrong password stops; and one cut
    off for longer than any failover lasts turns unready, which is how a lost node's network shows.
    """

    def __init__(
        self,
        probe: Callable[[float], Awaitable[None]],
        grace: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe, self._grace, self._clock = probe, grace, clock
        self._answered_at = self._asked_at = float("-inf")
        self._reason = "what it depends on has not answered yet"
        self._flights: SingleFlight[None] = SingleFlight()

    async def reason_unready(self) -> str | None:
        """None when ready, else why not."""
        if self._clock() - self._asked_at >= REMEMBER_SECONDS:
            await self._flights.run("probe", self._ask)
        if self._clock() - self._answered_at < self._grace:
            return None
        return self._reason

    async def _ask(self) -> None:
        try:
            await self._probe(PROBE_SECONDS)
            self._answered_at = self._clock()
        except (DatabaseUnavailable, BusUnavailable) as error:
            self._reason = str(error)
        self._asked_at = self._clock()
