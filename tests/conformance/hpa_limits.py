"""Replays of the suites about stabilization, rate policies and the store of scale events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from consumerapp_operator.scale.behavior import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    Policy,
    PolicyType,
    Rules,
    Select,
    Speed,
)
from consumerapp_operator.scale.rate import (
    ScaleEvent,
    ScaleEvents,
    change_within,
    down_limit,
    limit_rate,
    limit_without_behavior,
    record,
)
from consumerapp_operator.scale.stabilization import Log, Recommendation, stabilize, stabilize_down
from tests.conformance.difference import difference

NOW = 1_000_000_000.0
# The originals compare against a clock that has moved on since the ages were written down, so an age that
# equals a window is just outside of it.
ELAPSED = 0.001


def rules_of(data: Mapping[str, Any] | None, default: Rules, window: int | None = None) -> Rules:
    """The rules of one direction, with the API's defaults where the data says nothing; `window` where it has
    none.
    """
    data = data or {}
    policies = tuple(
        Policy(PolicyType(policy["type"]), policy["value"], policy["periodSeconds"])
        for policy in data.get("policies") or ()
    )
    stabilization = data.get("stabilizationWindowSeconds")
    if stabilization is None:
        stabilization = default.stabilization_window_seconds if window is None else window
    tolerance = data.get("tolerance")
    return Rules(
        policies or default.policies,
        Select(data.get("selectPolicy") or default.select),
        stabilization,
        None if tolerance is None else milli(tolerance) / 1000,
    )


def milli(quantity: str | int) -> int:
    """A Kubernetes quantity in thousandths: `6666m` → 6666, `15` → 15000."""
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else round(float(text) * 1000)


def events_of(data: Iterable[Mapping[str, Any]]) -> tuple[ScaleEvent, ...]:
    return tuple(ScaleEvent(NOW - event["age_s"] - ELAPSED, event["replica_change"]) for event in data)


def log_of(data: Iterable[Mapping[str, Any]], now: float = NOW) -> Log:
    return tuple(Recommendation(now - entry["age_s"] - ELAPSED, entry["replicas"]) for entry in data)


def with_rules(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    replicas, cap = limit_without_behavior(
        given["current_replicas"], given["desired_replicas"], given["min_replicas"], given["max_replicas"],
        factor=given["scale_up_limit_factor"], at_least=given["scale_up_limit_minimum"],
    )  # fmt: skip
    return difference("replicas", expected["replicas"], replicas) + difference(
        "condition", expected["condition"], cap.value
    )


def scale_down_limit(case: Mapping[str, Any]) -> list[str]:
    given = case["input"]
    events = ScaleEvents(events_of(given["scale_up_events"]), events_of(given["scale_down_events"]))
    limit = down_limit(given["current_replicas"], rules_of(given["rules"], DEFAULT_DOWN), events, NOW)
    return difference("replicas", case["expected"]["replicas"], limit)


def behavior_rate(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    speed = Speed(rules_of(given["scale_up_rules"], DEFAULT_UP), rules_of(given["scale_down_rules"], DEFAULT_DOWN))
    replicas, cap = limit_rate(
        given["current_replicas"], given["desired_replicas"], given["min_replicas"], given["max_replicas"],
        speed, ScaleEvents(events_of(given["scale_up_events"]), events_of(given["scale_down_events"])), NOW,
    )  # fmt: skip
    return difference("replicas", expected["replicas"], replicas) + difference(
        "condition", expected["condition"], cap.value
    )


def stabilization(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    replicas, log = stabilize_down(
        given["desired_replicas"], log_of(given["recommendations"]),
        window=given["downscale_stabilization_s"], now=NOW,
    )  # fmt: skip
    return difference("replicas", expected["replicas"], replicas) + difference(
        "log length", expected["log_length"], len(log)
    )


def stabilization_with_behaviors(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    replicas, log = stabilize(
        given["current_replicas"], given["desired_replicas"], log_of(given["recommendations"]),
        up_window=given["scale_up_stabilization_s"], down_window=given["scale_down_stabilization_s"], now=NOW,
    )  # fmt: skip
    stored = [entry.replicas for entry in log]
    return difference("replicas", expected["replicas"], replicas) + (
        difference("recommendations", expected["recommendations_after"], stored)
        if "recommendations_after" in expected
        else []
    )


def scale_events(case: Mapping[str, Any]) -> list[str]:
    """Both directions begin with the same events; the first sum is taken before anything is stored."""
    given, expected = case["input"], case["expected"]
    before = events_of(given["prev_events"])
    differences: list[str] = []
    for new in (given["new_replicas_up"], given["new_replicas_down"]):
        changed = change_within(before, given["period_s"], NOW)
        differences += difference("change in the period", expected["replicas_change_in_period"], changed)
        events = before
        if given["rules"] is not None:  # without a behavior nothing is stored, because nothing would use it
            rules = rules_of(given["rules"], DEFAULT_UP)
            after = record(ScaleEvents(before, before), given["prev_replicas"], new, Speed(rules, rules), NOW)
            events = after.up if new > given["prev_replicas"] else after.down
        stored = [event["replica_change"] for event in expected["events_after"]]
        differences += difference("events", stored, [event.change for event in events])
    return differences


REPLAYS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "convert_desired_replicas_with_rules": with_rules,
    "scale_down_limit_with_rules": scale_down_limit,
    "convert_desired_replicas_with_behavior_rate": behavior_rate,
    "stabilize_recommendation": stabilization,
    "stabilize_recommendation_with_behaviors": stabilization_with_behaviors,
    "store_scale_events": scale_events,
}
