"""The conditions of an app. Clients need to read only Ready.

Of SpecValid, DataReady, ServicesReady, GatewayReady, MetricsAvailable and Ready, False needs someone and
Unknown is on its way; a deadline turns the second into the first. CapacityLimited, Progressing and Degraded
are remarks beside it. MetricsAvailable does not hold Ready up: without metrics counts are held, and what
serves goes on serving.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from consumerapp_operator.api.status import Condition, ConditionStatus, ConditionType
from consumerapp_operator.plan.model import Failure
from consumerapp_operator.scale.model import Decision
from consumerapp_operator.status import facts as read
from consumerapp_operator.status import verdicts
from consumerapp_operator.status.facts import Facts
from consumerapp_operator.status.verdicts import FALSE, TRUE, UNKNOWN, Verdict

PROGRESS_DEADLINE_SECONDS = 600.0
METRICS_DEADLINE_SECONDS = 120.0
OVERDUE = "DeadlineExceeded"
NO_DATA = "NoData"
# Limits of speed and order, not of capacity: they pass by themselves within seconds or minutes.
PASSING_LIMITS = frozenset(("Rate", "Stabilization", "OneAtATime", "Members"))

_MESSAGE_LENGTH = 2048
_DEADLINES = {
    ConditionType.READY: PROGRESS_DEADLINE_SECONDS,
    ConditionType.DATA_READY: PROGRESS_DEADLINE_SECONDS,
    ConditionType.SERVICES_READY: PROGRESS_DEADLINE_SECONDS,
    ConditionType.GATEWAY_READY: PROGRESS_DEADLINE_SECONDS,
    ConditionType.METRICS_AVAILABLE: METRICS_DEADLINE_SECONDS,
}


def conditions(facts: Facts, now: float) -> list[Condition]:
    """All conditions; `now` is Unix time. A condition whose status stays keeps its lastTransitionTime."""
    before = _previous(facts)
    if facts.body["metadata"].get("deletionTimestamp"):
        found: dict[ConditionType, Verdict] = {
            ConditionType.READY: Verdict(FALSE, "Deleting", "the app is being deleted; its objects go with it"),
            ConditionType.PROGRESSING: Verdict(TRUE, "Deleting", "garbage collection removes what the app owns"),
        }
        return [_dated(kind, verdict, before.get(kind), facts.generation, now) for kind, verdict in found.items()]

    dated: dict[ConditionType, Condition] = {}

    def add(kind: ConditionType, verdict: Verdict) -> Condition:
        dated[kind] = _dated(kind, verdict, before.get(kind), facts.generation, now)
        return dated[kind]

    def settled(kind: ConditionType) -> bool:
        """Served before with this very spec; one that was refused is not what runs, so it does not count."""
        condition = before.get(kind)
        if condition is None or condition.get("status") != TRUE:
            return False
        return bool(facts.problems) or condition.get("observedGeneration") == facts.generation

    spec_valid = add(ConditionType.SPEC_VALID, _spec_valid(facts))
    parts = [
        add(ConditionType.DATA_READY, verdicts.data(facts, settled=settled(ConditionType.DATA_READY))),
        add(
            ConditionType.SERVICES_READY,
            verdicts.services(facts, settled=settled(ConditionType.SERVICES_READY)),
        ),
        add(ConditionType.GATEWAY_READY, verdicts.gateway(facts, settled=settled(ConditionType.GATEWAY_READY))),
    ]
    ready = add(ConditionType.READY, _ready(facts, spec_valid, parts, settled=settled(ConditionType.READY)))
    measured = {
        ConditionType.METRICS_AVAILABLE: _metrics_available(facts),
        ConditionType.CAPACITY_LIMITED: _capacity_limited(facts.decisions.values()),
    }
    for kind, verdict in measured.items():
        # Before the first decision of this process, what the last one left is the best there is to know.
        add(kind, verdict if facts.decisions or kind not in before else _as_before(before[kind]))
    add(ConditionType.PROGRESSING, _progressing(facts, ready))
    # A workload that starts has fewer replicas than it should, too; degraded is what has become less.
    started = settled(ConditionType.READY) or settled(ConditionType.DEGRADED)
    add(ConditionType.DEGRADED, _degraded(facts, started=started))
    return [dated[kind] for kind in ConditionType]


def recheck_after(found: Iterable[Condition], now: float) -> float | None:
    """Seconds until the next deadline passes, if one is running: nothing else may happen to the app until
    then.
    """
    due = [
        _DEADLINES[condition.type] - (now - unix(condition.last_transition_time))
        for condition in found
        if condition.status is UNKNOWN and condition.type in _DEADLINES
    ]
    return max(1.0, min(due)) if due else None


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _previous(facts: Facts) -> dict[ConditionType, Mapping[str, Any]]:
    known = {str(kind) for kind in ConditionType}
    stored = (facts.body.get("status") or {}).get("conditions") or ()
    return {ConditionType(item["type"]): item for item in stored if item["type"] in known}


def _dated(
    kind: ConditionType, verdict: Verdict, before: Mapping[str, Any] | None, generation: int, now: float
) -> Condition:
    since, same_spec = now, False
    if before is not None:
        same_spec = before.get("observedGeneration") == generation
        since = unix(before["lastTransitionTime"])
    if verdict.status is UNKNOWN and before is not None and same_spec and kind in _DEADLINES:
        waited = now - since
        if before["status"] == FALSE and before["reason"] == OVERDUE:
            # It stays so until it gets there, or until somebody changes the spec.
            verdict = Verdict(FALSE, OVERDUE, verdict.message)
        elif before["status"] == UNKNOWN and waited >= _DEADLINES[kind]:
            verdict = Verdict(FALSE, OVERDUE, f"{verdict.message} (for over {_DEADLINES[kind] / 60:.0f} min)")
    # A new spec starts the clock of what is on its way anew.
    keeps = before is not None and before["status"] == verdict.status and (same_spec or verdict.status is not UNKNOWN)
    return Condition(
        type=kind,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message[:_MESSAGE_LENGTH],
        last_transition_time=before["lastTransitionTime"] if keeps and before is not None else rfc3339(now),
        observed_generation=generation,
    )


def _spec_valid(facts: Facts) -> Verdict:
    if not facts.problems:
        return Verdict(TRUE, "Valid", "the spec can be made real")
    return Verdict(FALSE, "InvalidSpec", "\n".join((*facts.problems, "nothing was changed; what runs goes on")))


def _ready(facts: Facts, spec_valid: Condition, parts: list[Condition], *, settled: bool) -> Verdict:
    refused = [failure for failure in facts.failures if failure.needs_someone]
    if refused and not settled:
        return Verdict(FALSE, "ApplyFailed", "; ".join(str(failure) for failure in refused[:5]))
    for status in (FALSE, UNKNOWN):
        missing = [part for part in parts if part.status is status]
        if missing:
            message = "; ".join(dict.fromkeys(part.message for part in missing))
            if spec_valid.status is FALSE and missing[0].reason == verdicts.NOTHING_RUNS:
                return Verdict(FALSE, spec_valid.reason, spec_valid.message)
            return Verdict(status, missing[0].reason, message)
    if not settled and (facts.waiting or facts.failures):
        pending = (*facts.waiting, *(str(failure) for failure in facts.failures))
        return Verdict(UNKNOWN, "Waiting", "; ".join(pending))
    if spec_valid.status is FALSE:
        return Verdict(TRUE, "Serving", "what ran before the last change of the spec serves; see SpecValid")
    return Verdict(TRUE, "Serving", "; ".join(part.message for part in parts))


def _as_before(stored: Mapping[str, Any]) -> Verdict:
    return Verdict(ConditionStatus(stored["status"]), stored["reason"], stored["message"])


def _metrics_available(facts: Facts) -> Verdict:
    if not facts.decisions:
        return Verdict(UNKNOWN, "NotMeasuredYet", "no load has been measured yet")
    blind = sorted(decision.workload.name for decision in facts.decisions.values() if decision.trigger == NO_DATA)
    if not blind:
        return Verdict(TRUE, "Measured", "the load of every workload is measured")
    return Verdict(UNKNOWN, NO_DATA, f"no fresh metrics of {', '.join(blind)}: their counts are held, never lowered")


def _capacity_limited(decisions: Iterable[Decision]) -> Verdict:
    found = [
        f"{decision.workload.name} wants {decision.wanted} and gets {decision.decided}: {limit.why}"
        for decision in sorted(decisions, key=lambda decision: decision.workload)
        if decision.decided < decision.wanted
        for limit in decision.limits
        if limit.by not in PASSING_LIMITS and limit.to < decision.wanted
    ]
    if not found:
        return Verdict(FALSE, "Unlimited", "every count is what its targets ask for")
    return Verdict(TRUE, "Limited", "; ".join(found))


def _progressing(facts: Facts, ready: Condition) -> Verdict:
    if facts.held_back:
        return Verdict(TRUE, "Waiting", "; ".join(facts.held_back))
    if facts.failures:
        return Verdict(TRUE, "Retrying", "; ".join(str(failure) for failure in facts.failures[:5]))
    moving = [reading.title for reading in _readings(facts) if not reading.complete]
    if moving:
        return Verdict(TRUE, "Moving", f"not yet where they should be: {', '.join(moving)}")
    if ready.status is UNKNOWN:
        return Verdict(TRUE, ready.reason, ready.message)
    return Verdict(FALSE, "Settled", "everything is as it should be")


def _degraded(facts: Facts, *, started: bool) -> Verdict:
    """Something works less well than it should, whether or not the app serves."""
    found = [(failure_reason, str(failure)) for failure in facts.failures if (failure_reason := _refusal(failure))]
    found += facts.alarms
    for reading in _readings(facts):
        stuck = [item for item in reading.troubles if item.stuck]
        found += [(item.reason, item.message) for item in stuck[:1]]
        fewer = reading.ready < min(reading.minimum, reading.desired)
        if started and not stuck and reading.rolled_out and fewer:
            found.append(("FewerReplicas", f"{reading.title}: {reading.ready} of {reading.desired} replicas ready"))
    if not found:
        return Verdict(FALSE, "AsWanted", "nothing runs less well than it should")
    return Verdict(TRUE, found[0][0], "; ".join(dict.fromkeys(message for _, message in found)))


def _refusal(failure: Failure) -> str | None:
    return "ApplyFailed" if failure.needs_someone else None


def _readings(facts: Facts) -> list[read.Reading]:
    cache, bus, gateway = read.cache(facts), read.bus(facts), read.gateway(facts)
    return [
        *(read.database(facts, name) for name in read.database_names(facts)),
        *([cache] if cache else []),
        *([bus] if bus else []),
        *(read.service(facts, name) for name in read.service_names(facts)),
        *(read.worker(facts, name) for name in read.worker_names(facts)),
        *([gateway] if gateway.exists or facts.valid_app else []),
    ]
