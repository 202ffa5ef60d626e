"""The order database's statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from order.models import Item, Order
from shop.database import Connection

Status = Literal["paid", "declined"]

_COLUMNS = """
    o.id, o.status, o.total_cents, o.currency, o.payment_id, o.created_at, o.request_digest,
    (SELECT json_agg(json_build_object('product_id', i.product_id, 'name', i.name,
                                       'unit_price_cents', i.unit_price_cents, 'quantity', i.quantity)
                     ORDER BY i.position)
     FROM order_items i WHERE i.order_id = o.id) AS items
"""


@dataclass(frozen=True)
class Stored:
    """An order as stored: with the digest of the request that made it."""

    order: Order
    request_digest: bytes


async def by_key(connection: Connection, customer_id: UUID, key: str) -> Stored | None:
    """The order of a customer's idempotency key."""
    return _stored(
        await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM orders o WHERE customer_id = $1 AND idempotency_key = $2",
            customer_id,
            key,
        )
    )


async def insert(
    connection: Connection,
    order_id: UUID,
    customer_id: UUID,
    key: str,
    digest: bytes,
    currency: str,
    items: Sequence[Item],
) -> None:
    """A new pending order and its items, in one statement; nothing when the customer's key has one."""
    await connection.execute(
        """
        WITH placed AS (
            INSERT INTO orders (id, customer_id, idempotency_key, request_digest, total_cents, currency)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (customer_id, idempotency_key) DO NOTHING
            RETURNING id
        )
        INSERT INTO order_items (order_id, position, product_id, name, unit_price_cents, quantity)
        SELECT placed.id, item.position, item.product_id, item.name, item.unit_price_cents, item.quantity
        FROM placed, unnest($7::bigint[], $8::text[], $9::bigint[], $10::int[]) WITH ORDINALITY
             AS item (product_id, name, unit_price_cents, quantity, position)
        """,
        order_id, customer_id, key, digest, sum(i.unit_price_cents * i.quantity for i in items), currency,
        [i.product_id for i in items], [i.name for i in items],
        [i.unit_price_cents for i in items], [i.quantity for i in items],
    )  # fmt: skip


async def settle(
    connection: Connection, order_id: UUID, status: Status, payment_id: UUID | None, *, announce: bool
) -> None:
    """Ends ``pending``, unless another has: what a payment became does not change.

    ``announce``: an order that is paid goes into the outbox, in the same statement, as ``order.placed``.
    """
    await connection.execute(
        """
        WITH settled AS (
            UPDATE orders SET status = $2, payment_id = $3, changed_at = now()
            WHERE id = $1 AND status = 'pending'
            RETURNING id, customer_id, total_cents, currency, status
        )
        INSERT INTO outbox (topic, data)
        SELECT 'order.placed', jsonb_build_object('order_id', id, 'customer_id', customer_id,
                                                  'total_cents', total_cents, 'currency', currency)
        FROM settled WHERE $4 AND status = 'paid'
        """,
        order_id, status, payment_id, announce,
    )  # fmt: skip


async def order(connection: Connection, customer_id: UUID, order_id: UUID) -> Order | None:
    """A customer's own order."""
    stored = _stored(
        await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM orders o WHERE id = $1 AND customer_id = $2", order_id, customer_id
        )
    )
    return None if stored is None else stored.order


async def orders(
    connection: Connection, customer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[Order]:
    """A customer's orders, newest first, those older than the position ``before``."""
    position, values = ("AND (created_at, id) < ($3, $4)", before) if before else ("", ())
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM orders o WHERE customer_id = $1 {position}"
        " ORDER BY created_at DESC, id DESC LIMIT $2",
        customer_id, limit, *values,
    )  # fmt: skip
    return [stored.order for row in rows if (stored := _stored(row))]


def _stored(row: "asyncpg.Record | None") -> Stored | None:
    if row is None:
        return None
    values: dict[str, Any] = dict(row)
    digest: bytes = values.pop("request_digest")
    items = [Item.model_construct(**item) for item in orjson.loads(values.pop("items"))]
    return Stored(Order.model_construct(**values, items=items), digest)  # our own row needs no validation
