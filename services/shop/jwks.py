"""The user service's public keys (RFC 7517), as another service keeps them."""

import base64
import time
from collections.abc import Callable
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shop.http_client import CalleeError, ServiceClient
from shop.problems import retry_later
from shop.single_flight import SingleFlight

log = structlog.get_logger()

PATH = "/.well-known/jwks.json"
MAX_AGE_SECONDS = 300.0  # after this a withdrawn key is no longer honoured
# Tokens with made-up key ids must not become calls to the user service.
MIN_AGE_SECONDS = 5.0


def document(keys: dict[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The JWKS document of these keys, by key id."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id, "x": _encode(key)}
            for key_id, key in keys.items()
        ]
    }


def parse(jwks: dict[str, Any]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS document. Raises ValueError or KeyError when it is malformed."""
    return {
        entry["kid"]: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(entry["x"] + "=="))
        for entry in jwks["keys"]
        if entry.get("crv") == "Ed25519"
    }


class RemoteKeys:
    """Keys, fetched when first needed, when a token names one that is not there, and when they are old."""

    def __init__(self, user: ServiceClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._user, self._clock = user, clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = float("-inf")
        self._flights: SingleFlight[None] = SingleFlight()

    async def lookup(self, key_id: str) -> Ed25519PublicKey | None:
        """The key, or None. Raises Problem 503 when no key has ever been fetched and none can be now."""
        age = self._clock() - self._fetched_at
        if age > MAX_AGE_SECONDS or (key_id not in self._keys and age > MIN_AGE_SECONDS):
            await self._flights.run("fetch", self._fetch)
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        try:
            reply = await self._user.call("GET", PATH, repeatable=True)
            self._keys = parse(reply.document)
        except (CalleeError, KeyError, TypeError, ValueError) as error:
            if not self._keys:
                raise retry_later("keys-unavailable", "Tokens cannot be verified now", str(error)) from error
            # The user service being away must not stop those who have logged in.
            log.warning("keys not refreshed", reason=str(error))
        self._fetched_at = self._clock()


def _encode(key: Ed25519PublicKey) -> str:
    return base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode()
