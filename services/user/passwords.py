"""Password hashes: argon2id, computed on threads so that the event loop goes on answering."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from shop import deadline
from shop.problems import retry_later

# OWASP's first choice for argon2id: 19 MiB, two passes. 15 to 20 ms of a core each.
MEMORY_KIB = 19 * 1024
PASSES = 2
WAIT_SECONDS = 10.0

T = TypeVar("T")


class Passwords:
    """At most ``at_once`` hashes at a time: they bound the memory (19 MiB each), and a core computes no more
    anyway.
    """

    def __init__(self, at_once: int = 2, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._free = asyncio.Semaphore(at_once)
        # For those who have no account, so that the time of an answer does not tell who has one.
        self._nobody = self._hasher.hash("nobody")

    async def open(self) -> None:
        """Nothing to open; the threads start when needed."""

    async def close(self) -> None:
        """Ends the threads after their work."""
        self._threads.shutdown()

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Problem 503 when no thread is free before the request's deadline."""
        return await self._on_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the hash's; False, after as much work, when there is no hash."""
        matches = await self._on_thread(self._matches, password_hash or self._nobody, password)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _on_thread(self, work: Callable[..., T], *arguments: str) -> T:
        try:
            async with asyncio.timeout(deadline.remaining(WAIT_SECONDS)):
                await self._free.acquire()
        except TimeoutError:
            raise retry_later("busy", "Too many are logging in", "no turn came in time") from None
        # Freed when the thread is done, not when the request is: a client that leaves does not stop its hash.
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        future.add_done_callback(lambda _: self._free.release())
        return await future
