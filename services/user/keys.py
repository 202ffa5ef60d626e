"""The keys that sign tokens: made by whichever replica needs one first, and the same for all."""

import secrets
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shop.database import Connection, Database
from shop.single_flight import SingleFlight
from user import queries

REREAD_SECONDS = 30.0  # after this a key added by another replica or by hand is used here as well

SigningKey = tuple[str, Ed25519PrivateKey]  # key id, key


class SigningKeys:
    """The keys in the database, remembered for a while."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        self._keys: list[SigningKey] = []
        self._read_at = float("-inf")
        self._flights: SingleFlight[None] = SingleFlight()

    async def signing(self) -> SigningKey:
        """The key that signs."""
        return (await self._current())[0]

    async def public(self) -> dict[str, Ed25519PublicKey]:
        """All keys that verify, by key id."""
        return {key_id: key.public_key() for key_id, key in await self._current()}

    async def lookup(self, key_id: str) -> Ed25519PublicKey | None:
        """The key that verifies what ``key_id`` signed, or None."""
        return (await self.public()).get(key_id)

    async def _current(self) -> list[SigningKey]:
        if self._clock() - self._read_at > REREAD_SECONDS:
            await self._flights.run("read", self._read)
        return self._keys

    async def _read(self) -> None:
        async def read(connection: Connection) -> list[tuple[str, bytes]]:
            if not (rows := await queries.signing_keys(connection)):
                fresh = Ed25519PrivateKey.generate().private_bytes_raw()
                await queries.offer_signing_key(connection, secrets.token_urlsafe(9), fresh)
                rows = await queries.signing_keys(connection)  # ours, or that of a replica which was faster
            return rows

        # The primary: a replica that lags might lack the key, and a second one would be made.
        rows = await self._database.primary(read, repeatable=True)
        self._keys = [(key_id, Ed25519PrivateKey.from_private_bytes(raw)) for key_id, raw in rows]
        self._read_at = self._clock()
