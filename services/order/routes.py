"""The order service's routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header

from order import queries
from order.models import IdempotencyKey, NewOrder, Order, OrderPage
from order.ordering import Ordering
from shop import pages, tokens
from shop.database import Database
from shop.problems import Problem, documented
from shop.tokens import Customer, KeyLookup

KeyHeader = Annotated[IdempotencyKey, Header(description="The same key is one order, however often it comes")]


def routes(database: Database, ordering: Ordering, keys: KeyLookup) -> APIRouter:
    """The routes over these."""
    router = APIRouter(prefix="/api/orders", tags=["orders"])
    current_customer = tokens.authenticated(keys)

    @router.post("", status_code=201, responses=documented(401, 402, 502, 503))
    async def place_order(new: NewOrder, idempotency_key: KeyHeader, customer: Customer = current_customer) -> Order:
        """Place and pay an order. It is answered 201 only when it is paid and stored."""
        return await ordering.place(customer.id, idempotency_key, new)

    @router.get("", responses=documented(401, 503))
    async def my_orders(
        limit: pages.Limit = 20, cursor: pages.Cursor = None, customer: Customer = current_customer
    ) -> OrderPage:
        """Your own orders, newest first."""
        before = _position(cursor) if cursor else None
        # The primary: who has just ordered looks here for their order.
        found = await database.primary(lambda c: queries.orders(c, customer.id, before, limit + 1), repeatable=True)
        last = found[limit - 1] if len(found) > limit else None
        return OrderPage.model_construct(
            orders=found[:limit],
            next=pages.encode([last.created_at.isoformat(), str(last.id)]) if last else None,
        )

    @router.get("/{order_id}", responses=documented(401, 404, 503))
    async def my_order(order_id: UUID, customer: Customer = current_customer) -> Order:
        """One of your own orders."""
        # A replica's word is enough once an order is paid: that is final. Anything else may be news not
        # arrived there.
        order = await database.stale(lambda c: queries.order(c, customer.id, order_id))
        if order is None or order.status != "paid":
            order = await database.primary(lambda c: queries.order(c, customer.id, order_id), repeatable=True)
        if order is None:
            raise Problem(404, "no-such-order", "You have no such order", str(order_id))
        return order

    return router


def _position(cursor: str) -> tuple[datetime, UUID]:
    created_at, order_id = pages.decode(cursor, 2)
    try:
        position = datetime.fromisoformat(created_at), UUID(order_id)
    except (TypeError, ValueError, AttributeError):
        raise pages.invalid() from None
    if position[0].tzinfo is None:
        raise pages.invalid()
    return position
