"""Orders over the real services: one order and one charge for a key, whatever happens on the way."""

import asyncio
import uuid
from collections.abc import Awaitable

import pytest

from tests.services.shop_processes import Answer, Shop

ITEMS = [{"product_id": 7, "quantity": 2}, {"product_id": 3, "quantity": 1}]


@pytest.fixture
async def token(shop: Shop) -> str:
    return await shop.customer(f"{uuid.uuid4()}@example.com")


def place(shop: Shop, token: str, key: str, card: str = "tok_ok") -> Awaitable[Answer]:
    return shop.call("order", "POST", "/api/orders", {"items": ITEMS, "card_token": card}, token=token, key=key)


async def charges(shop: Shop, order_id: str) -> int:
    """How often the provider has charged for an order."""
    count: int = await shop.query(
        "payment", "SELECT count(*) FROM sandbox_charges WHERE key = $1 AND approved", f"order-{order_id}"
    )
    return count


async def orders_of(shop: Shop, token: str) -> list[dict[str, object]]:
    answer = await shop.call("order", "GET", "/api/orders?limit=100", token=token)
    found: list[dict[str, object]] = answer.document["orders"]
    return found


async def test_an_order_is_paid_and_stored_with_the_prices_of_the_catalogue(shop: Shop, token: str) -> None:
    answer = await place(shop, token, "k")
    assert answer.status == 201
    order = answer.document
    prices = {i: (await shop.call("product", "GET", f"/api/products/{i}")).document["price_cents"] for i in (7, 3)}
    assert order["total_cents"] == 2 * prices[7] + prices[3]
    assert order["status"] == "paid"
    assert [(i["product_id"], i["quantity"]) for i in order["items"]] == [(7, 2), (3, 1)]
    stored = await shop.query("order", "SELECT status FROM orders WHERE id = $1", uuid.UUID(order["id"]))
    assert stored == "paid"
    assert (await shop.call("order", "GET", f"/api/orders/{order['id']}", token=token)).document == order


async def test_the_same_key_at_the_same_time_is_one_order_and_one_charge(shop: Shop, token: str) -> None:
    answers = await asyncio.gather(*(place(shop, token, "same") for _ in range(12)))
    assert {a.status for a in answers} == {201}
    ids = {a.document["id"] for a in answers}
    assert len(ids) == 1
    assert len(await orders_of(shop, token)) == 1
    assert await charges(shop, ids.pop()) == 1


async def test_the_same_key_with_another_order_is_refused(shop: Shop, token: str) -> None:
    assert (await place(shop, token, "k")).status == 201
    other = {"items": ITEMS[:1], "card_token": "tok_ok"}
    answer = await shop.call("order", "POST", "/api/orders", other, token=token, key="k")
    assert (answer.status, answer.document["type"]) == (422, "urn:shop:problem:key-reused")
    assert len(await orders_of(shop, token)) == 1


async def test_two_customers_may_have_the_same_key(shop: Shop, token: str) -> None:
    other = await shop.customer(f"{uuid.uuid4()}@example.com")
    one, two = await place(shop, token, "k"), await place(shop, other, "k")
    assert (one.status, two.status) == (201, 201)
    assert one.document["id"] != two.document["id"]
    theirs = await shop.call("order", "GET", f"/api/orders/{two.document['id']}", token=token)
    assert theirs.status == 404


async def test_a_payment_not_confirmed_in_time_is_resolved_by_repeating_without_a_second_charge(
    shop: Shop, token: str
) -> None:
    first = await place(shop, token, "k", "tok_slow")
    assert (first.status, first.document["type"]) == (503, "urn:shop:problem:payment-timeout")
    assert first.headers["retry-after"] == "2"
    [pending] = await orders_of(shop, token)
    assert pending["status"] == "pending"
    again = await place(shop, token, "k", "tok_slow")
    assert again.status == 201
    assert again.document["id"] == pending["id"]
    assert await charges(shop, str(pending["id"])) == 1
    await asyncio.sleep(2.5)  # the first charge's answer comes in now: it must not undo or double anything
    assert [order["status"] for order in await orders_of(shop, token)] == ["paid"]
    assert await charges(shop, str(pending["id"])) == 1


