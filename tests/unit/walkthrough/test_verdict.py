"""The demo's verdict: each promise can be missed, and only fatal ones fail it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from walkthrough.verdict import Outcome, checks, course, passed, up_and_down

MOVES = ((0.0, 1), (40.0, 3), (120.0, 1))
STAYS = ((0.0, 1), (120.0, 1))
GOOD = Outcome(
    ready_s=60.0,
    requests=5000,
    failed=0,
    p50_ms=9.0,
    p95_ms=40.0,
    orders_acknowledged=300,
    orders_stored=300,
    same_orders=True,
    replicas={"gateway": MOVES, "product": MOVES, "order": MOVES, "user": STAYS},
    services=("user", "product", "order"),
    written={},
)


def test_a_good_outcome_passes() -> None:
    results = checks(GOOD)
    assert [result.promise for result in results if not result.held] == []
    assert passed(results)


@pytest.mark.parametrize(
    "change",
    [
        {"failed": 1},
        {"requests": 0},
        {"orders_stored": 299},
        {"orders_stored": 301},
        {"same_orders": False},
        {"orders_acknowledged": 0, "orders_stored": 0},
        {"ready_s": 121.0},
        {"written": {"apply Deployment": 1}},
        {"replicas": {**GOOD.replicas, "gateway": STAYS}},
        {"replicas": {**GOOD.replicas, "gateway": MOVES[:2]}},
        {"replicas": {**GOOD.replicas, "order": STAYS}},
        {"replicas": {}},
    ],
)
def test_a_missed_promise_fails_the_demo(change: dict[str, Any]) -> None:
    assert not passed(checks(dataclasses.replace(GOOD, **change)))


def test_a_slow_start_on_a_busy_machine_is_told_and_forgiven() -> None:
    results = checks(dataclasses.replace(GOOD, ready_s=100.0))
    assert [result.promise for result in results if not result.held] == ["Ready within 90 s of the apply"]
    assert passed(results)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((1, 2, 1), True),
        ((1, 3, 2), True),
        ((2, 1), False),
        ((1, 2), False),
        ((1,), False),
        ((), False),
        ((2, 1, 2), False),
    ],
)
def test_up_and_down(counts: tuple[int, ...], expected: bool) -> None:
    assert up_and_down([(float(index), count) for index, count in enumerate(counts)]) is expected


def test_course_names_each_count_once() -> None:
    assert course([(0, 1), (1, 2), (2, 2), (3, 1), (9, 1)]) == "1→2→1"
