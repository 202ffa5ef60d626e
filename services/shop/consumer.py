"""Takes a worker's events off the bus: each is acknowledged only after it was handled.

What is not acknowledged is delivered again, and after `maxDeliver` times the operator keeps it as a dead letter. So a
handler must do the same when it gets an event twice; ``Event.id`` tells.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shop.bus import STREAM, UNREACHABLE, BadEvent, Bus, BusUnavailable, Event, decode

BATCH = 10
WAIT_SECONDS = 1.0  # for events; also how long a stop waits at most
PAUSE_SECONDS = 1.0
AGAIN_SECONDS = 1.0

Handler = Callable[[JetStreamContext, Event], Awaitable[None]]

log = structlog.get_logger()


class Consumer:
    """One durable consumer, which all replicas of the worker share. ``handler`` raises BadEvent, BusUnavailable, or an
    error of the connection, for an event that is to come again."""

    def __init__(self, bus: Bus, name: str, handler: Handler) -> None:
        self._bus, self._name, self._handler = bus, name, handler
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begins to take events."""
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._name}")

    async def close(self) -> None:
        """Ends after the events in hand."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self._bus.close()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._take()
            except (BusUnavailable, *UNREACHABLE) as error:
                log.warning("no events now", reason=str(error) or type(error).__name__)
                await self._pause(PAUSE_SECONDS)

    async def _take(self) -> None:
        """Until the stop or an error of the connection."""
        jetstream = await self._bus.jetstream()
        subscription = await jetstream.pull_subscribe_bind(self._name, STREAM)
        while not self._stopping.is_set():
            try:
                messages = await subscription.fetch(BATCH, timeout=WAIT_SECONDS)
            except TimeoutError:  # nats-py has several of its own, all of which are this one
                if not jetstream._nc.is_connected:
                    raise BusUnavailable("the connection was lost") from None
                continue
            for message in messages:
                await self._handle(jetstream, message)
        await subscription.unsubscribe()

    async def _handle(self, jetstream: JetStreamContext, message: Msg) -> None:
        try:
            event = decode(message.data)
            await self._handler(jetstream, event)
        except BadEvent as error:
            delivered = message.metadata.num_delivered
            log.warning("event not handled", topic=message.subject, delivered=delivered, reason=str(error))
            await message.nak(delay=AGAIN_SECONDS)
        else:
            await message.ack_sync(timeout=PAUSE_SECONDS * 2)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
