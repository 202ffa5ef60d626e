"""Which changes of the status are worth an Event: transitions, each told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumerapp_operator.api.status import Condition, ConditionStatus, ConditionType, ConsumerAppStatus
from consumerapp_operator.status.verdicts import NOTHING_RUNS

_PARTS = (ConditionType.DATA_READY, ConditionType.SERVICES_READY, ConditionType.GATEWAY_READY)


@dataclass(frozen=True)
class Transition:
    """Something worth telling: a CamelCase reason, a message, and whether it is a warning."""

    reason: str
    message: str
    warning: bool


def transitions(before: Mapping[str, Any], after: ConsumerAppStatus) -> list[Transition]:
    """What changed between the stored status (JSON, maybe empty) and the new one."""
    stored = {item["type"]: item for item in before.get("conditions") or ()}
    found: list[Transition] = []
    for condition in after.conditions:
        old = stored.get(condition.type) or {}
        same = old.get("status") == condition.status and (
            condition.status is not ConditionStatus.FALSE or old.get("reason") == condition.reason
        )
        told = None if same else _of(condition, old)
        if told is not None:
            found.append(told)
    return found


def _of(condition: Condition, old: Mapping[str, Any]) -> Transition | None:
    status, message = condition.status, condition.message
    match condition.type:
        case ConditionType.READY if status is ConditionStatus.TRUE:
            return Transition("Ready", message, warning=False)
        case ConditionType.READY if old.get("status") == ConditionStatus.TRUE:
            return Transition("NotReady", message, warning=status is ConditionStatus.FALSE)
        case ConditionType.SPEC_VALID if status is ConditionStatus.FALSE:
            return Transition("SpecRefused", message, warning=True)
        case ConditionType.SPEC_VALID if old.get("status") == ConditionStatus.FALSE:
            return Transition("SpecAccepted", message, warning=False)
        case ConditionType.CAPACITY_LIMITED if status is ConditionStatus.TRUE:
            return Transition("CapacityLimited", message, warning=True)
        case ConditionType.DEGRADED if status is ConditionStatus.TRUE:
            return Transition(condition.reason, message, warning=True)
        case ConditionType.METRICS_AVAILABLE if status is ConditionStatus.FALSE:
            return Transition("MetricsUnavailable", message, warning=True)
        case part if part in _PARTS and status is ConditionStatus.FALSE and condition.reason != NOTHING_RUNS:
            return Transition(condition.reason, message, warning=True)
    return None
