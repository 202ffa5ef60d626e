"""Small corrections on objects that are not the operator's own, such as a label on a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.outcome import Learn, Outcome, Write, attempt
from consumerapp_operator.plan.model import Manifest, ObjectKey, Patch

log = structlog.get_logger()


async def patch_all(
    client: Client, patches: Sequence[Patch], live: Mapping[ObjectKey, Manifest], learn: Learn
) -> Outcome:
    """Make the patches that would change something; an object that is gone needs none."""
    outcome = Outcome()
    for patch in patches:
        if patch.key not in live or is_merged(patch.body, live[patch.key]):
            continue
        write = Write(patch.key, "Patched", patch.reason)
        result = await attempt(write, partial(client.patch, patch.key, patch.body), learn)
        if any(failure.status == 404 for failure in result.failures):
            continue
        if result.writes:
            log.info("patched", object=str(patch.key), reason=patch.reason)
        outcome += result
    return outcome


def is_merged(patch: Any, live: Any) -> bool:
    """Whether a JSON merge patch (RFC 7396) would change nothing."""
    if not isinstance(patch, Mapping):
        return bool(patch == live)
    if live is None:
        live = {}
    if not isinstance(live, Mapping):
        return False
    return all(name not in live if value is None else is_merged(value, live.get(name)) for name, value in patch.items())
