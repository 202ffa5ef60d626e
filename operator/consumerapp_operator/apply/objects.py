"""Server-side apply of a plan's objects, in the plan's order, and only of those that are not as wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from itertools import groupby

import structlog

from consumerapp_operator.apply.client import Client
from consumerapp_operator.apply.difference import Cause, Difference, digest, drift, needs_write, stamped
from consumerapp_operator.apply.outcome import Learn, Outcome, Write, attempt
from consumerapp_operator.plan.model import Manifest, ObjectKey

# Later stages refer to earlier ones. A binding is refused as long as its Role is not known everywhere; pods are made
# from workloads at once, and if what they mount or run as is not there, the first ones fail and wait out a back-off.
_STAGES: Mapping[str, int] = {"RoleBinding": 1, "StatefulSet": 2, "Job": 2, "Deployment": 2}
CONCURRENCY = 8

log = structlog.get_logger()


class Objects:
    """Applies objects and remembers which ones cannot be brought any closer to what is wanted.

    An admission webhook, or a default we do not know, can change a value as it is written. Writing it again
    would change nothing, for ever; so what came back is remembered, and only something new makes for another
    attempt.
    """

    def __init__(self, client: Client, learn: Learn) -> None:
        self._client = client
        self._learn = learn
        self._settled: dict[ObjectKey, tuple[str, tuple[str, ...]]] = {}
        self._present: dict[Hashable, frozenset[ObjectKey]] = {}

    async def apply(self, owner: Hashable, objects: Sequence[Manifest], live: Mapping[ObjectKey, Manifest]) -> Outcome:
        """Bring all objects of an owner to what is wanted; one that is refused does not keep the others from it."""
        before = self._present.get(owner, frozenset())
        due = []
        for desired in sorted(objects, key=_stage):  # stable: within a stage the plan's order holds
            found = self._difference(desired, live.get(ObjectKey.of(desired)))
            if found is not None and found.cause is Cause.MISSING and ObjectKey.of(desired) in before:
                found = Difference(Cause.GONE, "it was there, and somebody removed it")
            if found is not None:
                due.append((desired, found))
        outcome = Outcome()
        for _, batch in groupby(due, key=lambda item: _stage(item[0])):
            if not outcome.terminating:
                outcome += await self._batch(list(batch))
        refused = {failure.key for failure in outcome.failures}
        self._present[owner] = frozenset(ObjectKey.of(desired) for desired in objects) - refused
        return outcome

    def forget(self, owner: Hashable) -> None:
        """The owner is gone."""
        for key in self._present.pop(owner, ()):
            self._settled.pop(key, None)

    def _difference(self, desired: Manifest, live: Manifest | None) -> Difference | None:
        found = needs_write(desired, live)
        if found is None or found.cause is not Cause.DRIFT or live is None:
            return found
        known = self._settled.get(ObjectKey.of(desired))
        return None if known == (digest(desired), drift(desired, live)) else found

    async def _batch(self, due: Sequence[tuple[Manifest, Difference]]) -> Outcome:
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(desired: Manifest, difference: Difference) -> Outcome:
            async with slots:
                return await self._one(desired, difference)

        outcome = Outcome()
        for result in await asyncio.gather(*(one(desired, difference) for desired, difference in due)):
            outcome += result
        return outcome

    async def _one(self, desired: Manifest, difference: Difference) -> Outcome:
        key = ObjectKey.of(desired)
        write = Write(key, difference.cause, difference.detail)
        outcome = await attempt(write, partial(self._client.apply, stamped(desired)), partial(self._take, desired))
        if outcome.writes:
            log.info("applied", object=str(key), cause=str(difference.cause), detail=difference.detail)
        return outcome

    def _take(self, desired: Manifest, answer: Manifest) -> None:
        self._learn(answer)
        key, left = ObjectKey.of(desired), drift(desired, answer)
        if not left:
            self._settled.pop(key, None)
            return
        log.warning("an applied value did not stay; something on the way changes it", object=str(key), detail=left)
        self._settled[key] = (digest(desired), left)


def _stage(manifest: Manifest) -> int:
    return _STAGES.get(manifest["kind"], 0)
