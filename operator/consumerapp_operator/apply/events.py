"""Kubernetes Events of an app: what `kubectl describe` shows below the status."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from consumerapp_operator.api.names import API_VERSION, FIELD_MANAGER, KIND
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.plan.model import Manifest

REPEAT_AFTER_SECONDS = 600.0
REMEMBERED = 2048

log = structlog.get_logger()


@dataclass(frozen=True)
class Notice:
    """Something worth telling: a CamelCase reason, a message, and whether it is a warning."""

    reason: str
    message: str
    warning: bool = False


class Events:
    """Writes Events; the same one (app, reason and message) at most once in ten minutes."""

    def __init__(self, client: Client, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def tell(self, app: Manifest, notice: Notice, now: float) -> None:
        """`now` is Unix time. An Event that cannot be written is logged; nothing depends on it."""
        uid = app["metadata"]["uid"]
        identity = (uid, notice.reason, notice.message)
        if now - self._told.get(identity, float("-inf")) < REPEAT_AFTER_SECONDS:
            return
        self._told[identity] = now
        self._told.move_to_end(identity)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        try:
            await self._client.create(event(app, notice, now, self._instance))
        except ApiError as error:
            log.warning("event not written", reason=notice.reason, app=app["metadata"]["name"], error=str(error))


def event(app: Manifest, notice: Notice, now: float, instance: str) -> Manifest:
    """A core/v1 Event about the app."""
    metadata = app["metadata"]
    at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "type": "Warning" if notice.warning else "Normal",
        "reason": notice.reason,
        "message": notice.message[:1024],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "reportingInstance": instance,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
