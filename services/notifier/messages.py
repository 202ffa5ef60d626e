"""From an event to a message, sent once.

The sandbox provider is a bucket on the bus: a message is put there under the event's id, which fails if one is there. A
real provider is given the id as its idempotency key.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from shop.bus import STREAM, BadEvent, Event

BUCKET = "messages"
KEPT_SECONDS = 7 * 86_400  # as long as the bus keeps events: none comes again later

log = structlog.get_logger()


@dataclass(frozen=True)
class Message:
    """What a customer reads. ``to`` is an address, or the id of a customer whose address only `user` knows."""

    to: str
    text: str


def _money(data: Mapping[str, Any], key: str) -> str:
    return f"{int(data[key]) / 100:.2f} {data['currency']}"


_TEXTS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "user.signed_up": lambda data: Message(str(data["email"]), f"Welcome, {data['display_name']}!"),
    "order.placed": lambda data: Message(
        str(data["customer_id"]), f"Your order {data['order_id']} over {_money(data, 'total_cents')} is placed."
    ),
    "payment.captured": lambda data: Message(
        f"order {data['order_id']}", f"We received your payment of {_money(data, 'amount_cents')}."
    ),
}


def message(event: Event) -> Message:
    """Raises BadEvent for a topic or data that no message can be made of."""
    try:
        return _TEXTS[event.type](event.data)
    except (KeyError, TypeError, ValueError) as error:
        raise BadEvent(f"no message for {event.type}: {type(error).__name__} {error}") from error


async def notify(jetstream: JetStreamContext, event: Event) -> None:
    """Sends the event's message unless it was sent. Raises BadEvent."""
    sent = message(event)
    bucket = await _bucket(jetstream)
    try:
        await bucket.create(event.id, orjson.dumps(asdict(sent)))
    except KeyWrongLastSequenceError:
        log.info("already sent", topic=event.type, event_id=event.id)
        return
    log.info("message sent", topic=event.type, event_id=event.id)


async def _bucket(jetstream: JetStreamContext) -> KeyValue:
    try:
        return await jetstream.key_value(BUCKET)
    except BucketNotFoundError:
        replicas = (await jetstream.stream_info(STREAM)).config.num_replicas or 1
        config = KeyValueConfig(bucket=BUCKET, ttl=KEPT_SECONDS, storage=StorageType.FILE, replicas=replicas)
        return await jetstream.create_key_value(config)
