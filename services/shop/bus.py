"""The connection to the app's event bus, and the events on it: CloudEvents 1.0 as JSON."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats
import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

STREAM = "events"
CONNECT_SECONDS = 2
ANSWER_SECONDS = 5.0
UNREACHABLE = (NatsError, OSError, TimeoutError)


class BusUnavailable(Exception):  # noqa: N818 - named for what it is
    """The bus did not answer in time."""


class BadEvent(ValueError):  # noqa: N818 - named for what it is
    """What came is no event that its receiver can use."""


@dataclass(frozen=True)
class Event:
    """Something that happened. ``id`` is the same however often it is delivered; ``type`` is the topic."""

    id: str
    source: str
    type: str
    time: datetime
    data: dict[str, Any]

    def encode(self) -> bytes:
        """As it is on the bus."""
        return orjson.dumps(
            {
                "specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "time": self.time,
                "datacontenttype": "application/json", "data": self.data,
            }
        )  # fmt: skip


def decode(body: bytes) -> Event:
    """Raises BadEvent."""
    try:
        document = orjson.loads(body)
        event = Event(
            document["id"], document["source"], document["type"],
            datetime.fromisoformat(document["time"]), document["data"],
        )  # fmt: skip
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadEvent(f"no CloudEvent: {type(error).__name__}: {error}") from error
    if not isinstance(event.id, str) or not event.id or not isinstance(event.data, dict):
        raise BadEvent("no CloudEvent: id must be a text and data an object")
    return event


class Bus:
    """One connection, made when it is first used and again whenever it is lost."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def jetstream(self) -> JetStreamContext:
        """Raises BusUnavailable."""
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                try:
                    self._client = await nats.connect(
                        self._url, name=self._name, connect_timeout=CONNECT_SECONDS, allow_reconnect=False,
                        error_cb=_ignore,
                    )  # fmt: skip
                except UNREACHABLE as error:
                    raise BusUnavailable(f"no connection to the bus: {error or type(error).__name__}") from error
            return self._client.jetstream(timeout=ANSWER_SECONDS)

    async def ping(self, seconds: float) -> None:
        """Raises BusUnavailable when the bus does not answer in time."""
        try:
            async with asyncio.timeout(seconds):
                await (await self.jetstream()).account_info()
        except UNREACHABLE as error:
            raise BusUnavailable("the bus does not answer") from error

    async def close(self) -> None:
        """Sends what is to be sent, and ends the connection."""
        if self._client is not None:
            await self._client.close()


async def _ignore(_: Exception) -> None:
    """Each error is raised where it happens; nats-py's own would print it."""
