"""The one writer of status: a merge patch, and only when a reader would see a difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from consumerapp_operator.api.status import ConsumerAppStatus
from consumerapp_operator.plan.model import Manifest, ObjectKey

# What moves while nothing happens: a status is not written for these alone, else each write would be the next
# one's cause. They are brought up to date with whatever else is written.
_RESTLESS = frozenset(("lastTransitionTime", "at", "observed"))


class Patches(Protocol):
    """The part of apply.client.Client that is needed here."""

    async def patch(self, key: ObjectKey, body: Mapping[str, Any], subresource: str = "") -> Manifest: ...


async def write(client: Patches, app: Manifest, status: ConsumerAppStatus) -> Manifest | None:
    """Write the status if it says something new; the app as it is then, or None if nothing was written.

    Raises ApiError, 404 when the app is gone.
    """
    wanted = status.model_dump(by_alias=True, mode="json", exclude_none=True)
    stored = app.get("status") or {}
    if restful(wanted) == restful(stored):
        return None
    # In a merge patch null removes: what the last status had and this one has not.
    removed = dict.fromkeys(stored.keys() - wanted.keys())
    return await client.patch(ObjectKey.of(app), {"status": {**wanted, **removed}}, "status")


def restful(value: Any) -> Any:
    """The value without what moves all the time; a decision's sentence moves with what was measured."""
    if isinstance(value, Mapping):
        restless = _RESTLESS | {"reason"} if "decided" in value else _RESTLESS
        return {key: restful(item) for key, item in value.items() if key not in restless}
    if isinstance(value, list):
        return [restful(item) for item in value]
    return value
