"""The payment service's routes. None is public: only services that the app declares as callers reach them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.responses import Response

from payment import queries
from payment.charging import Charging
from payment.models import IdempotencyKey, NewPayment, Payment
from shop.database import Database
from shop.problems import Problem, documented

KeyHeader = Annotated[IdempotencyKey, Header(description="The same key is one charge, however often it comes")]


def routes(database: Database, charging: Charging) -> APIRouter:
    """The routes over these."""
    router = APIRouter(tags=["payments"])
    sandbox = charging.provider.sandbox

    def shown(row: queries.Row) -> Payment:
        return Payment(
            id=row.id, order_id=row.order_id, amount_cents=row.amount_cents, currency=row.currency,
            status=row.status, provider=row.provider, sandbox=sandbox, decline_reason=row.decline_reason,
        )  # fmt: skip

    @router.post("/payments", status_code=201, responses={200: {"model": Payment}, **documented(402, 502, 503, 504)})
    async def charge(new: NewPayment, idempotency_key: KeyHeader, response: Response) -> Payment:
        """Charge a card. 200 instead of 201 when the key had been charged before; 402 when the card is
        declined.
        """
        row, first = await charging.charge(idempotency_key, new)
        if row.status == "declined":
            raise Problem(
                402, "declined", "The card was declined", row.decline_reason or "",
                payment_id=str(row.id), provider=row.provider, sandbox=sandbox,
            )  # fmt: skip
        response.status_code = 201 if first else 200
        return shown(row)

    @router.get("/payments/{payment_id}", responses=documented(404, 503))
    async def get_payment(payment_id: UUID) -> Payment:
        """A payment."""
        row = await database.primary(lambda c: queries.payment(c, payment_id), repeatable=True)
        if row is None:
            raise Problem(404, "no-such-payment", "There is no such payment", str(payment_id))
        return shown(row)

    @router.post("/payments/{payment_id}/refund", responses=documented(404, 409, 502, 503, 504))
    async def refund(payment_id: UUID) -> Payment:
        """Give all of it back; again: nothing more."""
        return shown(await charging.refund(payment_id))

    return router