async def test_a_declined_card_ends_the_order_for_good(shop: Shop, token: str) -> None:
    for _ in range(2):
        answer = await place(shop, token, "k", "tok_declined")
        assert (answer.status, answer.document["type"]) == (402, "urn:shop:problem:payment-declined")
    [order] = await orders_of(shop, token)
    assert order["status"] == "declined"
    assert (await place(shop, token, "another-key")).status == 201


async def test_payment_away_leaves_a_pending_order_that_the_same_key_pays(shop: Shop, token: str) -> None:
    assert shop.end("payment") == 0
    try:
        answer = await place(shop, token, "k")
        assert (answer.status, answer.document["type"]) == (502, "urn:shop:problem:payment-failed")
    finally:
        shop.start("payment", SANDBOX_SLOW_SECONDS="4")
    answer = await place(shop, token, "k")
    assert answer.status == 201
    assert await charges(shop, answer.document["id"]) == 1


async def test_product_away_stores_nothing(shop: Shop, token: str) -> None:
    assert shop.end("product") == 0
    try:
        answer = await place(shop, token, "k")
        assert (answer.status, answer.document["type"]) == (503, "urn:shop:problem:products-unavailable")
        assert await orders_of(shop, token) == []
    finally:
        shop.start("product")


async def test_user_away_does_not_stop_those_who_have_logged_in(shop: Shop, token: str) -> None:
    assert (await place(shop, token, "k1")).status == 201  # the keys are known from here on
    assert shop.end("user") == 0
    try:
        assert (await place(shop, token, "k2")).status == 201
    finally:
        shop.start("user")


async def test_a_product_that_does_not_exist_is_named(shop: Shop, token: str) -> None:
    new = {"items": [{"product_id": 999_999, "quantity": 1}], "card_token": "tok_ok"}
    answer = await shop.call("order", "POST", "/api/orders", new, token=token, key="k")
    assert (answer.status, answer.document["product_ids"]) == (422, [999_999])


async def test_without_token_or_key_nothing_is_ordered(shop: Shop, token: str) -> None:
    new = {"items": ITEMS, "card_token": "tok_ok"}
    no_token = await shop.call("order", "POST", "/api/orders", new, key="k")
    assert (no_token.status, no_token.headers["www-authenticate"]) == (401, "Bearer")
    no_key = await shop.call("order", "POST", "/api/orders", new, token=token)
    assert no_key.status == 422
    assert "idempotency-key" in no_key.document["detail"]


async def test_pages_are_complete_and_stable_while_orders_come_in(shop: Shop, token: str) -> None:
    placed = [(await place(shop, token, f"k{n}")).document["id"] for n in range(7)]
    seen: list[str] = []
    path = "/api/orders?limit=3"
    while True:
        page = (await shop.call("order", "GET", path, token=token)).document
        seen += [order["id"] for order in page["orders"]]
        if page["next"] is None:
            break
        assert (await place(shop, token, f"more{len(seen)}")).status == 201
        path = f"/api/orders?limit=3&cursor={page['next']}"
    assert seen == placed[::-1]


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMl0", "WyIyMDI1LTAxLTAxIiwieCJd", "💣"])
async def test_a_made_up_cursor_is_refused(shop: Shop, token: str, cursor: str) -> None:
    answer = await shop.call("order", "GET", f"/api/orders?cursor={cursor}", token=token)
    assert (answer.status, answer.document["type"]) == (422, "urn:shop:problem:invalid-cursor")


async def test_a_refund_is_given_once_and_only_of_what_was_captured(shop: Shop, token: str) -> None:
    payment_id = (await place(shop, token, "k")).document["payment_id"]
    for _ in range(2):
        answer = await shop.call("payment", "POST", f"/payments/{payment_id}/refund")
        assert (answer.status, answer.document["status"], answer.document["sandbox"]) == (
            200,
            "refunded",
            True,
        )
    refunds = await shop.query(
        "payment",
        "SELECT count(*) FROM sandbox_refunds JOIN payments ON provider_reference = reference WHERE id = $1",
        uuid.UUID(payment_id),
    )
    assert refunds == 1
    assert (await shop.call("payment", "POST", f"/payments/{uuid.uuid4()}/refund")).status == 404
