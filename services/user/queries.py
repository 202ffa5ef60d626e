"""The user database's statements."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shop.database import Connection
from user.models import User

_PROFILE = "id, email, display_name, created_at"


@dataclass(frozen=True)
class Account:
    """What a login needs of a user."""

    id: UUID
    password_hash: str


async def insert_user(
    connection: Connection, email: str, display_name: str, password_hash: str, *, announce: bool
) -> User | None:
    """The new user, or None when the address has an account.

    ``announce``: goes into the outbox, in the same statement, as ``user.signed_up``.
    """
    row = await connection.fetchrow(
        f"""
        WITH signed_up AS (
            INSERT INTO users (email, display_name, password_hash) VALUES ($1, $2, $3)
            ON CONFLICT (email) DO NOTHING RETURNING {_PROFILE}
        ), announced AS (
            INSERT INTO outbox (topic, data)
            SELECT 'user.signed_up', jsonb_build_object('user_id', id, 'email', email, 'display_name', display_name)
            FROM signed_up WHERE $4
        )
        SELECT {_PROFILE} FROM signed_up
        """,
        email, display_name, password_hash, announce,
    )  # fmt: skip
    return _user(row)


async def account(connection: Connection, email: str) -> Account | None:
    """The account of an address."""
    row = await connection.fetchrow("SELECT id, password_hash FROM users WHERE email = $1", email)
    return None if row is None else Account(row["id"], row["password_hash"])


async def profile(connection: Connection, user_id: UUID) -> User | None:
    """A user's profile."""
    return _user(await connection.fetchrow(f"SELECT {_PROFILE} FROM users WHERE id = $1", user_id))


async def change_profile(connection: Connection, user_id: UUID, display_name: str | None) -> User | None:
    """The profile after the change; None leaves a field as it is."""
    row = await connection.fetchrow(
        f"UPDATE users SET display_name = coalesce($2, display_name) WHERE id = $1 RETURNING {_PROFILE}",
        user_id, display_name,
    )  # fmt: skip
    return _user(row)


async def offer_signing_key(connection: Connection, key_id: str, private_key: bytes) -> None:
    """Makes this the key that signs, unless there is one."""
    await connection.execute(
        "INSERT INTO signing_keys (id, private_key, signs) VALUES ($1, $2, true) ON CONFLICT DO NOTHING",
        key_id, private_key,
    )  # fmt: skip


async def signing_keys(connection: Connection) -> list[tuple[str, bytes]]:
    """All keys as (id, private key), the one that signs first."""
    rows = await connection.fetch("SELECT id, private_key FROM signing_keys ORDER BY signs DESC, created_at DESC")
    return [(row["id"], row["private_key"]) for row in rows]


def _user(row: "asyncpg.Record | None") -> User | None:
    values: dict[str, Any] = dict(row) if row is not None else {}
    return User.model_construct(**values) if values else None  # our own row needs no validation
