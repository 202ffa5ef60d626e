"""A namespace of its own on the real cluster, and the operator's client to it."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.apply.connection import Connection
from consumerapp_operator.apply.limiter import Limiter

KUBECONFIG = Path(__file__).parents[3] / "build" / "kubeconfig"


class Writes(list[tuple[str, str, str]]):
    """Every write request that a client made, as (verb, kind, result)."""

    def __call__(self, verb: str, kind: str, result: str) -> None:
        self.append((verb, kind, result))


@pytest.fixture(autouse=True)
def kubeconfig(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cluster that `make cluster` made, unless KUBECONFIG names another."""
    path = Path(os.environ.get("KUBECONFIG") or KUBECONFIG)
    if not path.exists():
        pytest.fail(f"there is no cluster: {path} does not exist; run make cluster")
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
async def client(kubeconfig: Path, writes: Writes) -> AsyncIterator[Client]:  # noqa: ARG001 - sets the environment
    made = Client(Connection(), Limiter(1000, 1000), writes)
    yield made
    await made.close()


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace that is deleted afterwards, not waited for."""
    name = f"engine-{uuid.uuid4().hex[:8]}"
    path = "/api/v1/namespaces"
    await client.request("POST", path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    try:
        await client.request("DELETE", f"{path}/{name}")
    except ApiError as error:
        if error.status not in (404, 409):  # a test deleted it itself
            raise
