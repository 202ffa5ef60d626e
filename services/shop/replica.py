"""How far a read replica is behind, asked once every few seconds on each connection to one.

Each connection is to a replica of its own choosing (the Service balances connections), so the answer belongs
to the connection and not to the pool.
"""

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

CHECK_SECONDS = 2.0

# On an idle primary the time since the last replayed commit grows without end, so that time counts only while
# there is something to replay, or while nobody is there to receive it from. A connection that reached the
# primary is level.
LAG_SECONDS = """
    SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN 0
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
             AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
        ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 'infinity')
    END::float8
"""


class ReplicaBehind(Exception):  # noqa: N818 - a state that is expected, not an error
    """The replica on this connection is further behind than a read may be; ``seconds`` says how far."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the replica is {seconds:.1f} s behind")
        self.seconds = seconds


class ReplicaConnection(_Connection):
    """A connection that remembers when its replica was last found close enough."""

    _level_until = float("-inf")

    async def require_level(self, now: float, lag_max: float) -> None:
        """Returns when the replica is at most ``lag_max`` seconds behind, give or take the time between
        checks.

        ``now`` is a monotonic time in seconds. Raises ReplicaBehind.
        """
        if now < self._level_until:
            return
        seconds: float = await self.fetchval(LAG_SECONDS)
        if seconds > lag_max:
            raise ReplicaBehind(seconds)
        self._level_until = now + CHECK_SECONDS
