"""A service's database: the primary for all that must be right now, replicas for what may be a little old.

Work is given as a function of a connection. Whether it may run twice is the caller's to say: a connection
that dies while a commit is on its way leaves open whether it happened.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

import asyncpg
import structlog

from shop import deadline
from shop.replica import ReplicaBehind, ReplicaConnection
from shop.settings import Settings, SettingsError

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool

T = TypeVar("T")
Work = Callable[[Connection], Awaitable[T]]

log = structlog.get_logger()

CONNECT_SECONDS = 2.0
REPLICA_PAUSE_SECONDS = 1.0  # after a failure no read tries a replica for so long
# A pool keeps its connections, and a connection its replica: they are renewed so that new replicas get their
# share.
REPLICA_CONNECTION_QUERIES = 1000

# The server went away, is starting, or is full: another connection, or a little later, may work.
UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
# A former primary. Nothing was changed, so whatever it was can be tried again.
DEMOTED = asyncpg.ReadOnlySQLTransactionError


class DatabaseUnavailable(Exception):  # noqa: N818 - named for what a client is told
    """The database could not be reached in time, or a write was cut off. The message holds no secret."""


class Database:
    """The pools of one service. Connects when first used, so that a service starts while its database is
    away.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            raise SettingsError(f"DATABASE_URL is not set: {settings.service} needs its database")
        self._settings = settings
        self._primary: Pool | None = None
        self._replicas: Pool | None = None
        self._replicas_avoided_until = float("-inf")

    async def open(self) -> None:
        """Makes the pools, without connecting."""
        settings = self._settings
        self._primary = await self._pool(settings.database_url, asyncpg.Connection, 50_000)
        if settings.database_read_url:
            self._replicas = await self._pool(settings.database_read_url, ReplicaConnection, REPLICA_CONNECTION_QUERIES)

    async def close(self) -> None:
        """Closes the pools after what runs has ended, or after a few seconds at once."""
        for pool in (self._primary, self._replicas):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), 3)
                except TimeoutError:
                    pool.terminate()

    async def primary(self, work: Work[T], *, repeatable: bool) -> T:
        """Runs ``work`` on the primary.

        ``repeatable``: it does the same when it runs twice, so it is run once more if the connection dies
        under it. Raises DatabaseUnavailable; errors that PostgreSQL reports about the work itself come
        through.
        """
        assert self._primary is not None, "open() first"
        for last in (False, True):
            connection = await self._connected(self._primary)
            try:
                return await work(connection)
            except DEMOTED as error:
                await self._primary.expire_connections()
                if last:
                    raise DatabaseUnavailable("the primary has just moved") from error
            except UNREACHABLE as error:
                if isinstance(error, asyncpg.InterfaceError) and not connection.is_closed():
                    raise  # asyncpg's word for wrong use, not only for a lost connection
                if last or not repeatable:
                    raise DatabaseUnavailable(f"the connection was lost: {type(error).__name__}") from error
            except (TimeoutError, asyncpg.QueryCanceledError) as error:
                raise DatabaseUnavailable("the database did not answer in time") from error
            finally:
                await self._release(self._primary, connection)
            log.warning("database retry")
        raise AssertionError("the second attempt returns or raises")

    async def stale(self, work: Work[T]) -> T:
        """Runs ``work``, which only reads, on a replica: what it sees may be a few seconds old.

        Goes to the primary when there is no replica, or it fails or is too far behind.
        """
        now = time.monotonic()
        if self._replicas is None or now < self._replicas_avoided_until:
            return await self.primary(work, repeatable=True)
        try:
            async with self._replicas.acquire(timeout=deadline.remaining(CONNECT_SECONDS)) as connection:
                await cast(ReplicaConnection, connection).require_level(now, self._settings.replica_lag_max)
                return await work(connection)
        # SerializationError is how a replica ends a query that stands in the way of replaying.
        except (*UNREACHABLE, TimeoutError, ReplicaBehind, asyncpg.SerializationError) as error:
            self._replicas_avoided_until = time.monotonic() + REPLICA_PAUSE_SECONDS
            log.warning("replica avoided", reason=str(error) or type(error).__name__, seconds=REPLICA_PAUSE_SECONDS)
        return await self.primary(work, repeatable=True)

    async def ping(self, seconds: float) -> None:
        """Returns when the primary answers a query within so many seconds. Raises DatabaseUnavailable."""
        assert self._primary is not None, "open() first"
        try:
            async with asyncio.timeout(seconds), self._primary.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:  # a wrong password, too
            raise DatabaseUnavailable(f"primary: {type(error).__name__}") from error

    async def _pool(self, url: str, connection_class: type, max_queries: int) -> Pool:
        milliseconds = str(int(self._settings.statement_timeout * 1000))
        pool: Pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=self._settings.pool_max,
            max_queries=max_queries,
            connection_class=connection_class,
            timeout=CONNECT_SECONDS,
            # Beyond the server's own limit: this one is for a server that hangs.
            command_timeout=self._settings.statement_timeout + 1,
            reset=_keep_session,
            server_settings={
                "application_name": self._settings.service,
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "jit": "off",
            },
        )
        return pool

    async def _connected(self, pool: Pool) -> Connection:
        """A connection, waiting for one, or for the server, as long as the settings and the request allow."""
        seconds = deadline.remaining(self._settings.acquire_timeout)
        give_up = time.monotonic() + seconds
        pause = 0.05
        while True:
            left = give_up - time.monotonic()
            try:
                return await pool.acquire(timeout=max(0.001, left))
            except (*UNREACHABLE, TimeoutError) as error:
                if time.monotonic() + pause >= give_up:
                    message = f"no connection within {seconds:.1f} s: {type(error).__name__}"
                    raise DatabaseUnavailable(message) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.4)

    async def _release(self, pool: Pool, connection: Connection) -> None:
        try:
            await pool.release(connection)
        except UNREACHABLE as error:  # it died with the work: the pool has dropped it by then
            log.info("connection dropped", reason=type(error).__name__)


async def _keep_session(_: object) -> None:
    """Instead of asyncpg's RESET after each use: the services change nothing in a session, and it is a round
    trip.
    """
