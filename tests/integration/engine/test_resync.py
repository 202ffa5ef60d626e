"""A complete list against a real API server: what is there is found, what is gone is forgotten."""

from __future__ import annotations

import pytest

from consumerapp_operator.api.names import LABEL_MANAGED_BY, LABEL_PART_OF, MANAGED_BY
from consumerapp_operator.apply.client import Client
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.runtime.health import Health
from consumerapp_operator.runtime.queue import Queue
from consumerapp_operator.runtime.resync import Resync
from consumerapp_operator.runtime.telemetry import Telemetry
from tests.integration.engine.test_apply import config_map


def child(namespace: str, name: str) -> Manifest:
    body = config_map(namespace, name)
    body["metadata"]["labels"] = {LABEL_MANAGED_BY: MANAGED_BY, LABEL_PART_OF: "shop"}
    return body


@pytest.mark.parametrize("scope", ["one namespace", "all namespaces"])
async def test_what_the_watch_missed_is_made_good(client: Client, namespace: str, scope: str) -> None:
    queue: Queue[AppKey] = Queue()
    store, telemetry = Store(queue.add), Telemetry()
    health = Health(queue, telemetry, 450)
    resync = Resync(client, store, queue, health, telemetry, [namespace] if scope == "one namespace" else [])
    shop = AppKey(namespace, "shop")
    gone = child(namespace, "gone")
    store.put(await client.create(gone))
    await client.delete(ObjectKey.of(gone))
    await client.create(child(namespace, "missed"))
    await client.create(config_map(namespace, "foreign"))

    await resync.once()

    assert [key.name for key in store.children(shop)] == ["missed"]
    assert store.synced
    assert health.vitals().synced
    assert health.vitals().resync_age < 10
    assert b"consumerapp_resync_ghosts_total 1.0" in telemetry.render()
    assert queue.depth() >= 1
