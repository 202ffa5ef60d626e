"""Loads from counters: sums over pods, restarts, pods that come, go or do not answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumerapp_operator.observe.concurrency import mean_in_flight
from consumerapp_operator.observe.counters import Counters, Scrape
from consumerapp_operator.observe.percentile import percentile
from consumerapp_operator.observe.window import Measurement, Window
from consumerapp_operator.scale.workload import GATEWAY, service_key

ORDER = service_key("order")
T = 1_000_000.0
INFINITE = float("inf")


def counted(requests: float, seconds_each: float = 0.1, in_flight: float = 0.0) -> Scrape:
    counters = Counters(requests, requests, requests * seconds_each, {0.2: requests, INFINITE: requests}, in_flight)
    return {GATEWAY: counters, ORDER: counters}


def measure(
    window: Window, now: float, serving: Mapping[str, str], failures: Mapping[str, str] | None = None
) -> Measurement:
    return window.measure(now, (GATEWAY, ORDER), serving, failures or {})


def scraped(window: Window, pod: str, start: float, rate: float, ticks: int, born: float | None = None) -> float:
    """A pod that serves `rate` a second, scraped every 5 s; the time of the last scrape."""
    for tick in range(ticks):
        window.add(pod, start + 5 * tick, counted(rate * 5 * tick + 1000), born)
    return start + 5 * (ticks - 1)


def test_one_scrape_is_no_load() -> None:
    window = Window()
    window.add("a", T, counted(100), None)
    measured = measure(window, T, {"a": "gateway-a"})
    assert measured.loads == {}
    assert measured.missing == "the first measurement takes two scrapes"


def test_two_scrapes_are_a_load_of_the_time_between() -> None:
    window = Window()
    end = scraped(window, "a", T, 20, 2)
    order = measure(window, end, {"a": "gateway-a"}).loads[ORDER]
    assert (order.request_rate, order.window, order.complete) == (20, 5, True)
    assert order.concurrency == pytest.approx(2)


def test_the_window_slides() -> None:
    window = Window()
    for tick, total in enumerate([0, 0, 0, 0, 0, 100, 200, 300]):
        window.add("a", T + 5 * tick, counted(total), None)
        measured = measure(window, T + 5 * tick, {"a": "gateway-a"})
    order = measured.loads[ORDER]
    assert (order.request_rate, order.window) == (20, 15)


def test_pods_are_summed() -> None:
    window = Window()
    scraped(window, "a", T, 20, 4)
    end = scraped(window, "b", T, 5, 4)
    serving = {"a": "gateway-a", "b": "gateway-b"}
    assert measure(window, end, serving).loads[ORDER].request_rate == pytest.approx(25)


def test_a_restarted_pod_counts_from_zero() -> None:
    window = Window()
    for tick, total in enumerate([1000, 1100, 40, 140]):
        window.add("a", T + 5 * tick, counted(total), None)
    order = measure(window, T + 15, {"a": "gateway-a"}).loads[ORDER]
    assert order.request_rate == pytest.approx((100 + 40 + 100) / 15)


def test_a_service_that_came_back_under_its_name_counts_from_zero() -> None:
    window = Window()
    for tick, total in enumerate([50, 5]):
        window.add("a", T + 5 * tick, {GATEWAY: Counters(1000 + tick * 5), ORDER: Counters(total)}, None)
    loads = measure(window, T + 5, {"a": "gateway-a"}).loads
    assert (loads[ORDER].request_rate, loads[GATEWAY].request_rate) == (1, 1)


def test_a_pod_that_does_not_answer_makes_the_load_a_lower_bound() -> None:
    window = Window()
    scraped(window, "a", T, 20, 4)
    end = scraped(window, "b", T, 5, 3)
    serving = {"a": "gateway-a", "b": "gateway-b"}
    measured = measure(window, end + 5, serving, {"b": "connection refused"})
    assert measured.loads[ORDER].complete is False
    assert measured.loads[ORDER].request_rate >= 20
    assert measured.missing == "gateway pod gateway-b: connection refused, last measured 5 s ago"


def test_without_any_answer_there_is_no_load() -> None:
    window = Window()
    end = scraped(window, "a", T, 20, 4)
    measured = measure(window, end + 40, {"a": "gateway-a"}, {"a": "no answer within 2 s"})
    assert measured.loads == {}
    assert measured.missing == "gateway pod gateway-a: no answer within 2 s, last measured 40 s ago"


def test_after_an_outage_the_load_is_the_mean_of_the_time_without_scrapes() -> None:
    window = Window()
    scraped(window, "a", T, 20, 4)
    for late in (20, 40, 60):
        measure(window, T + 15 + late, {"a": "gateway-a"}, {"a": "no answer"})
    window.add("a", T + 95, counted(1000 + 20 * 15 + 10 * 80), None)
    order = measure(window, T + 95, {"a": "gateway-a"}).loads[ORDER]
    assert order.request_rate == pytest.approx(10)


def test_a_new_pod_is_counted_from_its_birth() -> None:
    window = Window()
    scraped(window, "a", T, 20, 4)
    window.add("b", T + 15, counted(30), born=T + 12)
    measured = measure(window, T + 15, {"a": "gateway-a", "b": "gateway-b"})
    assert measured.missing == ""
    assert measured.loads[ORDER].request_rate == pytest.approx(20 + 30 / 15)


def test_an_old_pod_seen_for_the_first_time_is_not_counted_for_its_whole_life() -> None:
    window = Window()
    scraped(window, "a", T, 20, 4)
    window.add("b", T + 15, counted(1_000_000), born=T - 3600)
    measured = measure(window, T + 15, {"a": "gateway-a", "b": "gateway-b"})
    assert measured.loads[ORDER].request_rate == pytest.approx(20)
    assert measured.loads[ORDER].complete is False
    assert "gateway-b" in measured.missing


def test_what_a_pod_served_before_it_went_is_counted_until_the_window_has_passed() -> None:
    window = Window()
    scraped(window, "a", T, 10, 5)
    end = scraped(window, "b", T, 10, 3)
    measured = measure(window, end + 10, {"a": "gateway-a"})
    assert measured.missing == ""
    assert measured.loads[ORDER].request_rate == pytest.approx(10 + 10 * 5 / 15)
    for tick in range(5, 12):
        window.add("a", T + 5 * tick, counted(1000 + 50 * tick), None)
        measured = measure(window, T + 5 * tick, {"a": "gateway-a"})
    assert measured.loads[ORDER].request_rate == pytest.approx(10)


def test_a_service_that_no_pod_knows_has_no_load() -> None:
    window = Window()
    end = scraped(window, "a", T, 20, 3)
    unknown = service_key("nobody")
    loads = window.measure(end, (ORDER, unknown), {"a": "gateway-a"}, {}).loads
    assert set(loads) == {ORDER}


def test_no_ready_gateway_is_no_load() -> None:
    window = Window()
    end = scraped(window, "a", T, 20, 3)
    measured = measure(window, end, {})
    assert (measured.loads, measured.missing) == ({}, "no gateway pod is ready")


@pytest.mark.parametrize(
    ("completed", "each", "samples_mean", "lowest", "expected"),
    [
        (750, 0.1, 4.0, 2.0, 5.0),  # short: Little
        (7, 20.0, 7.5, 6.0, 7.5),  # long: samples
        (0, 0.0, 9.0, 9.0, 9.0),  # nothing has ended: samples
        (30, 0.1, 80.0, 60.0, 80.0),  # nearly nothing ends any more: samples
        (0, 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_concurrency(completed: float, each: float, samples_mean: float, lowest: float, expected: float) -> None:
    counters = Counters(completed, completed, completed * each, {}, samples_mean)
    assert mean_in_flight(counters, lowest, 15.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({}, None),
        ({0.1: 0.0, INFINITE: 0.0}, None),
        ({0.1: 100.0, 0.2: 100.0, INFINITE: 100.0}, 0.095),
        ({0.1: 90.0, 0.2: 100.0, INFINITE: 100.0}, 0.15),
        ({0.1: 10.0, 0.2: 10.0, INFINITE: 100.0}, 0.2),
    ],
)
def test_percentile(buckets: dict[float, float], expected: float | None) -> None:
    assert percentile(buckets, 0.95) == (None if expected is None else pytest.approx(expected))


steps = st.lists(st.tuples(st.integers(0, 500), st.booleans(), st.floats(1, 8), st.booleans()), min_size=2, max_size=30)


@given(steps)
def test_no_request_is_counted_twice_whatever_restarts_and_fails(
    history: list[tuple[int, bool, float, bool]],
) -> None:
    """Each step: requests served, whether the pod began anew before, the time since, whether the scrape failed."""
    window = Window()
    now, total, served = T, 0, 0
    serving = {"a": "gateway-a"}
    window.add("a", now, counted(total), None)
    for requests, restarted, pause, failed in history:
        now += pause
        total = requests if restarted else total + requests
        served += requests
        if not failed:
            window.add("a", now, counted(total), None)
        measured = measure(window, now, serving, {"a": "no answer"} if failed else {})
        if ORDER in measured.loads:
            order = measured.loads[ORDER]
            assert 0 <= order.request_rate * order.window <= served + 1e-6
            assert order.complete is not failed
