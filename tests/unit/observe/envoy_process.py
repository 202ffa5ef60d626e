"""A real Envoy on the loopback with the gateway's statistics, in front of one service whose speed a test sets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from consumerapp_operator.plan.gateway.statistics import statistics

TYPE = "type.googleapis.com/envoy.extensions.filters"


@dataclass
class Upstream:
    """The service behind it: answers after `delay` seconds and knows how many it is at."""

    delay: float = 0.0
    in_flight: int = 0
    samples: list[int] = field(default_factory=list)

    async def answer(self, _: web.Request) -> web.Response:
        self.in_flight += 1
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.in_flight -= 1
        return web.Response(text="ok")


@dataclass(frozen=True)
class Gateway:
    public: int
    admin: int
    upstream: Upstream


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def gateway(directory: Path) -> AsyncIterator[Gateway]:
    """Runs until the block ends."""
    upstream = Upstream()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    service, public, admin = free_port(), free_port(), free_port()
    await web.TCPSite(runner, "127.0.0.1", service).start()
    configuration = directory / "envoy.json"
    configuration.write_text(json.dumps(_configuration(service, public, admin)))
    binary = Path(sys.executable).with_name("envoy")
    options = ("--concurrency", "1", "--disable-hot-restart", "-l", "error")
    with (directory / "envoy.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(binary, "-c", configuration, *options, stdout=log, stderr=log)
        try:
            await _ready(admin, process)
            yield Gateway(public, admin, upstream)
        finally:
            process.terminate()
            await process.wait()
            await runner.cleanup()


async def _ready(admin: int, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{admin}/ready") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"Envoy ended with {process.returncode}")


def _configuration(service: int, public: int, admin: int) -> dict[str, Any]:
    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPE}.http.router.v3.Router"}}
    hosts = [
        {"name": "public", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "order"}}]}
    ]
    manager = {
        "@type": f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "route_config": {"name": "public", "virtual_hosts": hosts},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    endpoint = {"endpoint": {"address": address(service)}}
    return {
        "admin": {"address": address(admin)},
        "stats_flush_interval": "1s",
        "stats_config": statistics(),
        "static_resources": {
            "listeners": [{"name": "public", "address": address(public), "filter_chains": [chain]}],
            "clusters": [
                {
                    "name": "order",
                    "connect_timeout": "1s",
                    "circuit_breakers": {"thresholds": [{"max_connections": 4096, "max_requests": 4096}]},
                    "load_assignment": {"cluster_name": "order", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ],
        },
    }
