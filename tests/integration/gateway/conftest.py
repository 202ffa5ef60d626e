"""A gateway with replicas behind it, all on the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.gateway.envoy import envoy
from tests.integration.gateway.resolver import resolver
from tests.integration.gateway.stage import Stage


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with resolver() as names, envoy(tmp_path, names.port) as gateway:
        scene = Stage(gateway, names)
        try:
            yield scene
        finally:
            await scene.close()
