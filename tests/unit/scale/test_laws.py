"""Laws of every decision, whatever is observed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumerapp_operator.scale.behavior import DEFAULT_DOWN, DEFAULT_UP, Speed
from consumerapp_operator.scale.decide import decide
from consumerapp_operator.scale.history import History
from consumerapp_operator.scale.model import Decision, Load
from consumerapp_operator.scale.rate import ScaleEvents, record
from consumerapp_operator.scale.stabilization import Recommendation, stabilize
from tests.unit.scale.apps import NOW, app, load, seeing

MINIMUM, MAXIMUM = 2, 12
SPEC = app(
    {
        "min": MINIMUM,
        "max": MAXIMUM,
        "targets": [
            {"type": "Concurrency", "value": "5"},
            {"type": "RequestRate", "value": "20"},
            {"type": "Latency", "value": "250ms"},
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}},
    }
)
amounts = st.floats(0, 1e6, allow_nan=False)
loads = st.builds(
    load,
    concurrency=amounts,
    rate=amounts,
    p95=st.none() | st.floats(0, 100),
    complete=st.booleans(),
)
counts = st.integers(0, 40)
ticks = st.lists(st.tuples(st.none() | loads, st.floats(0.1, 60)), min_size=1, max_size=25)


def run(steps: list[tuple[Load | None, float]], start: int) -> list[Decision]:
    """The decisions of a run in which every one is written."""
    now, desired, history = NOW, start, History()
    decisions = []
    for measured, pause in steps:
        (decision,), history = decide(SPEC, seeing(desired, measured), history, now)
        decisions.append(decision)
        desired, now = decision.decided, now + pause
    return decisions


@given(ticks, counts)
def test_a_count_stays_within_its_bounds(steps: list[tuple[Load | None, float]], start: int) -> None:
    assert all(MINIMUM <= decision.decided <= MAXIMUM for decision in run(steps, start))


@given(ticks, counts)
def test_without_complete_data_nothing_is_lowered_but_into_the_bounds(
    steps: list[tuple[Load | None, float]], start: int
) -> None:
    for (measured, _), decision in zip(steps, run(steps, start), strict=True):
        if measured is None or not measured.complete:
            assert decision.decided >= min(decision.current, MAXIMUM)


@given(ticks, counts)
def test_a_change_has_a_reason_and_a_limit_explains_what_was_not_granted(
    steps: list[tuple[Load | None, float]], start: int
) -> None:
    for decision in run(steps, start):
        assert decision.reason
        if decision.decided != decision.current:
            assert f"{decision.current} → {decision.decided}" in decision.reason
        if decision.decided != decision.wanted:
            assert decision.limits
            assert decision.limits[-1].to == decision.decided


@given(ticks, counts)
def test_the_same_input_gives_the_same_decision(steps: list[tuple[Load | None, float]], start: int) -> None:
    assert run(steps, start) == run(steps, start)


@given(st.integers(MINIMUM, MAXIMUM), amounts, amounts, amounts, amounts, st.booleans())
def test_more_load_never_means_fewer_replicas(
    desired: int, concurrency: float, more: float, rate: float, faster: float, complete: bool
) -> None:
    less = load(concurrency, rate, 0.2, complete)
    larger = load(concurrency + more, rate + faster, 0.2, complete)
    (low,), _ = decide(SPEC, seeing(desired, less), History(), NOW)
    (high,), _ = decide(SPEC, seeing(desired, larger), History(), NOW)
    assert low.decided <= high.decided


recommendations = st.builds(Recommendation, st.floats(NOW - 400, NOW), st.integers(0, 50))


@given(counts, counts, st.lists(recommendations, max_size=30), st.integers(0, 300), st.integers(0, 300))
def test_stabilization_picks_something_between_what_is_and_what_was_recommended(
    current: int, wanted: int, log: list[Recommendation], up_window: int, down_window: int
) -> None:
    stable, after = stabilize(current, wanted, tuple(log), up_window=up_window, down_window=down_window, now=NOW)
    known = [wanted, *(entry.replicas for entry in log)]
    assert stable in {current, *known}
    assert stable <= max(current, *known)
    assert Recommendation(NOW, wanted) in after
    if stable < current:  # nothing in the window asked for more than where it goes
        assert all(entry.replicas <= stable for entry in log if entry.at > NOW - down_window)


@given(st.lists(st.tuples(counts, st.floats(0.1, 30)), max_size=60))
def test_the_store_of_events_does_not_grow_beyond_a_period(changes: list[tuple[int, float]]) -> None:
    speed, events, now, count = Speed(DEFAULT_UP, DEFAULT_DOWN), ScaleEvents(), NOW, 0
    times = []
    for to, pause in changes:
        now += pause
        if to != count:
            events = record(events, count, to, speed, now)
            times.append(now)
            count = to
    busiest = max((sum(1 for t in times if at - 15 <= t <= at) for at in times), default=0)
    assert len(events.up) <= busiest
    assert len(events.down) <= busiest
