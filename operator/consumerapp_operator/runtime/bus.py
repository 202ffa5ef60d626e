"""The bus in a turn of the scaler: what is on it is made right, and the lag of each worker is its load."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import structlog

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import NATS_MONITOR_PORT, NATS_PORT
from consumerapp_operator.apply.bus import BusUnavailable, bury, connected, differs, make
from consumerapp_operator.observe.bus import look, servers
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.plan.streams import DEAD, EVENTS, EXHAUSTED, UNDERTAKER, Sight, wanted
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.scale.model import Load, WorkloadKey
from consumerapp_operator.scale.workload import worker_key

log = structlog.get_logger()


@dataclass(frozen=True)
class Backlog:
    """The load of each worker whose consumer was seen, and what is missing, in words."""

    loads: Mapping[WorkloadKey, Load] = field(default_factory=dict)
    missing: str = ""


@dataclass(frozen=True)
class BusKeeper:
    """Looks after the buses of all apps. Nothing is remembered between turns."""

    session: aiohttp.ClientSession
    telemetry: Telemetry
    within: float
    port: int = NATS_PORT
    monitor_port: int = NATS_MONITOR_PORT

    async def turn(self, app: ConsumerApp, children: Mapping[ObjectKey, Manifest]) -> Backlog:
        """Ask, correct what differs, and report. What fails is logged and tried again in the next turn."""
        bus = app.spec.bus
        if bus is None:
            return Backlog()
        addresses = servers(app, children)
        if not addresses:
            return Backlog(missing="no bus server is ready")
        sight = await look(self.session, addresses, bus.replicas, self.within, self.monitor_port)
        if sight.missing:
            self.telemetry.scrape_failures.labels("bus").inc()
        should = wanted(app, bus)
        # What a server that is away leads looks as if it did not exist; another one will lead it soon.
        wrong = not sight.missing and differs(should, sight)
        if wrong or sight.lag.get((EXHAUSTED, UNDERTAKER)):
            try:
                async with connected(list(addresses.values()), self.port) as jetstream:
                    if wrong:
                        await make(jetstream, should, sight)
                    await bury(jetstream)
            except BusUnavailable as error:
                log.warning("bus not written", namespace=app.namespace, app=app.name, error=str(error))
        self._count(app, sight)
        now = time.time()
        loads = {
            worker_key(worker.name): Load(now, 0.0, 0.0, 0.0, None, lag=float(sight.lag[EVENTS, worker.name]))
            for worker in app.spec.workers
            if (EVENTS, worker.name) in sight.lag
        }
        return Backlog(loads, sight.missing)

    def _count(self, app: ConsumerApp, sight: Sight) -> None:
        for worker in app.spec.workers:
            if (lag := sight.lag.get((EVENTS, worker.name))) is not None:
                self.telemetry.bus_lag.labels(app.namespace, app.name, worker.name).set(lag)
        for stream, messages in sight.messages.items():
            if stream in (EVENTS, DEAD):
                self.telemetry.bus_messages.labels(app.namespace, app.name, stream).set(messages)
