"""Name resolution that all customers share: each has connections of their own, but not a question for the
name.
"""

import socket
import time

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

REMEMBER_SECONDS = 10.0


class SharedResolver(AbstractResolver):
    """The system's resolver, asked every ten seconds."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()
        self._known: dict[tuple[str, int], tuple[float, list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``."""
        until, addresses = self._known.get((host, port), (0.0, []))
        if time.monotonic() >= until:
            addresses = await self._resolver.resolve(host, port, family)
            self._known[host, port] = time.monotonic() + REMEMBER_SECONDS, addresses
        return addresses

    async def close(self) -> None:
        """Nothing to close."""
