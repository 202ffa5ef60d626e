"""How fast a count may move: the HPA's behavior, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PolicyType(StrEnum):
    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which of several policies applies: the one that allows the most change, the least, or none at all."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True)
class Policy:
    """At most `value` pods, or percent of the pods at the start of the period, per period."""

    type: PolicyType
    value: int
    period_seconds: int


@dataclass(frozen=True)
class Rules:
    """One direction. tolerance None: the autoscaler's own. stabilization_window_seconds: see
    stabilization.py.
    """

    policies: tuple[Policy, ...]
    select: Select = Select.MAX
    stabilization_window_seconds: int = 0
    tolerance: float | None = None

    @property
    def longest_period_seconds(self) -> int:
        return max((policy.period_seconds for policy in self.policies), default=0)


@dataclass(frozen=True)
class Speed:
    """Both directions."""

    up: Rules
    down: Rules


DEFAULT_DOWN_WINDOW_SECONDS = 300
DEFAULT_UP = Rules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PERCENT, 100, 15)))
DEFAULT_DOWN = Rules((Policy(PolicyType.PERCENT, 100, 15),), stabilization_window_seconds=DEFAULT_DOWN_WINDOW_SECONDS)
