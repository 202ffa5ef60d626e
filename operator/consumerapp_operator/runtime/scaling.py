"""One turn of the scaler for one app: observe, decide, write, report."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp
import structlog

from consumerapp_operator.api.app import ConsumerApp, InvalidSpec, read_app
from consumerapp_operator.api.names import ADMIN_PORT, PATRONI_PORT
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.apply.patroni import SwitchoverRefused, switch_over
from consumerapp_operator.apply.scale import write_replicas
from consumerapp_operator.observe.gateway import GatewayLoad
from consumerapp_operator.observe.members import members_of
from consumerapp_operator.observe.replicas import counts, object_of
from consumerapp_operator.observe.store import AppKey, Store
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.plan.references import problems
from consumerapp_operator.runtime.bus import BusKeeper
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.scale.decide import decide
from consumerapp_operator.scale.history import History
from consumerapp_operator.scale.members import Hold, ScaleTo, Switchover, held_back, next_step
from consumerapp_operator.scale.model import Decision, Observation, WorkloadKey, WorkloadKind
from consumerapp_operator.settings import Settings

log = structlog.get_logger()


@dataclass
class _State:
    """What is remembered of one app between turns."""

    load: GatewayLoad
    history: History = field(default_factory=History)
    accepted: ConsumerApp | None = None


class Scaler:
    """Takes turns, and keeps what one leaves to the next."""

    def __init__(
        self,
        store: Store,
        client: Client,
        session: aiohttp.ClientSession,
        settings: Settings,
        telemetry: Telemetry,
        *,
        stats_port: int = ADMIN_PORT,
        patroni_port: int = PATRONI_PORT,
    ) -> None:
        self._store = store
        self._client = client
        self._session = session
        self._settings = settings
        self._telemetry = telemetry
        self._stats_port = stats_port
        self._patroni_port = patroni_port
        self._bus = BusKeeper(session, telemetry, settings.scrape_timeout_seconds)
        self._states: dict[AppKey, _State] = {}

    def apps(self) -> list[AppKey]:
        return self._store.keys()

    def existing(self, key: AppKey) -> frozenset[WorkloadKey]:
        return frozenset(counts(key.name, self._store.children(key)))

    def forget_gone(self) -> list[AppKey]:
        """Drop what is remembered of apps that are no more, and return them."""
        gone = self._states.keys() - set(self._store.keys())
        for key in gone:
            del self._states[key]
        return list(gone)

    async def turn(self, key: AppKey) -> None:
        """Observe, decide, write; what fails is logged and tried again in the next turn."""
        manifest = self._store.app(key)
        if manifest is None or manifest["metadata"].get("deletionTimestamp"):
            return
        state = self._states.setdefault(key, _State(GatewayLoad(self._stats_port)))
        app = state.accepted = _accepted(manifest) or state.accepted
        if app is None:
            return
        children = self._store.children(key)
        measurement = await state.load.measure(self._session, app, children, self._settings.scrape_timeout_seconds)
        for _ in range(measurement.failures):
            self._telemetry.scrape_failures.labels("gateway").inc()
        backlog = await self._bus.turn(app, children)
        missing = "; ".join(filter(None, (measurement.missing, backlog.missing)))
        observation = Observation(counts(app.name, children), {**measurement.loads, **backlog.loads}, missing)
        decisions, state.history = decide(app, observation, state.history, time.time())
        # side by side: a primary that takes its time to move must not hold up a service
        decided = await asyncio.gather(*(self._carry_out(app, decision) for decision in decisions))
        self._report(key, decided)

    async def _carry_out(self, app: ConsumerApp, decision: Decision) -> Decision:
        """Write the count if it changes; the decision as it came to be."""
        workload = object_of(app.namespace, app.name, decision.workload)
        replicas = decision.decided
        if decision.decided == decision.current:
            return decision
        if decision.workload.kind is WorkloadKind.READ_REPLICAS:
            replicas += 1  # the primary
            if decision.decided < decision.current:
                return await self._remove_member(app, decision, workload)
        await self._write(app, decision, workload, replicas)
        return decision

    async def _remove_member(self, app: ConsumerApp, decision: Decision, workload: ObjectKey) -> Decision:
        children = self._store.children(AppKey(app.namespace, app.name))
        members = members_of(app, decision.workload.name, children)
        if members is None:
            return held_back(decision, "the StatefulSet is gone")
        match next_step(members.state, decision.decided + 1):
            case Hold(reason):
                return held_back(decision, reason)
            case ScaleTo(count):
                await self._write(app, decision, workload, count)
                return decision
            case Switchover() as step:
                return held_back(decision, await self._switch_over(members.admin_secret, members.ips, step))

    async def _switch_over(self, secret: ObjectKey, ips: dict[str, str], step: Switchover) -> str:
        """Move the primary, and say what came of it."""
        context = {"namespace": secret.namespace, "leader": step.leader, "candidate": step.candidate}
        if step.leader not in ips:
            return f"{step.reason}, and it has no address to ask it to step back"
        log.info("moving the primary", why=step.reason, **context)
        try:
            answer = await switch_over(self._client, self._session, secret, ips[step.leader], step, self._patroni_port)
        except (SwitchoverRefused, ApiError) as error:
            log.warning("the primary did not move", error=str(error), **context)
            return f"{step.reason}, and it could not be moved to {step.candidate}: {error}"
        log.info("the primary has moved", answer=answer, **context)
        return f"{step.reason}, so the primary was moved to {step.candidate} first"

    async def _write(self, app: ConsumerApp, decision: Decision, workload: ObjectKey, replicas: int) -> None:
        context = {"namespace": app.namespace, "app": app.name, "workload": _label(decision)}
        try:
            await write_replicas(self._client, workload, replicas)
        except ApiError as error:
            level = log.debug if error.status == 404 else log.warning
            level("count not written", **context, error=str(error))
            return
        direction = "up" if decision.decided > decision.current else "down"
        self._telemetry.scale_decisions.labels(app.namespace, app.name, _label(decision), direction).inc()
        log.info("count written", **context, why=decision.reason)

    def _report(self, key: AppKey, decisions: list[Decision]) -> None:
        """To status and metrics. Decisions on what is gone are dropped, or their NoData would stay."""
        current = {decision.workload for decision in decisions}
        known = self._store.decisions.get(key, {})
        for workload in [workload for workload in known if workload not in current]:
            del known[workload]
        self._store.decide(key, decisions)
        for decision in decisions:
            gauge = self._telemetry.replicas_wanted.labels(key.namespace, key.name, _label(decision))
            gauge.set(decision.decided)


def _accepted(manifest: Manifest) -> ConsumerApp | None:
    """The app, unless its spec is refused: then what runs is scaled by the last one that was not.

    Bounds of a refused spec must not move anything, but a mistake in it is no reason to stop following the load. After
    a restart of the operator nothing is known of an accepted one, and counts are left as they are.
    """
    try:
        app = read_app(manifest)
    except InvalidSpec:
        return None
    return None if problems(app) else app


def _label(decision: Decision) -> str:
    """`order`, `order-db` for its read replicas, `gateway`."""
    suffix = "-db" if decision.workload.kind is WorkloadKind.READ_REPLICAS else ""
    return f"{decision.workload.name}{suffix}"
