"""Servers that the tests of a session share. Each test uses customers, keys and databases of its own."""

import itertools
from collections.abc import Iterator

import asyncpg
import pytest

from tests.services import machine
from tests.services.shop_processes import SERVICES, Shop

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[machine.Postgres]:
    with machine.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with machine.redis() as url:
        yield url


@pytest.fixture(scope="session")
def shop(postgres: machine.Postgres, redis_url: str) -> Iterator[Shop]:
    """All four services. A call between them may take 2.5 s, and tok_slow takes 4."""
    shop = Shop(postgres, redis_url)
    try:
        for service in SERVICES:
            shop.migrate(service)
            shop.start(service, SANDBOX_SLOW_SECONDS="4", CALL_TIMEOUT_SECONDS="2.5")
        yield shop
    finally:
        shop.end_all()


@pytest.fixture
async def database_url(postgres: machine.Postgres) -> str:
    """An empty database."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(postgres.url())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres.url(name)
