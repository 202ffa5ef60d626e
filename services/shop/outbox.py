"""The transactional outbox: an event is a row, committed with what it tells of; a relay puts it on the bus.

The row goes only when the bus has acknowledged that it stored the event. A relay that dies in between sends the event
again, by the same id: the bus drops what it has seen, and receivers take an id once. Replicas share the work by locks
on rows. Without a bus nothing is written.
"""

import asyncio
from collections.abc import Sequence

import orjson
import structlog
from nats.js import JetStreamContext

from shop.bus import STREAM, UNREACHABLE, Bus, BusUnavailable, Event
from shop.database import Connection, Database, DatabaseUnavailable
from shop.settings import Settings

BATCH = 100
POLL_SECONDS = 0.5
PAUSE_SECONDS = 2.0

log = structlog.get_logger()


class Relay:
    """Sends the outbox of one service for as long as the service runs."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._source, self._database = settings.service, database
        self._bus = Bus(settings.bus_url, settings.service) if settings.bus_url else None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begins to send, if there is a bus."""
        if self._bus is not None:
            self._task = asyncio.create_task(self._run(self._bus), name="outbox relay")

    async def close(self) -> None:
        """Ends after the batch under way; another replica, or the next start, sends the rest."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        if self._bus is not None:
            await self._bus.close()

    async def _run(self, bus: Bus) -> None:
        while not self._stopping.is_set():
            pause = POLL_SECONDS
            try:
                jetstream = await bus.jetstream()
                if await self._database.primary(lambda c: self._send(c, jetstream), repeatable=False) == BATCH:  # noqa: B023
                    continue
            except (BusUnavailable, DatabaseUnavailable, *UNREACHABLE) as error:
                log.warning("events wait in the outbox", reason=str(error) or type(error).__name__)
                pause = PAUSE_SECONDS
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _send(self, connection: Connection, jetstream: JetStreamContext) -> int:
        """Sends a batch that no other relay has; how many."""
        async with connection.transaction():
            rows = await connection.fetch(
                "SELECT id, topic, data, created_at FROM outbox ORDER BY created_at, id LIMIT $1"
                " FOR UPDATE SKIP LOCKED",
                BATCH,
            )
            sent: list[object] = []
            for row in rows:
                event = Event(str(row["id"]), self._source, row["topic"], row["created_at"], _object(row["data"]))
                await jetstream.publish(
                    event.type, event.encode(), stream=STREAM, headers={"Nats-Msg-Id": event.id}
                )  # raises unless the stream has stored it
                sent.append(row["id"])
            await _remove(connection, sent)
            return len(sent)


async def _remove(connection: Connection, ids: Sequence[object]) -> None:
    if ids:
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1::uuid[])", ids)


def _object(text: str) -> dict[str, object]:
    document: dict[str, object] = orjson.loads(text)
    return document
