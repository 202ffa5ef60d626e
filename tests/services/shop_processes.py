"""The shop's services as processes on loopback, each with its own database on one PostgreSQL."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.services import machine

CHECKOUT = Path(__file__).parents[2]
SERVICES = ("user", "product", "payment", "order")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON document."""
        return json.loads(self.body)


@dataclass
class Shop:
    """Processes by name; a second replica of a service has another name."""

    postgres: machine.Postgres
    cache_url: str
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Where a process listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def database_url(self, service: str) -> str:
        """The service's own database."""
        return self.postgres.url(f"shop_{service}")

    def environment(self, service: str, port: int, **more: str) -> dict[str, str]:
        """What the service contract gives a process."""
        calls = {f"{name.upper()}_URL": self.url(name) for name in SERVICES if name in self.ports}
        return {
            **os.environ, "PYTHONPATH": str(CHECKOUT / "services"), "PORT": str(port),
            "DATABASE_URL": self.database_url(service), "CACHE_URL": self.cache_url, **calls, **more,
        }  # fmt: skip

    def migrate(self, service: str) -> None:
        """Makes the service's database and runs its migrations, as the operator's Job does."""
        asyncio.run(_create_database(self.postgres, f"shop_{service}"))
        command = [sys.executable, "-m", service, "migrate"]
        done = subprocess.run(command, env=self.environment(service, 1), capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def start(self, service: str, name: str = "", **environment: str) -> None:
        """Starts a process of a service and waits until it is ready. A name that ran before keeps its port."""
        name = name or service
        port = self.ports.setdefault(name, machine.free_port())
        log = self.logs.setdefault(name, Path(tempfile.mkstemp(prefix=f"shop-{name}-")[1]))
        with log.open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", service],
                env=self.environment(service, port, **environment), stdout=output, stderr=output,
            )  # fmt: skip
        machine.wait_for_port(port, self.processes[name])

    def end(self, name: str) -> int:
        """Ends a process as Kubernetes does; its exit code."""
        return machine.end(self.processes.pop(name))

    def end_all(self) -> None:
        """Ends what runs and removes the logs."""
        for name in list(self.processes):
            self.end(name)
        for log in self.logs.values():
            log.unlink()

    async def call(
        self, name: str, method: str, path: str, document: Any = None, *, token: str = "", key: str = ""
    ) -> Answer:
        """One request to a process."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["idempotency-key"] = key
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url(name) + path, json=document, headers=headers) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    async def query(self, service: str, sql: str, *arguments: Any) -> Any:
        """A single value out of a service's database."""
        connection = await asyncpg.connect(self.database_url(service))
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    async def customer(self, email: str, password: str = "a good passphrase") -> str:
        """Signs up and logs in; the token."""
        new = {"email": email, "password": password, "display_name": "A customer"}
        signed_up = await self.call("user", "POST", "/api/users", new)
        assert signed_up.status == 201, signed_up
        session = await self.call("user", "POST", "/api/users/login", {"email": email, "password": password})
        assert session.status == 200, session
        token: str = session.document["access_token"]
        return token


async def _create_database(server: machine.Postgres, name: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
