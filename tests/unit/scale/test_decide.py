"""Decisions as a table: what is observed, what is decided, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.scale.decide import decide
from consumerapp_operator.scale.history import History
from consumerapp_operator.scale.model import Decision, Load, Observation, Replicas
from consumerapp_operator.scale.workload import GATEWAY, read_replicas_key
from tests.unit.scale.apps import NOW, ORDER, app, load, seeing

TARGET_10 = {"min": 2, "max": 20, "targets": [{"type": "Concurrency", "value": "10"}]}
AT_ONCE = {"scaleDown": {"stabilizationWindowSeconds": 0}}


def first(scaling: dict[str, Any], observation: Observation, history: History | None = None) -> Decision:
    decisions, _ = decide(app(scaling), observation, history or History(), NOW)
    (decision,) = decisions
    return decision


@pytest.mark.parametrize(
    ("scaling", "desired", "measured", "decided", "trigger", "reason"),
    [
        (
            TARGET_10, 3, load(concurrency=42.1), 5, "Concurrency",
            "3 → 5: 42.1 requests in flight over 3 replicas is 14.0 each, target 10",
        ),
        (
            TARGET_10, 3, load(concurrency=31.0), 3, "Concurrency",
            "stays at 3: 31.0 requests in flight over 3 replicas is 10.3 each, target 10 (within 10 %)",
        ),
        (
            TARGET_10, 3, load(concurrency=24.0), 3, "Concurrency",
            "stays at 3: 24.0 requests in flight over 3 replicas is 8.0 each, target 10 (one less would exceed it)",
        ),
        (
            TARGET_10, 2, load(concurrency=95.0), 6, "Concurrency",
            "2 → 6: 95.0 requests in flight over 2 replicas is 47.5 each, target 10; 10 wanted, 6 decided: "
            "at most 4 pods or 100 % per 15 s may be added",
        ),
        (
            TARGET_10, 16, load(concurrency=900.0), 20, "Concurrency",
            "16 → 20: 900.0 requests in flight over 16 replicas is 56.2 each, target 10; 90 wanted, 20 decided: "
            "the maximum is 20",
        ),
        (
            {**TARGET_10, "behavior": AT_ONCE}, 6, load(concurrency=31.0), 4, "Concurrency",
            "6 → 4: 31.0 requests in flight over 6 replicas is 5.2 each, target 10",
        ),
        (
            {**TARGET_10, "behavior": AT_ONCE}, 6, load(), 2, "Concurrency",
            "6 → 2: 0.0 requests in flight over 6 replicas is 0.0 each, target 10; 0 wanted, 2 decided: "
            "the minimum is 2",
        ),
        (
            TARGET_10, 6, load(), 6, "Concurrency",
            "stays at 6: 0.0 requests in flight over 6 replicas is 0.0 each, target 10; 0 wanted, 6 decided: "
            "up to 6 were wanted within the last 300 s",
        ),
        (TARGET_10, 1, load(concurrency=99.0), 2, "Bounds", "1 → 2: the minimum is 2"),
        (TARGET_10, 1, None, 2, "Bounds", "1 → 2: the minimum is 2"),
        (TARGET_10, 30, None, 20, "Bounds", "30 → 20: the maximum is 20"),
        (
            {"min": 1, "max": 9, "targets": [{"type": "RequestRate", "value": "50"}]}, 1, load(rate=120), 3,
            "RequestRate", "1 → 3: 120.0 requests per second over 1 replica is 120.0 each, target 50",
        ),
        (
            {"min": 1, "max": 9, "targets": [{"type": "Latency", "value": "200ms"}]}, 2, load(rate=9, p95=0.5), 5,
            "Latency", "2 → 5: 95 % of requests took at most 500ms, target 200ms",
        ),
        (
            {"min": 1, "max": 9, "behavior": AT_ONCE, "targets": [{"type": "Latency", "value": "200ms"}]},
            8, load(rate=9, p95=0.01), 7, "Latency", "8 → 7: 95 % of requests took at most 10ms, target 200ms",
        ),
    ],
)  # fmt: skip
def test_decisions(
    scaling: dict[str, Any], desired: int, measured: Load | None, decided: int, trigger: str, reason: str
) -> None:
    decision = first(scaling, seeing(desired, measured))
    assert (decision.decided, decision.trigger, decision.reason) == (decided, trigger, reason)


def test_no_data_holds_and_says_what_is_missing() -> None:
    why = "gateway pod x: connection refused, last measured 40 s ago"
    decision = first(TARGET_10, seeing(5, None, why=why))
    assert decision.decided == 5
    assert decision.trigger == "NoData"
    assert decision.reason == f"held at 5: no metrics ({why}); a count is never lowered without data"


def test_a_lower_bound_raises_but_never_lowers() -> None:
    scaling = {**TARGET_10, "behavior": AT_ONCE}
    assert first(scaling, seeing(3, load(concurrency=50, complete=False))).decided == 5
    held = first(scaling, seeing(3, load(concurrency=5, complete=False), why="gateway pod y: no answer"))
    assert (held.decided, held.trigger) == (3, "NoData")
    assert "gateway pod y: no answer" in held.reason


def test_a_workload_that_is_down_is_not_idle() -> None:
    held = first({**TARGET_10, "behavior": AT_ONCE}, seeing(5, load(), ready=0))
    assert held.decided == 5
    assert "no replica is ready" in held.reason


def test_the_largest_of_several_targets_decides() -> None:
    scaling = {
        "min": 1, "max": 20,
        "targets": [{"type": "Concurrency", "value": "10"}, {"type": "RequestRate", "value": "10"}],
    }  # fmt: skip
    decision = first(scaling, seeing(2, load(concurrency=5, rate=60)))
    assert (decision.decided, decision.trigger) == (6, "RequestRate")


def test_latency_without_a_finished_request_holds_but_without_any_request_does_not() -> None:
    scaling = {"min": 1, "max": 9, "behavior": AT_ONCE, "targets": [{"type": "Latency", "value": "1s"}]}
    assert first(scaling, seeing(3, load(concurrency=4, p95=None))).decided == 3
    assert first(scaling, seeing(3, load(p95=None))).decided == 1


def test_replicas_on_their_way_are_not_taken_back_by_latency() -> None:
    scaling = {"min": 1, "max": 20, "behavior": AT_ONCE, "targets": [{"type": "Latency", "value": "100ms"}]}
    assert first(scaling, seeing(8, load(rate=9, p95=0.15), ready=2)).decided == 8


def test_the_rate_is_kept_over_ticks_and_a_failed_write_does_not_use_it_up() -> None:
    decisions, history = decide(app(TARGET_10), seeing(2, load(concurrency=200)), History(), NOW)
    assert decisions[0].decided == 6
    failed, _ = decide(app(TARGET_10), seeing(2, load(concurrency=200)), history, NOW + 5)
    assert failed[0].decided == 6
    written, history = decide(app(TARGET_10), seeing(6, load(concurrency=200)), history, NOW + 5)
    assert written[0].decided == 6, "four were added within this period already"
    later, _ = decide(app(TARGET_10), seeing(6, load(concurrency=200)), history, NOW + 15.1)
    assert later[0].decided == 12


def test_a_low_load_lowers_only_after_the_whole_window() -> None:
    spec = app({**TARGET_10, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}})
    history = History()
    counts = []
    for tick in range(14):
        decisions, history = decide(spec, seeing(6, load()), history, NOW + 5 * tick)
        counts.append(decisions[0].decided)
    assert counts == [6] * 12 + [2] * 2


def test_after_an_outage_of_metrics_a_whole_window_passes_before_anything_is_lowered() -> None:
    spec = app({**TARGET_10, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}})
    history = History()
    for tick in range(40):
        _, history = decide(spec, seeing(6, None), history, NOW + 5 * tick)
    end = NOW + 5 * 39
    assert decide(spec, seeing(6, load()), history, end + 5)[0][0].decided == 6
    assert decide(spec, seeing(6, load()), history, end + 61)[0][0].decided == 2


def test_the_history_is_bounded() -> None:
    history = History()
    for tick in range(500):
        _, history = decide(app(TARGET_10), seeing(2 + tick % 2, load(concurrency=15)), history, NOW + 5 * tick)
    remembered = history.workloads[ORDER]
    assert len(remembered.log) <= 300 / 5 + 2
    assert len(remembered.events.up) + len(remembered.events.down) <= 10


def test_what_does_not_exist_is_not_decided_and_forgotten() -> None:
    _, history = decide(app(TARGET_10), seeing(2, load()), History(), NOW)
    decisions, history = decide(app(TARGET_10), Observation({}, {}), history, NOW)
    assert decisions == ()
    assert history.workloads == {}


def test_the_gateway_follows_its_own_load() -> None:
    observation = Observation({GATEWAY: Replicas(2, 2)}, {GATEWAY: load(rate=3500)})
    (decision,), _ = decide(app(TARGET_10), observation, History(), NOW)
    assert (decision.workload, decision.decided, decision.trigger) == (GATEWAY, 4, "RequestRate")


READ = read_replicas_key("order")


@pytest.mark.parametrize(
    ("database", "desired", "measured", "decided"),
    [
        ({"replicas": 2}, 0, None, 2),
        ({"replicas": 2}, 2, load(rate=9000), 2),
        ({"replicas": 1}, 4, None, 3),
        ({"replicas": 1, "scaling": {"requestsPerSecond": "100"}}, 1, load(rate=250), 3),
        ({"replicas": 1, "scaling": {"requestsPerSecond": "100", "behavior": AT_ONCE}}, 3, load(rate=10), 2),
        ({"replicas": 1, "scaling": {"requestsPerSecond": "100", "behavior": AT_ONCE}}, 3, None, 3),
    ],
)  # fmt: skip
def test_read_replicas(database: dict[str, Any], desired: int, measured: Load | None, decided: int) -> None:
    spec = app(TARGET_10, database)
    (decision,), _ = decide(spec, seeing(desired, measured, key=READ), History(), NOW)
    assert decision.decided == decided
    if desired - decided == 1 and decision.wanted < decided:
        assert decision.limits[-1].by == "OneAtATime"


@pytest.mark.parametrize(
    ("direction", "decided"),
    [({}, 6), ({"maxPods": 1}, 3), ({"maxPercent": 50}, 3), ({"maxPods": 2, "maxPercent": 400}, 10)],
)
def test_a_limit_that_is_given_replaces_the_defaults(direction: dict[str, Any], decided: int) -> None:
    scaling = {**TARGET_10, "behavior": {"scaleUp": direction}}
    assert first(scaling, seeing(2, load(concurrency=500))).decided == decided
