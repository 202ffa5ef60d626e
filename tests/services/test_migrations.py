"""Migrations, by several processes at once and after interruptions."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from shop.migrations import Migration, MigrationError, migrate, read
from tests.services.shop_processes import CHECKOUT, SERVICES

FIRST = Migration(1, "0001_first", "CREATE TABLE one (n int); INSERT INTO one VALUES (1);")
SECOND = Migration(2, "0002_second", "ALTER TABLE one ADD m int; SELECT pg_sleep(0.2);")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_migrated_by_five_processes_at_once_is_migrated_once(service: str, database_url: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "services"), "DATABASE_URL": database_url}
    command = [sys.executable, "-W", "error", "-m", service, "migrate"]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(5)
    ]
    outputs = [process.communicate()[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 5, outputs
    names = [path.stem for path in sorted((CHECKOUT / "services" / service / "migrations").glob("*.sql"))]
    for name in names:
        assert sum(name in output for output in outputs) == 1, outputs


async def test_an_interrupted_file_leaves_nothing_and_can_be_run_again(database_url: str) -> None:
    broken = Migration(2, "0002_second", "CREATE TABLE two (n int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database_url, [FIRST, broken], wait=1)
    assert await migrate(database_url, [FIRST, SECOND], wait=1) == ["0002_second"]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT to_regclass('two')") is None
    await connection.close()


async def test_a_file_changed_after_it_was_applied_is_refused_by_name(database_url: str) -> None:
    await migrate(database_url, [FIRST], wait=1)
    with pytest.raises(MigrationError, match="0001_other is not what was applied as 0001_first"):
        await migrate(database_url, [Migration(1, "0001_other", "SELECT 1")], wait=1)


async def test_a_database_ahead_of_the_files_is_left_alone(database_url: str) -> None:
    """A rollout that is taken back runs the old image's migrations."""
    await migrate(database_url, [FIRST, SECOND], wait=1)
    assert await migrate(database_url, [FIRST], wait=1) == []


async def test_a_database_that_does_not_come_is_an_error_after_the_wait() -> None:
    with pytest.raises(MigrationError, match="no writable database within 0 s"):
        await migrate("postgresql://postgres@127.0.0.1:1/x", [FIRST], wait=0)


async def test_migrating_at_the_same_time_in_one_process(database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(database_url, [FIRST, SECOND], wait=1) for _ in range(4)))
    assert sorted(applied) == [[], [], [], ["0001_first", "0002_second"]]


@pytest.mark.parametrize("names", [["0002_a.sql"], ["0001_a.sql", "0003_b.sql"], ["0001_A.sql"], []])
def test_files_are_numbered_without_gaps(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError):
        read(tmp_path)
