"""What should exist on the bus: streams, and one durable consumer for each worker. Data that apply/bus.py makes real.

An event that was delivered `max_deliver` times leaves its consumer, and the server says so on an advisory subject. The
stream `exhausted` keeps what it says until the operator has copied the event into the stream `dead`; so no event is
lost, whatever language a worker is written in and however it died.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.bus import Bus
from consumerapp_operator.plan.pods import mebibytes

EVENTS, DEAD, EXHAUSTED = "events", "dead", "exhausted"
UNDERTAKER = "operator"
"""The operator's own consumer of `exhausted`."""
DAY_SECONDS = 86_400
DUPLICATE_WINDOW_SECONDS = 600
"""An event published again within this time, by the same id, is stored once."""


@dataclass(frozen=True)
class Stream:
    """`keeps_newest`: when it is full the oldest goes. Otherwise publishing fails, and who published keeps the event.
    `is_queue`: what is acknowledged is removed."""

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    max_age_seconds: int
    replicas: int
    keeps_newest: bool = False
    is_queue: bool = False


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer: an event that is not acknowledged comes again, so many times in all (-1: for ever)."""

    stream: str
    name: str
    subjects: tuple[str, ...]
    ack_wait_seconds: int
    max_deliver: int


@dataclass(frozen=True)
class Wanted:
    """Everything that should be on the bus. Other consumers of EVENTS are of workers that are gone."""

    streams: tuple[Stream, ...]
    consumers: tuple[Consumer, ...]


@dataclass(frozen=True)
class Sight:
    """What the leaders say. `lag` is by consumer: events not delivered and events not acknowledged. `messages` by
    stream. `missing` says, in words, which servers did not answer; then what is absent here may well exist."""

    streams: Mapping[str, Stream] = field(default_factory=dict)
    consumers: Mapping[tuple[str, str], Consumer] = field(default_factory=dict)
    lag: Mapping[tuple[str, str], int] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    missing: str = ""


def wanted(app: ConsumerApp, bus: Bus) -> Wanted:
    """From what services publish and workers consume."""
    topics = {topic for service in app.spec.services for topic in service.publishes}
    topics |= {topic for worker in app.spec.workers for topic in worker.consumes}
    share = mebibytes(bus.storage.size) * 2**20 // 100
    streams = [
        Stream(DEAD, ("dead.>",), 20 * share, 30 * DAY_SECONDS, bus.replicas, keeps_newest=True),
        Stream(
            EXHAUSTED, (f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{EVENTS}.*",), 5 * share, 30 * DAY_SECONDS,
            bus.replicas, is_queue=True,
        ),
    ]  # fmt: skip
    consumers = [Consumer(EXHAUSTED, UNDERTAKER, (), 30, -1)]
    if topics:
        streams.append(Stream(EVENTS, tuple(sorted(topics)), 50 * share, 7 * DAY_SECONDS, bus.replicas))
    consumers += [
        Consumer(EVENTS, worker.name, tuple(sorted(worker.consumes)), worker.ack_wait_seconds, worker.max_deliver)
        for worker in app.spec.workers
    ]
    return Wanted(tuple(streams), tuple(consumers))
