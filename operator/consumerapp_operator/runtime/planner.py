"""The plan of an app, with what the gateway's pods have loaded if the plan waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_GATEWAY, LABEL_COMPONENT
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.plan.model import Images, LoadedConfiguration, Manifest, ObjectKey, Plan, Snapshot
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.status.facts import label
from consumerapp_operator.status.pods import is_ready

MakePlan = Callable[[Snapshot], Plan]
AskGateway = Callable[[str], Awaitable[LoadedConfiguration | None]]
"""What the gateway pod at an address has loaded; None if it cannot say."""


@dataclass(frozen=True)
class _Made:
    snapshot: Snapshot
    plan: Plan


class Planner:
    """Makes plans, and remembers the last one of an app that waits.

    A plan is a function of its snapshot, which mostly stays as it is while the gateway is asked every second.
    """

    def __init__(self, images: Images, make_plan: MakePlan, ask_gateway: AskGateway, telemetry: Telemetry) -> None:
        self._images = images
        self._make_plan = make_plan
        self._ask_gateway = ask_gateway
        self._telemetry = telemetry
        self._made: dict[AppKey, tuple[_Made, ...]] = {}

    async def plan(
        self, key: AppKey, app: ConsumerApp, children: Mapping[ObjectKey, Manifest], *, synced: bool
    ) -> Plan:
        """Only if the plan holds something back, the gateway's pods are asked what they have loaded."""
        known = self._made.pop(key, ())
        snapshot = Snapshot(app=app, images=self._images, children=children, synced=synced)
        made = [self._make(snapshot, known)]
        if made[0].plan.waiting and not made[0].plan.problems:
            loaded = await self._loaded(children)
            if loaded:
                made.append(self._make(replace(snapshot, gateway_loaded=loaded), known))
        if made[-1].plan.waiting:
            self._made[key] = tuple(made)
        return made[-1].plan

    def forget(self, key: AppKey) -> None:
        self._made.pop(key, None)

    def _make(self, snapshot: Snapshot, known: tuple[_Made, ...]) -> _Made:
        for made in known:
            if made.snapshot == snapshot:
                return made
        begun = time.perf_counter()
        plan = self._make_plan(snapshot)
        self._telemetry.plan_seconds.observe(time.perf_counter() - begun)
        return _Made(snapshot, plan)

    async def _loaded(self, children: Mapping[ObjectKey, Manifest]) -> dict[str, LoadedConfiguration]:
        pods = {
            key.name: str(pod["status"]["podIP"])
            for key, pod in children.items()
            if key.kind == "Pod"
            and label(pod, LABEL_COMPONENT) == COMPONENT_GATEWAY
            and is_ready(pod)
            and pod["status"].get("podIP")
        }
        answers = await asyncio.gather(*(self._ask_gateway(address) for address in pods.values()))
        return {name: answer for name, answer in zip(pods, answers, strict=True) if answer is not None}
