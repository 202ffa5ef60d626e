"""observe → plan → apply → status, for one app at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from consumerapp_operator.api.app import ConsumerApp, InvalidSpec, read_app
from consumerapp_operator.api.status import Condition
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.apply.credentials import create_missing
from consumerapp_operator.apply.events import Events, Notice
from consumerapp_operator.apply.objects import Objects
from consumerapp_operator.apply.outcome import Outcome
from consumerapp_operator.apply.patches import patch_all
from consumerapp_operator.apply.prune import prune
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import Manifest, ObjectKey, Plan
from consumerapp_operator.runtime import happenings
from consumerapp_operator.runtime.planner import Planner
from consumerapp_operator.scale.model import Decision, WorkloadKey
from consumerapp_operator.status.conditions import NO_DATA, recheck_after
from consumerapp_operator.status.facts import Facts
from consumerapp_operator.status.notices import transitions
from consumerapp_operator.status.report import report
from consumerapp_operator.status.writer import write

# While the plan waits for the gateway there is no event to wait for: its pods are asked once a second, and
# less often when it takes long.
WAITING_SECONDS = 1.0
LONG_WAITING_SECONDS = 5.0
LONG_WAIT_AFTER_SECONDS = 60.0

# A load is a difference between two measurements, so the scaler is blind at first. After a restart that is no news, and
# what was known before stays in the status for so long.
WARM_UP_SECONDS = 30.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Result:
    """`failed`: try again soon, more slowly each time. `again_after`: look again in so many seconds."""

    failed: bool = False
    again_after: float | None = None


class Reconciler:
    """Makes the world match the snapshot of one app. Safe at any time and any number of times."""

    def __init__(
        self,
        store: Store,
        client: Client,
        events: Events,
        planner: Planner,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._client = client
        self._events = events
        self._planner = planner
        self._clock = clock
        self._objects = Objects(client, store.put)
        self._scalings = happenings.Scalings()
        self._waiting_since: dict[AppKey, float] = {}
        self._terminating: set[AppKey] = set()
        self._warm_at = clock() + WARM_UP_SECONDS

    async def reconcile(self, key: AppKey) -> Result:
        """Raises ApiError if the status cannot be written."""
        body = self._store.app(key)
        if body is None:
            self._planner.forget(key)
            self._objects.forget(key)
            self._scalings.forget(key)
            self._waiting_since.pop(key, None)
            self._terminating.discard(key)
            return Result()
        if key in self._terminating:  # a namespace never comes back from that, and the app goes with it
            return Result()
        if body["metadata"].get("deletionTimestamp"):
            # Garbage collection takes the children; all there is to do is to stop calling it ready.
            return await self._conclude(key, Facts(body, None, dict(self._store.children(key))), Outcome())
        children = dict(self._store.children(key))
        app: ConsumerApp | None = None
        try:
            app = read_app(body)
        except InvalidSpec as invalid:
            plan = Plan(problems=tuple(invalid.problems))
        else:
            plan = await self._planner.plan(key, app, children, synced=self._store.synced)
        outcome = await self._apply(key, plan, children) if not plan.problems else Outcome()
        if outcome.terminating:
            log.info("namespace is being deleted", app=str(key))
            self._terminating.add(key)
            return Result()
        facts = Facts(
            body=body,
            app=app,
            children=dict(self._store.children(key)),
            problems=plan.problems,
            waiting=plan.waiting,
            failures=outcome.failures,
            decisions=self._decisions(key),
        )
        return await self._conclude(key, facts, outcome)

    def _decisions(self, key: AppKey) -> dict[WorkloadKey, Decision]:
        found = self._store.decisions.get(key, {})
        if self._clock() >= self._warm_at:
            return dict(found)
        return {workload: decision for workload, decision in found.items() if decision.trigger != NO_DATA}

    async def _apply(self, key: AppKey, plan: Plan, children: Mapping[ObjectKey, Manifest]) -> Outcome:
        learn = self._store.put
        outcome = await create_missing(self._client, plan.secrets, children, learn)
        if outcome.terminating:
            return outcome
        outcome += await self._objects.apply(key, plan.objects, children)
        outcome += await patch_all(self._client, plan.patches, children, learn)
        if not outcome.failures and not outcome.terminating and self._store.synced:
            # What replaces the old must be there before the old goes.
            outcome += await prune(self._client, plan.prune, children)
        return outcome

    async def _conclude(self, key: AppKey, facts: Facts, outcome: Outcome) -> Result:
        """Status and Events; and when to come back."""
        now = self._clock()
        status = report(facts, now)
        stored = facts.body.get("status") or {}
        try:
            written = await write(self._client, facts.body, status)
        except ApiError as error:
            if error.status == 404:  # the app is gone; its deletion is on the way to us
                return Result()
            raise
        if written is not None:
            self._store.put(written)
        notices = [
            *happenings.of_writes(outcome.writes),
            *(Notice(item.reason, item.message, item.warning) for item in transitions(stored, status)),
            *self._scalings.of(key, facts.decisions),
        ]
        for notice in notices:
            await self._events.tell(facts.body, notice, now)
        for failure in outcome.failures:
            log.warning("not applied", app=str(key), status=failure.status, failure=str(failure))
        return Result(failed=bool(outcome.failures), again_after=self._again_after(key, facts, status.conditions, now))

    def _again_after(self, key: AppKey, facts: Facts, conditions: list[Condition], now: float) -> float | None:
        deadlines = [recheck_after(conditions, now), self._warm_at - now if now < self._warm_at else None]
        if not facts.held_back:
            self._waiting_since.pop(key, None)
            return min((seconds for seconds in deadlines if seconds is not None), default=None)
        waited = now - self._waiting_since.setdefault(key, now)
        return WAITING_SECONDS if waited < LONG_WAIT_AFTER_SECONDS else LONG_WAITING_SECONDS
