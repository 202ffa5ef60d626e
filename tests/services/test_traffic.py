"""The traffic generator against the real services, behind Envoy: it finds no failure where there is none, and finds
those that there are."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import machine
from tests.services.shop_processes import CHECKOUT, Shop

ROUTES = {"/api/users": "user", "/api/products": "product", "/api/orders": "order"}


@pytest.fixture
def gateway(shop: Shop) -> Iterator[str]:
    """An Envoy with the shop's public routes; its URL."""
    port = machine.free_port()

    def endpoint(port: int) -> dict[str, Any]:
        return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}

    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "public",
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "public",
                    "domains": ["*"],
                    "routes": [
                        {"match": {"prefix": path}, "route": {"cluster": name}} for path, name in ROUTES.items()
                    ],
                }
            ]
        },
    }
    listener = {"name": "public", **endpoint(port)}
    listener["filter_chains"] = [{"filters": [{"name": "http", "typed_config": manager}]}]
    clusters = [
        {
            "name": name,
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": endpoint(shop.ports[name])}]}],
            },
        }
        for name in ROUTES.values()
    ]
    bootstrap = {"static_resources": {"listeners": [listener], "clusters": clusters}}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(bootstrap, file)
        file.flush()
        envoy = str(Path(sys.executable).with_name("envoy"))
        command = [
            envoy,
            "-c",
            file.name,
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--use-dynamic-base-id",
        ]
        process = subprocess.Popen(command)
        try:
            machine.wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            machine.end(process)


async def traffic(url: str, phases: str, **environment: str) -> list[dict[str, Any]]:
    """The lines of a run that ended with exit code 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "traffic",
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "demo"), "TARGET_URL": url, "PHASES": phases, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    return [json.loads(line) for line in output.splitlines()]


async def test_every_acknowledged_order_is_stored_and_nothing_fails(shop: Shop, gateway: str) -> None:
    stored = "SELECT count(*) FROM orders WHERE status = 'paid'"
    digest = (
        "SELECT encode(sha256(convert_to(coalesce(string_agg(id::text, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')"
        " FROM orders WHERE status = 'paid' AND created_at > $1"
    )
    before = await shop.query("order", stored)
    began = await shop.query("order", "SELECT clock_timestamp()")
    *lines, last = await traffic(gateway, "quiet:2:2,surge:3:8,quiet:1:2")
    assert last["failures"] == {}
    assert (last["done"], last["failed"]) == (True, 0)
    assert last["requests"] > 50
    assert await shop.query("order", stored) - before == last["orders_acknowledged"] > 3
    assert await shop.query("order", digest, began) == last["orders_digest"]
    assert list(dict.fromkeys(line["phase"] for line in lines))[:2] == ["quiet", "surge"]
    assert all(a["requests"] <= b["requests"] for a, b in itertools.pairwise(lines))
    assert sum(entry["requests"] for entry in last["operations"].values()) == last["requests"]


async def test_a_shop_that_is_away_is_counted_as_failed_and_the_run_goes_on(gateway: str, shop: Shop) -> None:
    assert shop.end("product") == 0
    try:
        *_, last = await traffic(gateway, "quiet:2:4", REQUEST_TIMEOUT_SECONDS="1")
    finally:
        shop.start("product")
    assert last["failures"].get("GET /api/products 503", 0) > 0
    assert last["failed"] == sum(last["failures"].values())
    assert last["orders_acknowledged"] == 0


async def test_an_answer_that_does_not_come_is_a_failure(unused_listener: str) -> None:
    *_, last = await traffic(unused_listener, "quiet:1:3", REQUEST_TIMEOUT_SECONDS="0.5")
    assert last["failures"] == {"POST /api/users no answer in time": last["requests"]}


async def test_who_cannot_come_in_is_counted(unused_listener: str) -> None:
    *_, last = await traffic(unused_listener, "surge:1:20", REQUEST_TIMEOUT_SECONDS="3", CUSTOMERS_AT_ONCE="2")
    assert last["failures"]["journey turned away: 2 were in the shop"] > 5


@pytest.fixture
async def unused_listener() -> Any:
    """Takes connections and never answers."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TARGET_URL", ""), ("PHASES", ""), ("PHASES", "a:b:c"), ("PHASES", "a:0:1"), ("SEED", "x")],
)
async def test_a_wrong_setting_is_named_and_the_exit_code_is_2(variable: str, value: str) -> None:
    environment = {"TARGET_URL": "http://127.0.0.1:1", "PHASES": "a:1:1", variable: value}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "traffic", env={**os.environ, "PYTHONPATH": str(CHECKOUT / "demo"), **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert errors.decode().startswith(f"{variable}=")
