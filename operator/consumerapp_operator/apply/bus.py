"""Makes the streams and consumers of a bus what they should be, and copies what nobody could process to `dead`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import nats
import orjson
import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from consumerapp_operator.api.names import NATS_PORT
from consumerapp_operator.plan.streams import (
    DUPLICATE_WINDOW_SECONDS,
    EVENTS,
    EXHAUSTED,
    UNDERTAKER,
    Consumer,
    Sight,
    Stream,
    Wanted,
)

CONNECT_SECONDS = 2
ANSWER_SECONDS = 5.0
BATCH = 50
# Headers of a dead letter, beside those of the event.
CONSUMER_HEADER, DELIVERIES_HEADER = "Dead-Consumer", "Dead-Deliveries"

log = structlog.get_logger()


class BusUnavailable(Exception):  # noqa: N818 - named for what it is
    """The bus did not answer, or refused; it is tried again in the next turn."""


def differs(wanted: Wanted, sight: Sight) -> bool:
    """Whether anything on the bus is not as wanted. Consumers of EVENTS that nobody wants count, others do not."""
    return (
        any(sight.streams.get(stream.name) != stream for stream in wanted.streams)
        or any(sight.consumers.get((item.stream, item.name)) != item for item in wanted.consumers)
        or bool(_unwanted(wanted, sight))
    )


@asynccontextmanager
async def connected(addresses: Sequence[str], port: int = NATS_PORT) -> AsyncIterator[JetStreamContext]:
    """A connection to any of the servers. Raises BusUnavailable, also for what fails while it is used."""
    try:
        client = await nats.connect(
            [f"nats://{ip}:{port}" for ip in addresses],
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            error_cb=_ignore,  # each is raised where it happens, too
        )
        try:
            yield client.jetstream(timeout=ANSWER_SECONDS)
        finally:
            await client.close()
    except (NatsError, OSError, TimeoutError) as error:
        raise BusUnavailable(str(error) or type(error).__name__) from error


async def make(jetstream: JetStreamContext, wanted: Wanted, sight: Sight) -> None:
    """Create and change what differs: streams first, then consumers; remove those of workers that are gone."""
    for stream in wanted.streams:
        if sight.streams.get(stream.name) == stream:
            continue
        config = _stream_config(stream)
        try:
            await jetstream.stream_info(stream.name)
        except NotFoundError:
            await jetstream.add_stream(config)
        else:
            await jetstream.update_stream(config)
        log.info("stream written", stream=stream.name, subjects=stream.subjects)
    for consumer in wanted.consumers:
        if sight.consumers.get((consumer.stream, consumer.name)) != consumer:
            await jetstream.add_consumer(consumer.stream, _consumer_config(consumer))
            log.info("consumer written", consumer=consumer.name, subjects=consumer.subjects)
    for stream_name, name in _unwanted(wanted, sight):
        await jetstream.delete_consumer(stream_name, name)
        log.info("consumer removed", consumer=name)


async def bury(jetstream: JetStreamContext) -> int:
    """Copy the events that were delivered too often to `dead.<topic>`, and return how many.

    The advisory is acknowledged only after the copy is stored; one that is copied twice is stored once, by its id.
    """
    subscription = await jetstream.pull_subscribe_bind(UNDERTAKER, EXHAUSTED)
    buried = 0
    try:
        messages = await subscription.fetch(BATCH, timeout=1)
    except TimeoutError:
        messages = []
    for message in messages:
        advisory = orjson.loads(message.data)
        sequence, consumer = int(advisory["stream_seq"]), str(advisory["consumer"])
        try:
            event = await jetstream.get_msg(EVENTS, sequence)
        except NotFoundError:
            log.warning("an event is gone before it could be kept as a dead letter", sequence=sequence)
        else:
            headers = {
                **(event.headers or {}),
                "Nats-Msg-Id": f"{consumer}-{sequence}",
                CONSUMER_HEADER: consumer,
                DELIVERIES_HEADER: str(advisory["deliveries"]),
            }
            await jetstream.publish(f"dead.{event.subject}", event.data or b"", headers=headers)
            log.warning("dead letter", topic=event.subject, consumer=consumer, sequence=sequence)
            buried += 1
        await message.ack_sync()
    await subscription.unsubscribe()
    return buried


def _unwanted(wanted: Wanted, sight: Sight) -> list[tuple[str, str]]:
    names = {(item.stream, item.name) for item in wanted.consumers}
    return [key for key in sorted(sight.consumers) if key[0] == EVENTS and key not in names]


def _stream_config(stream: Stream) -> StreamConfig:
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=RetentionPolicy.WORK_QUEUE if stream.is_queue else RetentionPolicy.LIMITS,
        max_bytes=stream.max_bytes,
        max_age=stream.max_age_seconds,
        discard=DiscardPolicy.OLD if stream.keeps_newest else DiscardPolicy.NEW,
        storage=StorageType.FILE,
        num_replicas=stream.replicas,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        no_ack=stream.name == EXHAUSTED,  # the server publishes there, and awaits no answer
    )


def _consumer_config(consumer: Consumer) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=consumer.name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait_seconds,
        max_deliver=consumer.max_deliver,
        filter_subjects=list(consumer.subjects) or None,
    )


async def _ignore(_: Exception) -> None:
    """nats-py's own would print."""
