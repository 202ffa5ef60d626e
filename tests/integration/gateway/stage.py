"""Services, a gateway in front of them, and the operator's steps from one configuration to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.plan.gateway.clusters import Upstream
from consumerapp_operator.plan.gateway.configuration import (
    Configuration,
    Desired,
    desired_configuration,
)
from consumerapp_operator.plan.gateway.deployment import BOOTSTRAP_FILE
from consumerapp_operator.plan.gateway.drain import DRAIN_FILE, drain_script
from consumerapp_operator.plan.gateway.stages import next_step
from tests.integration.gateway.envoy import Envoy, bootstrap_text, free_ports
from tests.integration.gateway.replica import Replica
from tests.integration.gateway.resolver import Resolver


def app_of(calls: Mapping[str, list[str]], **spec: Any) -> ConsumerApp:
    """An app with these services and their calls."""
    services = [{"name": name, "image": "i:1", "calls": callees} for name, callees in calls.items()]
    metadata = {"namespace": "default", "name": "shop", "uid": "u-1"}
    return read_app({"metadata": metadata, "spec": {"services": services, **spec}})


class Stage:
    """All that a test needs, and what it must end."""

    def __init__(self, gateway: Envoy, resolver: Resolver) -> None:
        self.gateway, self.resolver = gateway, resolver
        self.published: Configuration | None = None
        self._replicas: list[Replica] = []
        (self._port,) = free_ports(1)

    async def replica(self, service: str, address: str) -> Replica:
        """A replica of a service, started and in DNS."""
        replica = await Replica(address, self._port).start()
        self._replicas.append(replica)
        self.resolver.records.setdefault(f"{service}.test", []).append(address)
        return replica

    def desired(self, app: ConsumerApp) -> Desired:
        upstreams = [
            Upstream(service.name, f"{service.name}.test.", self._port, service.health.readiness)
            for service in app.spec.services
        ]
        return desired_configuration(app, placement=self.gateway.placement, upstreams=upstreams)

    def publish(self, configuration: Configuration) -> None:
        self.published = configuration
        placement = self.gateway.placement
        script = drain_script(placement, minimum_seconds=1, deadline_seconds=4)
        start = {BOOTSTRAP_FILE: bootstrap_text(placement), DRAIN_FILE: script}
        self.gateway.publish({**start, **configuration.files()})

    async def run(self, app: ConsumerApp, *, until_ready: bool = True) -> None:
        """Starts the gateway with an app's configuration."""
        self.publish(next_step(None, self.desired(app), {}).configuration)
        await self.gateway.start(until_ready=until_ready)

    async def change(self, app: ConsumerApp) -> int:
        """Goes to another app in the operator's steps, as the pod confirms them; returns how many were published."""
        desired, steps = self.desired(app), 0
        for _ in range(500):
            step = next_step(self.published, desired, {"a": await self.gateway.loaded()})
            if step.configuration != self.published:
                self.publish(step.configuration)
                steps += 1
            elif not step.waiting:
                return steps
            await asyncio.sleep(0.02)
        raise AssertionError(f"the change did not come to an end: {step.waiting}")

    async def get(self, url: str, **headers: str) -> dict[str, Any]:
        """The JSON of an answer, with its status."""
        async with self.gateway.session.get(url, headers=headers) as response:
            body = await response.json(content_type=None)
            return {"content_type": response.content_type, **body, "status": response.status}

    async def close(self) -> None:
        await self.gateway.stop()
        for replica in self._replicas:
            await replica.kill()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Waits until the condition holds; fails if it does not in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)
