"""An order from request to paid, once for each idempotency key of a customer.

1. The order is stored as ``pending``, with the prices of this moment, under the customer's key.
2. The payment is charged under a key of its own that is made from the order's id: one order, one charge.
3. The order is stored as ``paid``. Only then is it acknowledged.

A request that fails after step 1 leaves a pending order. Repeated with the same key it goes on from there,
with the prices of then: the payment service knows whether it has been charged. Requests with one key at the
same time may all do steps 2 and 3, and find the same payment. No lock and no connection is held while another
service is asked.
"""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog

from order import queries
from order.models import Item, NewItem, NewOrder, Order
from shop.database import Database
from shop.http_client import CalleeError, CalleeTimeout, Reply, ServiceClient
from shop.problems import Problem, retry_later

log = structlog.get_logger()


class Ordering:
    """Places orders with the product and payment services. ``announce``: on the bus, too."""

    def __init__(self, database: Database, product: ServiceClient, payment: ServiceClient, *, announce: bool) -> None:
        self._database, self._product, self._payment = database, product, payment
        self._announce = announce

    async def place(self, customer_id: UUID, key: str, new: NewOrder) -> Order:
        """The paid order of this key.

        Raises Problem: 402 declined; 422 when the key was used for another order, or a product does not
        exist; 502 and 503 when another service fails, after which the same request resolves what became of
        it.
        """
        digest = _digest(new)
        stored = await self._stored(customer_id, key)
        if stored is None:
            items, currency = await self._priced(new.items)
            order_id = uuid4()
            await self._database.primary(
                lambda c: queries.insert(c, order_id, customer_id, key, digest, currency, items),
                repeatable=True,
            )
            stored = await self._stored(customer_id, key)  # ours, or that of a request which was faster
            assert stored is not None, "orders are never deleted"
        if stored.request_digest != digest:
            raise Problem(422, "key-reused", "This Idempotency-Key was used for another order", key)
        order = stored.order
        if order.status == "pending":
            order = await self._pay(order, new.card_token.get_secret_value())
        if order.status == "declined":
            raise _declined(order, "the card was declined; try another card with a new Idempotency-Key")
        return order

    async def _stored(self, customer_id: UUID, key: str) -> queries.Stored | None:
        # The primary: a replica that lags would make a second order of a repeated request.
        return await self._database.primary(lambda c: queries.by_key(c, customer_id, key), repeatable=True)

    async def _priced(self, wanted: list[NewItem]) -> tuple[list[Item], str]:
        """The items with names and prices, and their currency."""
        ids = sorted({item.product_id for item in wanted})
        try:
            reply = await self._product.call("GET", f"/internal/prices?ids={','.join(map(str, ids))}", repeatable=True)
        except CalleeError as error:
            log.warning("not priced", reason=str(error))
            raise retry_later("products-unavailable", "Prices cannot be had now", "nothing was ordered") from error
        if reply.status != 200:
            raise _unexpected(reply, self._product.callee)
        prices: dict[int, dict[str, Any]] = {price["id"]: price for price in reply.document["prices"]}
        if unknown := [i for i in ids if i not in prices]:
            raise Problem(422, "no-such-product", "There is no such product", f"ids {unknown}", product_ids=unknown)
        currencies = {price["currency"] for price in prices.values()}
        if len(currencies) > 1:
            raise Problem(422, "mixed-currencies", "An order has one currency", ", ".join(sorted(currencies)))
        items = [
            Item(
                product_id=item.product_id, name=prices[item.product_id]["name"],
                unit_price_cents=prices[item.product_id]["price_cents"], quantity=item.quantity,
            )
            for item in wanted
        ]  # fmt: skip
        return items, currencies.pop()

    async def _pay(self, order: Order, card_token: str) -> Order:
        """The order after its payment: paid or declined."""
        document = {
            "order_id": str(order.id),
            "amount_cents": order.total_cents,
            "currency": order.currency,
            "card_token": card_token,
        }
        advice = f"order {order.id} is pending: repeat the request with the same Idempotency-Key"
        try:
            reply = await self._payment.call(
                "POST",
                "/payments",
                document,
                headers={"idempotency-key": f"order-{order.id}"},
                repeatable=True,
            )
        except CalleeTimeout as error:
            log.warning("payment open", order=str(order.id), reason=str(error))
            raise retry_later("payment-timeout", "The payment was not confirmed in time", advice, 2) from error
        except CalleeError as error:
            log.warning("payment open", order=str(order.id), reason=str(error))
            raise Problem(
                502, "payment-failed", "The payment service failed", advice, order_id=str(order.id)
            ) from error
        match reply.status:
            case 200 | 201:
                return await self._settle(order, "paid", UUID(reply.document["id"]))
            case 402:
                return await self._settle(order, "declined", None)
            case _:
                raise _unexpected(reply, self._payment.callee)

    async def _settle(self, order: Order, status: queries.Status, payment_id: UUID | None) -> Order:
        await self._database.primary(
            lambda c: queries.settle(c, order.id, status, payment_id, announce=self._announce), repeatable=True
        )
        log.info("order", order=str(order.id), status=status, cents=order.total_cents)
        return order.model_copy(update={"status": status, "payment_id": payment_id})


def _digest(new: NewOrder) -> bytes:
    """Of what was asked for. The card is in it only as part of the digest: it is stored nowhere."""
    asked = [[[item.product_id, item.quantity] for item in new.items], new.card_token.get_secret_value()]
    return hashlib.sha256(orjson.dumps(asked)).digest()


def _declined(order: Order, detail: str) -> Problem:
    return Problem(402, "payment-declined", "The payment was declined", detail, order_id=str(order.id))


def _unexpected(reply: Reply, callee: str) -> Problem:
    """502: the other service did not take a request that should be right."""
    log.error("unexpected answer", callee=callee, status=reply.status, document=reply.document)
    return Problem(502, "unexpected-answer", f"The {callee} service answered {reply.status}")
