"""kopf's handlers: cache and enqueue, nothing else.

An error in an event handler is logged by kopf and never retried, and every await holds up the object's
stream; so the work and its retries live in the queue.
"""

from __future__ import annotations

from typing import Any

import kopf

from consumerapp_operator.api.kinds import APP, CHILDREN
from consumerapp_operator.observe.store import Store


def register(registry: kopf.OperatorRegistry, store: Store) -> None:
    """Feed everything that kopf watches into the store."""

    async def observe(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            store.remove(event["object"])
        else:
            store.put(event["object"])

    for kind in (APP, *CHILDREN):
        kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id="observe")(observe)
