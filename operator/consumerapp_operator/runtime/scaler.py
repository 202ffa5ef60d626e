"""The scaler's loop: for every app, every few seconds, observe, decide, write. One loop for all apps.

Apps take their turns spread over the interval, so that a thousand of them are no burst. A workload that has
just appeared is due at once: its template holds no count, so it was created with one replica.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import dataclass

import aiohttp

from consumerapp_operator.apply.client import Client
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.runtime.scaling import Scaler
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.scale.model import WorkloadKey
from consumerapp_operator.settings import Settings

LOOK_SECONDS = 1.0
"""How often the loop looks whether an app is due; a new workload waits at most this long."""
PHASES = 1 << 16


async def run(store: Store, client: Client, settings: Settings, telemetry: Telemetry, stop: asyncio.Event) -> None:
    """Scale until `stop` is set. An error that is not the cluster's ends it, and with it the operator."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        loop = Loop(Scaler(store, client, session, settings, telemetry), settings.scale_interval_seconds)
        while not stop.is_set():
            if store.synced:
                loop.start_due(tasks, time.monotonic())
            try:
                await asyncio.wait_for(stop.wait(), min(LOOK_SECONDS, settings.scale_interval_seconds))
            except TimeoutError:
                continue


@dataclass
class _Turn:
    """When an app is due next, which workloads it had last, and its run if one is under way."""

    due: float
    workloads: frozenset[WorkloadKey] = frozenset()
    task: asyncio.Task[None] | None = None


class Loop:
    """Whose turn it is. An app's turn is skipped while its last one still runs."""

    def __init__(self, scaler: Scaler, interval: float) -> None:
        self._scaler = scaler
        self._interval = interval
        self._turns: dict[AppKey, _Turn] = {}

    def start_due(self, tasks: asyncio.TaskGroup, now: float) -> None:
        """Start a turn of each app that is due or has a new workload."""
        for key in self._scaler.forget_gone():
            self._turns.pop(key, None)
        for key in self._scaler.apps():
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = _Turn(now + self._phase(key))
            existing = self._scaler.existing(key)
            is_new = not existing <= turn.workloads
            if turn.task is not None and not turn.task.done():
                continue
            turn.workloads = existing
            if is_new or now >= turn.due:
                # the next turn keeps the app's phase, however late this one is
                late = max(0.0, now - turn.due)
                turn.due += self._interval * (late // self._interval + 1) if now >= turn.due else 0.0
                turn.task = tasks.create_task(self._scaler.turn(key), name=f"scale {key}")

    def _phase(self, key: AppKey) -> float:
        return self._interval * (zlib.crc32(str(key).encode()) % PHASES) / PHASES
