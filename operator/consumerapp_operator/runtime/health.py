"""Whether the operator does its work, not merely whether its process runs; and the server that says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from consumerapp_operator.runtime.telemetry import Telemetry

# A reconcile makes some dozen requests of at most 30 s, most take milliseconds: after this long it is stuck.
STALLED_SECONDS = 300.0
# Keys wait for a free worker only; retries with a pause do not count as waiting.
WAITING_SECONDS = 120.0
LOOP_LAG_SECONDS = 10.0
RESYNCS_MISSED = 4


class Ages(Protocol):
    """What health asks of the work queue."""

    added: int
    retried: int

    def depth(self) -> int: ...
    def oldest_waiting_seconds(self) -> float: ...
    def oldest_processing_seconds(self) -> float: ...


@dataclass(frozen=True)
class Vitals:
    """What is known of the operator at one moment. Ages in seconds; `resync_age` counts from the start at
    first.
    """

    oldest_waiting: float
    oldest_processing: float
    loop_lag: float
    resync_age: float
    resync_interval: float
    leading: bool
    synced: bool


def ailments(vitals: Vitals) -> list[str]:
    """Why the process should be restarted; empty when it is well."""
    found = []
    if vitals.oldest_processing > STALLED_SECONDS:
        found.append(f"a reconcile has been running for {vitals.oldest_processing:.0f} s")
    if vitals.oldest_waiting > WAITING_SECONDS:
        found.append(f"an app has been waiting for a worker for {vitals.oldest_waiting:.0f} s")
    if vitals.loop_lag > LOOP_LAG_SECONDS:
        found.append(f"the event loop was late by {vitals.loop_lag:.1f} s")
    if vitals.leading and vitals.resync_age > RESYNCS_MISSED * vitals.resync_interval:
        found.append(f"the last resync is {vitals.resync_age:.0f} s old")
    return found


class Health:
    """Keeps the vitals up to date. `run` measures the event loop's lag once a second."""

    def __init__(
        self,
        queue: Ages,
        telemetry: Telemetry,
        resync_interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._telemetry = telemetry
        self._resync_interval = resync_interval
        self._clock = clock
        self._loop_lag = 0.0
        self._resynced_at = clock()
        self.leading = False
        self.synced = False

    def resynced(self) -> None:
        """A complete resync has just ended."""
        self._resynced_at = self._clock()
        self.synced = True

    def vitals(self) -> Vitals:
        return Vitals(
            oldest_waiting=self._queue.oldest_waiting_seconds(),
            oldest_processing=self._queue.oldest_processing_seconds(),
            loop_lag=self._loop_lag,
            resync_age=self._clock() - self._resynced_at,
            resync_interval=self._resync_interval,
            leading=self.leading,
            synced=self.synced,
        )

    def publish(self) -> None:
        """Copy the vitals into the metrics."""
        vitals, telemetry = self.vitals(), self._telemetry
        telemetry.queue_adds.set(self._queue.added)
        telemetry.queue_retries.set(self._queue.retried)
        telemetry.queue_depth.set(self._queue.depth())
        telemetry.queue_oldest_seconds.labels("waiting").set(vitals.oldest_waiting)
        telemetry.queue_oldest_seconds.labels("processing").set(vitals.oldest_processing)
        telemetry.loop_lag_seconds.set(vitals.loop_lag)
        telemetry.leading.set(vitals.leading)

    async def run(self) -> None:
        while True:
            begun = self._clock()
            await asyncio.sleep(1)
            self._loop_lag = self._clock() - begun - 1


def routes(health: Health, telemetry: Telemetry) -> web.Application:
    """/livez, /readyz and /metrics."""

    async def livez(_: web.Request) -> web.Response:
        found = ailments(health.vitals())
        return web.Response(status=500 if found else 200, text="\n".join(found) or "ok")

    async def readyz(_: web.Request) -> web.Response:
        # A replica that stands by for the Lease is ready to take over, and must not hold up a rollout.
        ready = health.synced or not health.leading
        return web.Response(status=200 if ready else 503, text="ok" if ready else "objects are being listed")

    async def metrics(_: web.Request) -> web.Response:
        health.publish()
        return web.Response(
            body=telemetry.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    application = web.Application()
    application.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return application


async def serve(application: web.Application, port: int) -> web.AppRunner:
    """Answer on the port until the returned runner is cleaned up. `port` 0 takes any that is free."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
