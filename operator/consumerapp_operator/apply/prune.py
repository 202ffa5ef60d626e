"""Removal of what the spec no longer names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.outcome import Outcome, Write, attempt
from consumerapp_operator.plan.model import Manifest, ObjectKey

log = structlog.get_logger()


async def prune(client: Client, keys: Sequence[ObjectKey], live: Mapping[ObjectKey, Manifest]) -> Outcome:
    """Delete exactly the objects that the plan has seen: another one of the same name (another uid) stays.

    That it is gone, or is another one by now, is as good as deleted.
    """
    outcome = Outcome()
    for key in keys:
        manifest = live.get(key)
        if manifest is None or manifest["metadata"].get("deletionTimestamp"):
            continue
        write = Write(key, "Pruned", "the spec no longer names it")
        result = await attempt(write, partial(client.delete, key, manifest["metadata"]["uid"]), _nothing)
        if any(failure.status == 409 for failure in result.failures):
            continue
        if result.writes:
            log.info("pruned", object=str(key))
        outcome += result
    return outcome


def _nothing(answer: Manifest) -> None:
    """A deletion is learnt from the watch: the object may still be there for its grace period."""
