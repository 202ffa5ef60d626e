"""What a request meets: routes, retries, health, and what is kept from the outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from consumerapp_operator.api.app import read_app
from tests.integration.gateway.replica import Replica
from tests.integration.gateway.stage import Stage, app_of, eventually

EXAMPLES = {path.stem: path.read_text() for path in (Path(__file__).parents[3] / "examples").glob("*.yaml")}


@pytest.mark.parametrize("example", sorted(EXAMPLES))
async def test_an_example_is_valid_and_serves(stage: Stage, example: str) -> None:
    body = yaml.safe_load(EXAMPLES[example])
    body["metadata"] |= {"namespace": "default", "uid": "u-1"}
    app = read_app(body)
    for index, service in enumerate(app.spec.services):
        await stage.replica(service.name, f"127.0.1.{index + 1}")
    await stage.run(app)
    process = await asyncio.create_subprocess_exec(
        *stage.gateway.arguments(),
        "--mode",
        "validate",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    host = app.spec.host or "any.example.com"
    routes = app.spec.gateway.routes
    paths = [route.path for route in routes] if routes else [f"/api/{item.name}" for item in app.spec.services]
    for path in paths:
        assert (await stage.get(f"{stage.gateway.public}{path}", Host=host))["path"] == path
    answer = await stage.get(f"{stage.gateway.internal}/order/payment/v1/charges?dry=1")
    assert answer["path"] == "/v1/charges?dry=1"


async def test_requests_go_where_the_spec_says(stage: Stage) -> None:
    order = await stage.replica("order", "127.0.1.1")
    await stage.replica("payment", "127.0.1.2")
    routes = {"routes": [{"path": "/api/orders", "service": "order"}]}
    await stage.run(app_of({"order": ["payment"], "payment": []}, gateway=routes, host="shop.example.com"))
    public, internal = stage.gateway.public, stage.gateway.internal

    async def public_answer(path: str) -> tuple[int, str]:
        answer = await stage.get(f"{public}{path}", Host="shop.example.com:30080")
        return answer["status"], str(answer.get("path", answer.get("detail")))

    assert await public_answer("/api/orders") == (200, "/api/orders")
    assert await public_answer("/api/orders//1?a=b") == (200, "/api/orders/1?a=b")
    assert await public_answer("/api/ordersx") == (404, "no route for this path")
    assert await public_answer("/api/payment") == (404, "no route for this path")
    assert (await public_answer("/api/orders/a%2Fb"))[0] == 400
    elsewhere = await stage.get(f"{public}/api/orders", Host="evil.example.com")
    assert (elsewhere["status"], elsewhere["content_type"]) == (404, "application/problem+json")
    assert elsewhere["requestId"]

    assert (await stage.get(f"{internal}/order/payment"))["path"] == "/"
    assert (await stage.get(f"{internal}/order/payment?a=b"))["path"] == "/?a=b"
    assert (await stage.get(f"{internal}/order/payment/"))["path"] == "/"
    assert (await stage.get(f"{internal}/order/payment/x"))["path"] == "/x"
    undeclared = await stage.get(f"{internal}/payment/order/x")
    assert (undeclared["status"], "is declared" in undeclared["detail"]) == (404, True)
    assert len(order.requests("GET")) == 2


async def test_nobody_outside_steers_the_gateway(stage: Stage) -> None:
    """Headers that would set time-outs and retries have no effect and do not reach the service."""
    replica = await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}))
    steering = {"x-envoy-upstream-rq-timeout-ms": "50", "x-envoy-retry-on": "5xx", "X-Forwarded-For": "9.9.9.9"}
    answer = await stage.get(f"{stage.gateway.public}/api/order?sleep=0.3", **steering, under_score="1")
    assert answer["status"] == 200
    (seen,) = replica.seen
    lower = {name.lower(): value for name, value in seen.headers.items()}
    assert lower["x-forwarded-for"].startswith("9.9.9.9,"), "the peer's address is appended"
    assert lower["x-request-id"]
    assert not lower.keys() & {"x-envoy-upstream-rq-timeout-ms", "x-envoy-retry-on", "under_score"}


async def test_the_admin_interface_cannot_be_reached(stage: Stage) -> None:
    await stage.run(app_of({"order": []}))
    stats = stage.gateway.stats
    refused = [("POST", "/quitquitquit"), ("POST", "/stats"), ("POST", "/healthcheck/fail"), ("GET", "/config_dump")]
    refused += [("GET", "/stats/../config_dump"), ("GET", "/"), ("POST", "/ready")]
    for method, path in refused:
        assert await stage.gateway.status(stats + path, method) == 404, path
    for path in ("/stats", "/stats/prometheus", "/ready", "/alive", "/clusters?format=json"):
        assert await stage.gateway.status(stats + path) == 200, path
    assert stage.gateway.alive


@pytest.mark.parametrize(("method", "status", "attempts"), [("GET", 200, 1), ("POST", 503, 1)])
async def test_a_broken_connection_repeats_what_changes_nothing(
    stage: Stage, method: str, status: int, attempts: int
) -> None:
    """A replica that dies with the request in hand: GET goes to another, POST is not made a second time."""
    dying = await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}))
    dying.resets = True
    if method == "GET":
        await stage.replica("order", "127.0.1.2")
        await eventually(lambda: _members(stage, 2))
    url = f"{stage.gateway.public}/api/order"
    for _ in range(8):
        assert await stage.gateway.status(url, method) == status
        if dying.requests(method):
            break
    assert len(dying.requests(method)) == attempts


async def test_requests_go_on_when_a_replica_is_killed(stage: Stage) -> None:
    """Under a steady load one of two replicas dies: no GET fails, no POST arrives twice."""
    replicas = [await stage.replica("order", f"127.0.1.{number}") for number in (1, 2)]
    await stage.run(app_of({"order": []}))
    await eventually(lambda: _members(stage, 2))
    results: dict[str, int] = {}

    async def request(number: int) -> None:
        method = "POST" if number % 4 == 0 else "GET"
        url = f"{stage.gateway.public}/api/order/{number}?sleep=0.02"
        results[f"{method} {number}"] = await stage.gateway.status(url, method)

    async with asyncio.TaskGroup() as load:
        for number in range(300):
            load.create_task(request(number))
            await asyncio.sleep(0.01)
            if number == 100:
                load.create_task(replicas[0].kill())
    failed = [name for name, status in results.items() if status != 200]
    assert [name for name in failed if name.startswith("GET")] == []
    assert len(failed) <= 2, "only what was in flight when it died"
    arrived = [seen.path for replica in replicas for seen in replica.requests("POST")]
    assert len(arrived) == len(set(arrived))


async def test_a_503_is_repeated_only_where_that_is_safe(stage: Stage) -> None:
    refusing, serving = [await stage.replica("order", f"127.0.1.{number}") for number in (1, 2)]
    refusing.status = 503
    await stage.run(app_of({"order": []}))
    await eventually(lambda: _members(stage, 2))
    url = f"{stage.gateway.public}/api/order"
    assert {await stage.gateway.status(url) for _ in range(20)} == {200}
    posts = [await stage.gateway.status(url, "POST") for _ in range(20)]
    assert posts.count(503) == len(refusing.requests("POST")) > 0
    assert posts.count(200) == len(serving.requests("POST")) > 0


async def test_only_ready_replicas_serve_until_none_is(stage: Stage) -> None:
    first, second = [await stage.replica("order", f"127.0.1.{number}") for number in (1, 2)]
    await stage.run(app_of({"order": []}))
    first.ready = False
    await eventually(lambda: _members(stage, 1))
    first.seen.clear()
    url = f"{stage.gateway.public}/api/order"
    assert {await stage.gateway.status(url) for _ in range(10)} == {200}
    assert (len(first.seen), len(second.seen)) == (0, 10)
    second.ready = False
    await eventually(lambda: _members(stage, 0))
    assert {await stage.gateway.status(url) for _ in range(20)} == {200}
    assert first.seen, "with none ready all are tried"


async def test_a_replica_that_leaves_dns_gets_nothing_more(stage: Stage) -> None:
    leaving, staying = [await stage.replica("order", f"127.0.1.{number}") for number in (1, 2)]
    await stage.run(app_of({"order": []}))
    url = f"{stage.gateway.public}/api/order"
    in_flight = [asyncio.create_task(stage.gateway.status(f"{url}?sleep=3")) for _ in range(10)]
    await eventually(lambda: _seen(10, leaving, staying))
    stage.resolver.records["order.test"] = ["127.0.1.2"]
    await eventually(lambda: _members(stage, 1))
    before = len(leaving.seen)
    assert before > 0, "of ten requests some went there"
    assert {await stage.gateway.status(url) for _ in range(10)} == {200}
    assert (len(leaving.seen), len(staying.seen)) == (before, 20 - before)
    assert await asyncio.gather(*in_flight) == [200] * 10, "what was in flight ends"
    stage.resolver.records["order.test"] = []
    await eventually(lambda: _members(stage, 0))
    assert await stage.gateway.status(url) == 503


async def _seen(count: int, *replicas: Replica) -> bool:
    return sum(len(replica.seen) for replica in replicas) == count


async def _members(stage: Stage, healthy: int) -> bool:
    return await stage.gateway.statistic("cluster.order.membership_healthy") == healthy
