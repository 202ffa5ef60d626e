"""The payment database's statements. All on the primary: money is never read from a replica."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import asyncpg

from payment.models import NewPayment
from shop.database import Connection

Status = Literal["processing", "captured", "declined", "refunded"]

_COLUMNS = (
    "id, idempotency_key, request_digest, order_id, amount_cents, currency, status, provider,"
    " provider_reference, decline_reason"
)


@dataclass(frozen=True)
class Row:
    """A row of ``payments``."""

    id: UUID
    idempotency_key: str
    request_digest: bytes
    order_id: UUID
    amount_cents: int
    currency: str
    status: Status
    provider: str
    provider_reference: str | None
    decline_reason: str | None


async def begin(connection: Connection, key: str, digest: bytes, new: NewPayment, provider: str) -> tuple[Row, bool]:
    """The payment of a key, and whether it was made by this call."""
    row = await connection.fetchrow(
        "INSERT INTO payments (idempotency_key, request_digest, order_id, amount_cents, currency, provider)"
        f" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (idempotency_key) DO NOTHING RETURNING {_COLUMNS}",
        key, digest, new.order_id, new.amount_cents, new.currency, provider,
    )  # fmt: skip
    if row is not None:
        return _row(row), True
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM payments WHERE idempotency_key = $1", key)
    assert row is not None, "payments are never deleted"
    return _row(row), False


async def payment(connection: Connection, payment_id: UUID) -> Row | None:
    """One payment."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM payments WHERE id = $1", payment_id)
    return None if row is None else _row(row)


async def settle(
    connection: Connection,
    payment_id: UUID,
    before: Status,
    after: Status,
    *,
    reference: str | None = None,
    reason: str | None = None,
    announce: bool = False,
) -> Row:
    """Moves a payment from one status to the next, unless that has happened. Returns it as it then is.

    ``announce``: one that is captured goes into the outbox, in the same statement, as ``payment.captured``.
    """
    row = await connection.fetchrow(
        f"""
        WITH settled AS (
            UPDATE payments SET status = $3, provider_reference = coalesce($4, provider_reference),
                                decline_reason = $5, changed_at = now()
            WHERE id = $1 AND status = $2
            RETURNING {_COLUMNS}
        ), announced AS (
            INSERT INTO outbox (topic, data)
            SELECT 'payment.captured', jsonb_build_object('payment_id', id, 'order_id', order_id,
                                                          'amount_cents', amount_cents, 'currency', currency)
            FROM settled WHERE $6 AND status = 'captured'
        )
        SELECT {_COLUMNS} FROM settled
        """,
        payment_id, before, after, reference, reason, announce,
    )  # fmt: skip
    settled = _row(row) if row is not None else await payment(connection, payment_id)
    assert settled is not None, "payments are never deleted"
    return settled


def _row(record: asyncpg.Record) -> Row:
    values: dict[str, Any] = dict(record)
    return Row(**values)
