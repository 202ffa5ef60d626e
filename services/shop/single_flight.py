"""Work that several ask for at the same time, done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Callers with the same key, while the first one's work runs, share its result or its exception."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, started here unless it is already under way for ``key``."""
        flight = self._flights.get(key)
        if flight is None:

            async def fly() -> T:
                try:
                    return await work()
                finally:
                    del self._flights[key]

            flight = self._flights[key] = asyncio.create_task(fly())
        # Shielded: the one who asked first may go away, and the others still want the result.
        return await asyncio.shield(flight)
