"""The load of an app, from all of its gateway pods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import ADMIN_PORT, COMPONENT_GATEWAY, selector
from consumerapp_operator.observe.counters import Scrape
from consumerapp_operator.observe.envoy import ScrapeFailed, scrape
from consumerapp_operator.observe.window import Window
from consumerapp_operator.plan.live import has_labels, is_ready
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.scale.model import Load, WorkloadKey
from consumerapp_operator.scale.workload import GATEWAY, service_key


@dataclass(frozen=True)
class Measured:
    """Loads, what is missing of them in words, and how many pods that take requests could not be scraped."""

    loads: Mapping[WorkloadKey, Load]
    missing: str
    failures: int


class GatewayLoad:
    """Scrapes the gateway pods of one app and keeps the window."""

    def __init__(self, port: int = ADMIN_PORT) -> None:
        self._window = Window()
        self._port = port

    async def measure(
        self,
        session: aiohttp.ClientSession,
        app: ConsumerApp,
        children: Mapping[ObjectKey, Manifest],
        within: float,
    ) -> Measured:
        """Scrape every pod that has an address, each within `within` seconds.

        Pods that are not ready, or are going, are scraped too, so that nothing they serve is lost; but only
        those that take requests must answer.
        """
        labels = selector(app.name, COMPONENT_GATEWAY, GATEWAY.name)
        pods = [
            manifest
            for key, manifest in children.items()
            if key.kind == "Pod" and has_labels(manifest, labels) and _is_running(manifest)
        ]
        answers = await asyncio.gather(*(self._ask(session, pod, within) for pod in pods))
        serving = {_uid(pod): str(pod["metadata"]["name"]) for pod in pods if is_ready(pod)}
        failures = {}
        for pod, (at, answer) in zip(pods, answers, strict=True):
            if isinstance(answer, ScrapeFailed):
                failures[_uid(pod)] = str(answer)
            else:
                self._window.add(_uid(pod), at, answer, _start_time(pod))
        workloads = (GATEWAY, *(service_key(service.name) for service in app.spec.services))
        measurement = self._window.measure(time.time(), workloads, serving, failures)
        return Measured(measurement.loads, measurement.missing, len(failures.keys() & serving.keys()))

    async def _ask(
        self, session: aiohttp.ClientSession, pod: Manifest, within: float
    ) -> tuple[float, Scrape | ScrapeFailed]:
        try:
            answer = await scrape(session, str(pod["status"]["podIP"]), within, self._port)
        except ScrapeFailed as error:
            return time.time(), error
        return time.time(), answer


def _is_running(pod: Manifest) -> bool:
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") == "Running"


def _uid(pod: Manifest) -> str:
    return str(pod["metadata"]["uid"])


def _start_time(pod: Manifest) -> float | None:
    text = (pod.get("status") or {}).get("startTime")
    return datetime.fromisoformat(text).timestamp() if text else None
