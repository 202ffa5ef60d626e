"""The operator's process: wiring only."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

import aiohttp
import kopf
import structlog
import uvloop

from consumerapp_operator import settings as configuration
from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.connection import Connection, login
from consumerapp_operator.apply.events import Events
from consumerapp_operator.apply.limiter import Limiter
from consumerapp_operator.observe import envoy
from consumerapp_operator.observe.handlers import register
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.runtime import logs, scaler
from consumerapp_operator.runtime.health import Health, routes, serve
from consumerapp_operator.runtime.lease import Lease
from consumerapp_operator.runtime.planner import Planner
from consumerapp_operator.runtime.queue import Queue
from consumerapp_operator.runtime.reconciler import Reconciler
from consumerapp_operator.runtime.resync import Resync
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.runtime.worker import work
from consumerapp_operator.settings import Settings

LEASE_NAME = "consumerapp-operator"

log = structlog.get_logger()


async def main(settings: Settings) -> int:
    """Run until a signal (returns 0) or until something that must not end has ended (returns 1)."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    telemetry = Telemetry()
    queue: Queue[AppKey] = Queue()
    health = Health(queue, telemetry, settings.resync_interval_seconds)
    client = Client(Connection(), Limiter(settings.writes_per_second, settings.write_burst), telemetry.count_write)
    server = await serve(routes(health, telemetry), settings.port)
    lease_name = "-".join(filter(None, (LEASE_NAME, settings.operator_class)))
    lease = Lease(client, settings.namespace, lease_name, settings.identity)
    try:
        if not await _unless_stopped(lease.acquire(), stop):
            return 0
        health.leading = True
        return await _lead(settings, client, queue, health, telemetry, lease, stop)
    finally:
        await lease.release()
        await client.close()
        await server.cleanup()


async def _lead(
    settings: Settings,
    client: Client,
    queue: Queue[AppKey],
    health: Health,
    telemetry: Telemetry,
    lease: Lease,
    stop: asyncio.Event,
) -> int:
    store = Store(queue.add)
    resync = Resync(client, store, queue, health, telemetry, settings.watch_namespaces, settings.operator_class)
    registry = kopf.OperatorRegistry()
    register(registry, store)
    kopf.on.login(registry=registry)(lambda **_: login())
    async with aiohttp.ClientSession() as pods:
        planner = Planner(settings.images, plan, partial(envoy.loaded, pods), telemetry)
        reconciler = Reconciler(store, client, Events(client, settings.identity), planner)
        keep = asyncio.create_task(lease.keep(), name="lease")
        tasks = [keep]
        try:
            # The store is filled before anything looks at it, so that nothing is taken for missing.
            if not await _unless_stopped(resync.once(), stop):
                return 0
            endless: list[Coroutine[Any, Any, None]] = [
                health.run(),
                resync.run(settings.resync_interval_seconds),
                scaler.run(store, client, settings, telemetry, stop),
                *(work(queue, reconciler.reconcile, telemetry) for _ in range(settings.workers)),
                # kopf takes the signals over; it ends when one comes, and then so do we.
                kopf.operator(
                    registry=registry,
                    settings=configuration.kopf_settings(settings.operator_class),
                    clusterwide=not settings.watch_namespaces,
                    namespaces=settings.watch_namespaces,
                ),
            ]
            tasks += [asyncio.create_task(coroutine) for coroutine in endless]
            watching = tasks[-1]
            log.info("operator started", identity=settings.identity, apps=len(store.keys()))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what ended it
            return 0 if watching in done or stop.is_set() else 1
        finally:
            stop.set()
            queue.shut_down()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Run to the end, or until the stop; False then."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


if __name__ == "__main__":
    try:
        read = configuration.read()
    except configuration.InvalidSettings as error:
        sys.exit(f"settings: {error}")
    logs.configure(read.log_level)
    sys.exit(uvloop.run(main(read)))
