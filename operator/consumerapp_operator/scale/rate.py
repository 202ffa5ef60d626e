"""How far a count may move now, given how far it has moved within the period.

Source: Kubernetes v1.36.3, pkg/controller/podautoscaler/horizontal.go (calculateScaleUpLimitWithScalingRules,
calculateScaleDownLimitWithBehaviors, convertDesiredReplicasWithBehaviorRate, storeScaleEvent).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from consumerapp_operator.scale.behavior import Policy, PolicyType, Rules, Select, Speed


@dataclass(frozen=True)
class ScaleEvent:
    """A change that was written: how many replicas were added (or, in the other list, removed), when."""

    at: float
    change: int


@dataclass(frozen=True)
class ScaleEvents:
    """What was added and what was removed, recently."""

    up: tuple[ScaleEvent, ...] = ()
    down: tuple[ScaleEvent, ...] = ()


class Cap(StrEnum):
    """What kept a count from the one wanted; the HPA's words."""

    NONE = "DesiredWithinRange"
    MAX = "TooManyReplicas"
    MIN = "TooFewReplicas"
    UP_RATE = "ScaleUpLimit"
    DOWN_RATE = "ScaleDownLimit"


def limit_rate(
    current: int, wanted: int, minimum: int, maximum: int, speed: Speed, events: ScaleEvents, now: float
) -> tuple[int, Cap]:
    """`wanted`, held back by the rate and the bounds."""
    if wanted > current:
        reachable = max(up_limit(current, speed.up, events, now), current)
        allowed, cap = (reachable, Cap.UP_RATE) if maximum > reachable else (maximum, Cap.MAX)
        if wanted > allowed:
            return allowed, cap
    elif wanted < current:
        reachable = min(down_limit(current, speed.down, events, now), current)
        allowed, cap = (reachable, Cap.DOWN_RATE) if minimum < reachable else (minimum, Cap.MIN)
        if wanted < allowed:
            return allowed, cap
    return wanted, Cap.NONE


def limit_without_behavior(
    current: int, wanted: int, minimum: int, maximum: int, *, factor: float = 2.0, at_least: float = 4.0
) -> tuple[int, Cap]:
    """The rule without a behavior: at most `factor` times the count, or `at_least`, in one step up."""
    reachable = int(max(factor * current, at_least))
    allowed, cap = (reachable, Cap.UP_RATE) if maximum > reachable else (maximum, Cap.MAX)
    if wanted < minimum:
        return minimum, Cap.MIN
    if wanted > allowed:
        return allowed, cap
    return wanted, Cap.NONE


def up_limit(current: int, rules: Rules, events: ScaleEvents, now: float) -> int:
    """The highest count the policies allow now."""
    choose = min if rules.select is Select.MIN else max
    return _limit(current, rules, events, now, _raised, choose)


def down_limit(current: int, rules: Rules, events: ScaleEvents, now: float) -> int:
    """The lowest count the policies allow now."""
    choose = max if rules.select is Select.MIN else min
    return _limit(current, rules, events, now, _lowered, choose)


def change_within(events: tuple[ScaleEvent, ...], period_seconds: float, now: float) -> int:
    """Replicas changed in the period up to now."""
    cutoff = now - period_seconds
    return sum(event.change for event in events if event.at > cutoff)


def record(events: ScaleEvents, before: int, after: int, speed: Speed, now: float) -> ScaleEvents:
    """The events with the change from `before` to `after`; one that no policy looks at any more gives up its
    place.
    """
    if after > before:
        return ScaleEvents(_stored(events.up, after - before, speed.up, now), events.down)
    return ScaleEvents(events.up, _stored(events.down, before - after, speed.down, now))


def _limit(
    current: int, rules: Rules, events: ScaleEvents, now: float, reach: Callable[[int, Policy], int],
    choose: Callable[[list[int]], int],
) -> int:  # fmt: skip
    if rules.select is Select.DISABLED or not rules.policies:
        return current
    reaches = []
    for policy in rules.policies:
        added = change_within(events.up, policy.period_seconds, now)
        removed = change_within(events.down, policy.period_seconds, now)
        reaches.append(reach(current - added + removed, policy))
    return choose(reaches)


def _raised(start: int, policy: Policy) -> int:
    if policy.type is PolicyType.PODS:
        return start + policy.value
    return math.ceil(start * (1 + policy.value / 100))  # up, or one replica could never become two


def _lowered(start: int, policy: Policy) -> int:
    if policy.type is PolicyType.PODS:
        return start - policy.value
    return int(start * (1 - policy.value / 100))


def _stored(events: tuple[ScaleEvent, ...], change: int, rules: Rules, now: float) -> tuple[ScaleEvent, ...]:
    cutoff = now - rules.longest_period_seconds
    expired = [index for index, event in enumerate(events) if event.at < cutoff]
    entry = ScaleEvent(now, change)
    if not expired:
        return (*events, entry)
    return (*events[: expired[-1]], entry, *events[expired[-1] + 1 :])
