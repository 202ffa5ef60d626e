"""Customers' tokens: JWTs signed with Ed25519 by the user service, verified by anyone with its public key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shop.problems import Problem

ISSUER = "shop-user"
AUDIENCE = "shop"
ALGORITHM = "EdDSA"

KeyLookup = Callable[[str], Awaitable[Ed25519PublicKey | None]]  # by key id; None: there is no such key


@dataclass(frozen=True)
class Customer:
    """Who sent a request, as their token says."""

    id: UUID


def issue(key_id: str, key: Ed25519PrivateKey, customer: UUID, now: datetime, lifetime: timedelta) -> str:
    """A token for ``customer``, valid from ``now`` on."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(customer), "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, key, ALGORITHM, {"kid": key_id})


async def verify(token: str, lookup: KeyLookup) -> Customer:
    """The customer that a token names. Raises Problem 401 saying what is wrong with it."""
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        key = await lookup(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise _unauthorized("the token is signed with a key that is not known here")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            [ALGORITHM],  # never the token's own choice of algorithm
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=5,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )
        return Customer(UUID(claims["sub"]))
    except jwt.ExpiredSignatureError:
        raise _unauthorized("the token has expired: log in again") from None
    except (jwt.InvalidTokenError, ValueError) as error:
        raise _unauthorized(f"the token is not valid: {error}") from None


def authenticated(lookup: KeyLookup) -> Any:
    """The annotation of a route's parameter that is the customer: ``customer: authenticated(lookup)``."""
    bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="from POST /api/users/login")

    async def customer(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Customer:
        if credentials is None:
            raise _unauthorized("send the token of a login: `Authorization: Bearer …`")
        return await verify(credentials.credentials, lookup)

    return Depends(customer)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", "Who you are is not known", detail, headers={"www-authenticate": "Bearer"})
