"""What browsers of other origins and clients on slow networks get from the real Envoy."""

from __future__ import annotations

import gzip
from typing import Any

import aiohttp
import pytest

from tests.integration.gateway.load import under_load
from tests.integration.gateway.stage import Stage, app_of, eventually

PAGE = "https://shop.example.com"
CORS = {"cors": {"allowOrigins": [PAGE], "allowMethods": ["GET", "POST"], "maxAgeSeconds": 60}}
COMPRESSION: dict[str, Any] = {"compression": {}}
LONG = "/api/order?long=" + 4000 * "a"


async def _preflight(stage: Stage, origin: str, path: str = "/api/order") -> tuple[int, dict[str, str]]:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with stage.gateway.session.options(f"{stage.gateway.public}{path}", headers=headers) as response:
        answered = {name.lower(): value for name, value in response.headers.items()}
        return response.status, {name: value for name, value in answered.items() if name.startswith("access-control-")}


async def test_a_preflight_is_answered_by_the_gateway(stage: Stage) -> None:
    replica = await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}, gateway=CORS))
    status, allowed = await _preflight(stage, PAGE)
    assert status == 200
    assert allowed["access-control-allow-origin"] == PAGE
    assert allowed["access-control-allow-methods"] == "GET, POST"
    assert allowed["access-control-allow-headers"] == "Authorization, Content-Type, Idempotency-Key"
    assert allowed["access-control-max-age"] == "60"
    assert "access-control-allow-credentials" not in allowed
    status, allowed = await _preflight(stage, "https://evil.example.com")
    assert (status, "access-control-allow-origin" in allowed) == (200, False)
    assert replica.seen == []


@pytest.mark.parametrize("up", [True, False])
async def test_a_page_may_read_what_its_origin_is_allowed(stage: Stage, up: bool) -> None:
    """Problems that the gateway tells in place of a service, too."""
    replica = await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}, gateway=CORS))
    if not up:
        await replica.kill()
    for origin, allowed in ((PAGE, PAGE), ("https://evil.example.com", None)):
        headers = {"Origin": origin}
        async with stage.gateway.session.get(f"{stage.gateway.public}/api/order", headers=headers) as response:
            assert response.status == (200 if up else 503)
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert "Origin" in response.headers.getall("Vary"), "or a cache would give one origin's answer to another"


async def test_without_the_fields_services_answer_alone(stage: Stage) -> None:
    replica = await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}))
    assert await _preflight(stage, PAGE) == (200, {})
    assert [seen.method for seen in replica.seen] == ["OPTIONS"]
    assert await _encoding(stage, LONG, "br, gzip") == (None, False)


async def _encoding(stage: Stage, path: str, accepted: str) -> tuple[str | None, bool]:
    """The encoding of an answer, and whether it is shorter than the text it stands for."""
    headers = {"Accept-Encoding": accepted}
    url = f"{stage.gateway.public}{path}"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, headers=headers) as response,
    ):
        assert response.status == 200
        body = await response.read()
    encoding = response.headers.get("Content-Encoding")
    if encoding == "gzip":
        assert path.encode() in gzip.decompress(body)
    return encoding, len(body) < len(path)


@pytest.mark.parametrize(
    ("path", "accepted", "expected"),
    [
        (LONG, "gzip", ("gzip", True)),
        (LONG, "br", ("br", True)),
        (LONG, "gzip, deflate, br", ("br", True)),
        (LONG, "identity", (None, False)),
        ("/api/order?short", "gzip, br", (None, False)),
    ],
)
async def test_an_answer_comes_as_the_client_prefers(
    stage: Stage, path: str, accepted: str, expected: tuple[str | None, bool]
) -> None:
    await stage.replica("order", "127.0.1.1")
    await stage.run(app_of({"order": []}, gateway=COMPRESSION))
    assert await _encoding(stage, path, accepted) == expected


async def test_switching_on_and_off_loses_no_request(stage: Stage) -> None:
    await stage.replica("order", "127.0.1.1")
    orders = {"routes": [{"path": "/api/orders", "service": "order"}, {"path": "/api/order", "service": "order"}]}
    plain = app_of({"order": []}, gateway=orders)
    both = app_of({"order": []}, gateway={**orders, **CORS, **COMPRESSION})
    any_origin = app_of({"order": []}, gateway={**orders, **CORS, **COMPRESSION, "cors": {"allowOrigins": ["*"]}})
    await stage.run(plain)
    assert (await under_load(stage, stage.change(both))).keys() == {200}
    await eventually(lambda: _allows(stage, PAGE))
    assert await _encoding(stage, LONG, "gzip") == ("gzip", True)
    assert not await _allows(stage, "capacitor://localhost")
    assert (await under_load(stage, stage.change(any_origin))).keys() == {200}
    await eventually(lambda: _allows(stage, "capacitor://localhost"))
    assert (await under_load(stage, stage.change(plain))).keys() == {200}
    assert not await _allows(stage, PAGE)
    assert await _encoding(stage, LONG, "gzip") == (None, False)


async def _allows(stage: Stage, origin: str) -> bool:
    return "access-control-allow-origin" in (await _preflight(stage, origin))[1]
