"""Secrets with random values: made once, never written again.

A password that changes under a running database locks everybody out, so there is no update here at all: a
Secret that exists, however it came about, is right.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.outcome import Learn, Outcome, Write, attempt
from consumerapp_operator.plan.model import GeneratedSecret, Manifest, ObjectKey

PASSWORD_BYTES = 24

log = structlog.get_logger()


async def create_missing(
    client: Client, wanted: Sequence[GeneratedSecret], live: Mapping[ObjectKey, Manifest], learn: Learn
) -> Outcome:
    """Create the Secrets that are not there. One that the watch has not shown yet is found out by the 409."""
    outcome = Outcome()
    for secret in wanted:
        key = ObjectKey.of(secret.manifest)
        if key in live or outcome.terminating:
            continue
        write = Write(key, "Created", "its values were drawn at random")
        result = await attempt(write, partial(client.create, with_values(secret)), learn)
        if any(failure.status == 409 for failure in result.failures):
            continue
        if result.writes:
            log.info("created", object=str(key))
        outcome += result
    return outcome


def with_values(secret: GeneratedSecret) -> Manifest:
    """The Secret as it is sent, each password drawn anew."""
    drawn = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in secret.passwords}
    return {**secret.manifest, "stringData": dict(secret.data(drawn))}
