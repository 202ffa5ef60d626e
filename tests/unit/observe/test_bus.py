"""What the bus servers' monitoring says, read."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.app import read_app
from consumerapp_operator.apply.bus import differs
from consumerapp_operator.observe.bus import sight
from consumerapp_operator.plan.streams import Sight, Wanted, wanted

SECOND = 10**9


def should(*, consumes: tuple[str, ...] = ("order.placed",), replicas: int = 3) -> Wanted:
    worker = {"name": "notifier", "image": "x", "consumes": list(consumes)}
    spec = {"bus": {"type": "nats", "replicas": replicas}, "services": [{"name": "a", "image": "x"}]}
    app = read_app({"metadata": {"namespace": "n", "name": "shop", "uid": "u"}, "spec": {**spec, "workers": [worker]}})
    assert app.spec.bus
    return wanted(app, app.spec.bus)


def answer(found: Wanted, leader: str = "", pending: int = 0, unacknowledged: int = 0) -> dict[str, Any]:
    """As NATS 2.10 answers /jsz, for streams that are as they should be."""
    cluster = {"cluster": {"name": "bus", "leader": leader}} if leader else {}
    details = []
    for stream in found.streams:
        config = {
            "name": stream.name, "subjects": list(stream.subjects), "max_bytes": stream.max_bytes,
            "max_age": stream.max_age_seconds * SECOND, "num_replicas": stream.replicas,
            "discard": "old" if stream.keeps_newest else "new",
            "retention": "workqueue" if stream.is_queue else "limits",
        }  # fmt: skip
        consumers = [
            {
                "name": item.name, "num_pending": pending, "num_ack_pending": unacknowledged, **cluster,
                "config": {
                    "durable_name": item.name, "ack_wait": item.ack_wait_seconds * SECOND,
                    "max_deliver": item.max_deliver,
                    # One is given back as a text, several as a list.
                    **({"filter_subject": item.subjects[0]} if len(item.subjects) == 1 else {}),
                    **({"filter_subjects": list(item.subjects)} if len(item.subjects) > 1 else {}),
                },
            }
            for item in found.consumers
            if item.stream == stream.name
        ]  # fmt: skip
        details.append(
            {"name": stream.name, "config": config, "state": {"messages": 3}, "consumer_detail": consumers, **cluster}
        )
    return {"account_details": [{"name": "$G", "stream_detail": details}]}


def test_lag_is_what_was_not_delivered_and_what_was_not_acknowledged() -> None:
    found = should(replicas=1)
    seen = sight({"bus-0": answer(found, pending=40, unacknowledged=2)})
    assert seen.lag["events", "notifier"] == 42
    assert seen.messages["dead"] == 3


def test_only_the_leader_is_believed() -> None:
    found = should()
    behind = answer(found, leader="bus-1", pending=999)
    seen = sight({"bus-0": behind, "bus-1": answer(found, leader="bus-1", pending=5), "bus-2": behind})
    assert seen.lag["events", "notifier"] == 5
    assert not sight({"bus-0": behind}).lag, "what no leader says is not known"


@pytest.mark.parametrize("consumes", [("order.placed",), ("order.placed", "user.signed_up")])
def test_nothing_is_written_while_all_is_as_it_should_be(consumes: tuple[str, ...]) -> None:
    found = should(consumes=consumes)
    assert not differs(found, sight({"bus-1": answer(found, leader="bus-1")}))


def test_what_is_missing_or_changed_or_left_over_differs() -> None:
    before, after = should(), should(consumes=("order.placed", "user.signed_up"))
    seen = sight({"bus-1": answer(before, leader="bus-1")})
    assert differs(after, seen)
    assert differs(before, Sight())
    without = Wanted(before.streams, tuple(item for item in before.consumers if item.name != "notifier"))
    assert differs(without, seen)
