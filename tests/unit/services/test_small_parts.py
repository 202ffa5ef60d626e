"""Deadlines, cursors, logs and latencies."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop import deadline, pages
from shop.logs import redact
from shop.problems import Problem
from traffic.latency import GROWTH, Latencies


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 10.0),
        ({"x-timeout-ms": "2500"}, 2.5),
        ({"x-timeout-ms": "2500", "x-envoy-expected-rq-timeout-ms": "900"}, 0.9),
        ({"x-timeout-ms": "99999"}, 10.0),
        ({"x-envoy-expected-rq-timeout-ms": "0"}, 10.0),
        ({"x-timeout-ms": "-1"}, 10.0),
        ({"x-timeout-ms": "²"}, 10.0),
    ],
)
def test_a_request_takes_the_least_of_the_times_it_is_given(headers: dict[str, str], seconds: float) -> None:
    assert deadline.budget(headers, 10.0) == seconds


def test_what_is_left_is_at_most_the_ceiling_and_never_nothing() -> None:
    assert deadline.remaining(7.0) == 7.0
    token = deadline.start(5.0)
    assert 4.0 < deadline.remaining(7.0) <= 5.0
    assert deadline.remaining(3.0) == 3.0
    deadline.end(token)
    token = deadline.start(-1.0)
    assert deadline.remaining(7.0) == 0.001
    deadline.end(token)


@given(st.lists(st.one_of(st.integers(-(2**53), 2**53), st.text(max_size=20)), min_size=1, max_size=3))
def test_a_cursor_gives_back_its_position(position: list[object]) -> None:
    assert pages.decode(pages.encode(position), len(position)) == position


@given(st.text(max_size=50))
def test_any_other_text_is_a_problem_and_not_a_crash(cursor: str) -> None:
    try:
        position = pages.decode(cursor, 2)
    except Problem:
        return
    assert len(position) == 2


def test_secrets_do_not_reach_the_log_however_deep() -> None:
    event = {
        "event": "x", "password": "p", "headers": {"Authorization": "Bearer p", "accept": "a"}, "card_token": "p",
        "database_url": "p", "order": str(uuid.UUID(int=0)),
    }  # fmt: skip
    redacted = dict(redact(None, "info", event))
    assert "p" not in (redacted["password"], redacted["card_token"], redacted["database_url"])
    assert redacted["headers"] == {"Authorization": "[redacted]", "accept": "a"}
    assert redacted["order"] == str(uuid.UUID(int=0))


@given(st.lists(st.floats(0.0001, 100), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_off_by_one_bucket_at_most(seconds: list[float], share: float) -> None:
    latencies = Latencies()
    for value in seconds:
        latencies.add(value)
    rank = max(0, -(-len(seconds) * share // 1) - 1)
    exact = sorted(seconds)[int(rank)] * 1000
    assert exact / GROWTH <= latencies.percentile_ms(share) + 0.01
    assert latencies.percentile_ms(share) <= exact * GROWTH + 0.01


def test_no_requests_no_latency() -> None:
    assert Latencies().percentile_ms(0.5) == 0
