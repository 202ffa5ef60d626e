"""A process's life: readiness, metrics, and SIGTERM."""

import asyncio
import uuid

import pytest

from tests.services import machine
from tests.services.shop_processes import SERVICES, Shop


@pytest.mark.parametrize("service", SERVICES)
async def test_sigterm_finishes_requests_in_flight_and_exits_0(shop: Shop, service: str) -> None:
    """The request that is in flight hangs in a lock on the service's table until after the signal."""
    import asyncpg

    tables = {"user": "users", "product": "products", "payment": "payments", "order": "orders"}
    token = await shop.customer(f"{uuid.uuid4()}@example.com")
    requests = {
        "user": ("GET", "/api/users/me"), "product": ("GET", "/internal/prices?ids=1"),
        "payment": ("GET", f"/payments/{uuid.uuid4()}"), "order": ("GET", "/api/orders"),
    }  # fmt: skip
    name = f"{service}-ending"
    shop.start(service, name)
    assert (await shop.call(name, *requests[service], token=token)).status in (200, 404)
    locker = await asyncpg.connect(shop.database_url(service))
    lock = locker.transaction()
    await lock.start()
    await locker.execute(f"LOCK TABLE {tables[service]} IN ACCESS EXCLUSIVE MODE")
    in_flight = asyncio.create_task(shop.call(name, *requests[service], token=token))
    await asyncio.sleep(0.3)
    assert not in_flight.done()
    ending = asyncio.create_task(asyncio.to_thread(shop.end, name))
    await asyncio.sleep(0.5)
    assert not ending.done(), "it waits for the request"
    await lock.rollback()
    await locker.close()
    assert (await in_flight).status in (200, 404)
    assert await ending == 0


async def test_a_process_whose_database_is_away_lives_but_is_not_ready(shop: Shop) -> None:
    nobody = f"postgresql://app:verysecret@127.0.0.1:{machine.free_port()}/app"
    shop.start("payment", "payment-lost", DATABASE_URL=nobody)
    try:
        assert (await shop.call("payment-lost", "GET", "/livez")).status == 200
        ready = await shop.call("payment-lost", "GET", "/readyz")
        assert ready.status == 503
        assert b"primary" in ready.body
        answer = await shop.call("payment-lost", "GET", f"/payments/{uuid.uuid4()}")
        assert (answer.status, answer.document["type"]) == (503, "urn:shop:problem:database-unavailable")
        assert answer.headers["retry-after"] == "1"
        assert "verysecret" not in shop.logs["payment-lost"].read_text() + answer.body.decode()
    finally:
        assert shop.end("payment-lost") == 0


async def test_metrics_count_by_route_and_not_by_path(shop: Shop) -> None:
    await shop.call("product", "GET", "/api/products/1")
    await shop.call("product", "GET", "/nowhere/at/all")
    text = (await shop.call("product", "GET", "/metrics")).body.decode()
    assert 'http_request_duration_seconds_count{method="GET",route="/api/products/{product_id}",status="200"}' in text
    assert "nowhere" not in text


async def test_an_answer_carries_the_requests_id(shop: Shop) -> None:
    answer = await shop.call("product", "GET", "/api/products/1")
    assert len(answer.headers["x-request-id"]) == 32


async def test_the_sandbox_says_that_it_is_one(shop: Shop) -> None:
    assert "a sandbox: no money moves" in shop.logs["payment"].read_text()
