"""Pools against real servers: replicas that lag or go, and connections that die under the work."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shop.database import Connection, Database, DatabaseUnavailable
from shop.settings import Settings
from tests.services import machine


@asynccontextmanager
async def opened(url: str, read_url: str = "", **settings: float) -> AsyncIterator[Database]:
    database = Database(Settings("test", database_url=url, database_read_url=read_url, **settings))  # type: ignore[arg-type]
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def in_recovery(connection: Connection) -> bool:
    answer: bool = await connection.fetchval("SELECT pg_is_in_recovery()")
    return answer


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[machine.Postgres, machine.Postgres]]:
    """A primary and its streaming replica."""
    with machine.postgres() as primary, machine.standby(primary) as replica:
        yield primary, replica


async def caught_up(primary: machine.Postgres, replica: machine.Postgres) -> None:
    """Returns when the replica has replayed what the primary has written."""
    source, target = await asyncpg.connect(primary.url()), await asyncpg.connect(replica.url())
    try:
        position = await source.fetchval("SELECT pg_current_wal_lsn()")
        give_up = time.monotonic() + 20
        while not await target.fetchval("SELECT pg_last_wal_replay_lsn() >= $1", position):
            assert time.monotonic() < give_up, "the replica does not catch up"
            await asyncio.sleep(0.05)
    finally:
        await source.close()
        await target.close()


async def test_stale_reads_go_to_the_replica_and_others_to_the_primary(
    pair: tuple[machine.Postgres, machine.Postgres],
) -> None:
    primary, replica = pair
    await caught_up(primary, replica)
    async with opened(primary.url(), replica.url()) as database:
        assert await database.stale(in_recovery)
        assert not await database.primary(in_recovery, repeatable=True)


async def test_reads_leave_a_replica_that_is_behind_and_come_back(
    pair: tuple[machine.Postgres, machine.Postgres],
) -> None:
    primary, replica = pair
    source, target = await asyncpg.connect(primary.url()), await asyncpg.connect(replica.url())
    try:
        await source.execute("CREATE TABLE IF NOT EXISTS news (n int)")
        await caught_up(primary, replica)
        await target.execute("SELECT pg_wal_replay_pause()")
        await source.execute("INSERT INTO news VALUES (1)")
        await asyncio.sleep(1.5)
        async with opened(primary.url(), replica.url(), replica_lag_max=1.0) as database:
            assert not await database.stale(in_recovery), "a replica that is 1.5 s behind"
            await target.execute("SELECT pg_wal_replay_resume()")
            await caught_up(primary, replica)
            assert not await database.stale(in_recovery), "avoided for a second"
            await asyncio.sleep(1.1)
            assert await database.stale(in_recovery)
    finally:
        await target.execute("SELECT pg_wal_replay_resume()")
        await source.close()
        await target.close()


async def test_an_idle_primary_does_not_make_its_replica_look_behind(
    pair: tuple[machine.Postgres, machine.Postgres],
) -> None:
    primary, replica = pair
    await caught_up(primary, replica)
    await asyncio.sleep(1.5)
    async with opened(primary.url(), replica.url(), replica_lag_max=1.0) as database:
        assert await database.stale(in_recovery)


async def test_without_a_replica_reads_go_to_the_primary(database_url: str) -> None:
    nobody = f"postgresql://postgres@127.0.0.1:{machine.free_port()}/postgres"
    async with opened(database_url, nobody) as database:
        assert not await database.stale(in_recovery)


async def kill_own_connection(connection: Connection) -> None:
    await connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_repeatable_work_is_run_once_more_when_its_connection_dies(database_url: str) -> None:
    runs = 0

    async def work(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            await kill_own_connection(connection)
        answer: int = await connection.fetchval("SELECT 42")
        return answer

    async with opened(database_url) as database:
        assert await database.primary(work, repeatable=True) == 42
        assert runs == 2


async def test_other_work_is_not_run_again(database_url: str) -> None:
    runs = 0

    async def work(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        await kill_own_connection(connection)

    async with opened(database_url) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.primary(work, repeatable=False)
        assert runs == 1
        assert not await database.primary(in_recovery, repeatable=False), "the pool is usable afterwards"


async def test_a_connection_that_died_while_idle_costs_no_one_a_failure(database_url: str) -> None:
    async with opened(database_url, pool_max=2) as database:
        await database.primary(in_recovery, repeatable=False)
        killer = await asyncpg.connect(database_url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'test' AND datname = current_database()"
        )
        await killer.close()
        await asyncio.sleep(0.2)
        assert not await database.primary(in_recovery, repeatable=False)


async def test_work_on_a_former_primary_is_refused_as_unavailable(
    pair: tuple[machine.Postgres, machine.Postgres],
) -> None:
    _, replica = pair

    async def write(connection: Connection) -> None:
        await connection.execute("CREATE TABLE never (n int)")

    async with opened(replica.url()) as database:
        with pytest.raises(DatabaseUnavailable, match="moved"):
            await database.primary(write, repeatable=False)


async def test_a_request_waits_for_a_database_that_comes_back() -> None:
    with machine.postgres() as server:
        async with opened(server.url()) as database:
            assert not await database.primary(in_recovery, repeatable=True)
            asyncio.get_running_loop().call_later(1.0, server.process.send_signal, 18)
            server.process.send_signal(19)  # the postmaster hangs: no new connections for a second
            slow = asyncio.gather(*(database.primary(_slow, repeatable=True) for _ in range(4)))
            assert await slow == [1, 1, 1, 1]


async def _slow(connection: Connection) -> int:
    answer: int = await connection.fetchval("SELECT 1 FROM pg_sleep(0.2)")
    return answer


async def test_a_database_that_does_not_come_is_said_so_in_time() -> None:
    nobody = f"postgresql://postgres:secret@127.0.0.1:{machine.free_port()}/postgres"
    async with opened(nobody, acquire_timeout=0.5) as database:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable) as caught:
            await database.primary(in_recovery, repeatable=True)
        assert 0.1 < time.monotonic() - began < 3
        assert "secret" not in str(caught.value)


async def test_a_statement_has_a_time_out(database_url: str) -> None:
    async def forever(connection: Connection) -> None:
        await connection.execute("SELECT pg_sleep(30)")

    async with opened(database_url, statement_timeout=0.2) as database:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await database.primary(forever, repeatable=True)
        assert time.monotonic() - began < 5


async def test_a_mistake_in_a_statement_comes_through_as_such(database_url: str) -> None:
    async def wrong(connection: Connection) -> None:
        await connection.execute("SELECT $1::int", "not a number")

    async with opened(database_url) as database:
        with pytest.raises(asyncpg.DataError):
            await database.primary(wrong, repeatable=True)
