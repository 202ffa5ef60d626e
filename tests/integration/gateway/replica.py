"""One replica of a service, on an address of its own on the loopback."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class Seen:
    """A request as it reached the replica."""

    method: str
    path: str
    headers: dict[str, str]


class Replica:
    """Answers every path with its own address. `?sleep=` delays the answer by seconds.

    ready: what /readyz says. resets: breaks the connection after the whole request has been read, as a process that is
    killed does. status: of all other answers.
    """

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port = address, port
        self.ready, self.resets, self.status = True, False, 200
        self.seen: list[Seen] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> Replica:
        application = web.Application()
        application.router.add_get("/readyz", self._readiness)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, self.port).start()
        return self

    async def kill(self) -> None:
        """What SIGKILL does to its connections: all are reset, and new ones refused."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for site in list(runner.sites):
            await site.stop()
        if runner.server is not None:
            for connection in list(runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()
        await runner.cleanup()

    def requests(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    async def _readiness(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    async def _answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen.append(Seen(request.method, request.path_qs, dict(request.headers)))
        await asyncio.sleep(float(request.query.get("sleep", "0")))
        if self.resets and request.transport is not None:
            request.transport.abort()
        return web.json_response({"replica": self.address, "path": request.path_qs}, status=self.status)
