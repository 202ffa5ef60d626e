"""Events for what the operator did: objects written and removed, drift repaired, counts moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumerapp_operator.apply.difference import Cause
from consumerapp_operator.apply.events import Notice
from consumerapp_operator.apply.outcome import Write
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.scale.model import Decision, WorkloadKey, WorkloadKind

_NAMED = 8


def of_writes(writes: Sequence[Write]) -> list[Notice]:
    found = [
        Notice("DriftRepaired", f"{_name(write)}: {write.detail}", warning=True)
        for write in writes
        if write.cause in (Cause.DRIFT, Cause.GONE)
    ]
    found += [Notice("Pruned", f"{_name(write)}: {write.detail}") for write in writes if write.cause == "Pruned"]
    for reason, causes in (("Created", (Cause.MISSING, "Created")), ("Updated", (Cause.PLAN,))):
        named = [_name(write) for write in writes if write.cause in causes]
        if named:
            more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
            found.append(Notice(reason, f"{', '.join(named[:_NAMED])}{more}"))
    return found


class Scalings:
    """Tells of each decision that moved a count, once."""

    def __init__(self) -> None:
        self._told: dict[AppKey, dict[WorkloadKey, float]] = {}

    def of(self, key: AppKey, decisions: Mapping[WorkloadKey, Decision]) -> list[Notice]:
        told = self._told.setdefault(key, {})
        found = []
        for workload, decision in decisions.items():
            if decision.decided != decision.current and told.get(workload) != decision.at:
                told[workload] = decision.at
                found.append(Notice("Scaled", f"{_title(workload)}: {decision.reason}"))
        return found

    def forget(self, key: AppKey) -> None:
        self._told.pop(key, None)


def _title(workload: WorkloadKey) -> str:
    match workload.kind:
        case WorkloadKind.GATEWAY:
            return "the gateway"
        case WorkloadKind.SERVICE:
            return f"service {workload.name}"
        case WorkloadKind.READ_REPLICAS:
            return f"read replicas of {workload.name}'s database"
        case WorkloadKind.WORKER:
            return f"worker {workload.name}"
        case WorkloadKind.BUS:
            return "the bus"


def _name(write: Write) -> str:
    return f"{write.key.kind} {write.key.name}"
