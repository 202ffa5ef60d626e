"""The whole truth, from time to time: a chunked list of every kind, against what the watch may have missed.

After a watch was cut off for too long, kopf lists anew but nobody is told what was deleted meanwhile. Without
this an object that is long gone would count as there for ever.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import structlog

from consumerapp_operator.api.kinds import APP, CHILD_SELECTOR, CHILDREN, app_selector
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.runtime.health import Health
from consumerapp_operator.runtime.queue import Queue
from consumerapp_operator.runtime.telemetry import Telemetry

# The first list is older than the first watch: what was deleted between the two is found by the second one.
SECOND_AFTER_SECONDS = 20.0
RETRY_SECONDS = 15.0
JITTER = 0.25

log = structlog.get_logger()


class Resync:
    def __init__(
        self,
        client: Client,
        store: Store,
        queue: Queue[AppKey],
        health: Health,
        telemetry: Telemetry,
        namespaces: Sequence[str] = (),
        operator_class: str = "",
    ) -> None:
        self._client = client
        self._store = store
        self._queue = queue
        self._health = health
        self._telemetry = telemetry
        self._app_selector = app_selector(operator_class)
        self._namespaces: Sequence[str | None] = namespaces or (None,)

    async def once(self) -> None:
        """List everything, drop the ghosts, and look at every app again. Raises ApiError."""
        mark, alive = self._store.mark(), set()
        for kind in (APP, *CHILDREN):
            selector = self._app_selector if kind is APP else CHILD_SELECTOR
            for namespace in self._namespaces:
                async for manifest in self._client.list(kind, selector, namespace):
                    self._store.put(manifest)
                    alive.add(ObjectKey.of(manifest))
        ghosts = self._store.prune_ghosts(alive, {kind.kind for kind in (APP, *CHILDREN)}, mark)
        if ghosts:
            log.info("resync found objects gone", count=len(ghosts), first=str(ghosts[0]))
        self._store.synced = True
        self._health.resynced()
        self._telemetry.ghosts.inc(len(ghosts))
        self._telemetry.resync_timestamp.set_to_current_time()
        self._telemetry.apps.set(len(self._store.keys()))
        self._telemetry.objects.set(len(alive))
        for key in self._store.keys():  # noqa: SIM118 - a method, not a mapping's
            self._queue.add(key)

    async def run(self, interval: float) -> None:
        """Every `interval` seconds, give or take a quarter, so that many operators do not list at once."""
        pause = SECOND_AFTER_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self.once()
                pause = interval * random.uniform(1 - JITTER, 1 + JITTER)
            except ApiError as error:
                log.warning("resync failed", error=str(error))
                pause = RETRY_SECONDS
