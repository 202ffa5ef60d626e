"""The queue's laws, with a clock that the test winds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import pytest

from consumerapp_operator.runtime.queue import LONGEST_RETRY_SECONDS, Queue, ShutDown


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time that stands still until `wind`."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Timer, Callable[[], None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer()
        heapq.heappush(self._due, (self.now + seconds, next(self._order), timer, callback))
        return timer

    def wind(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until + 1e-9:
            self.now, _, timer, callback = heapq.heappop(self._due)
            if not timer.cancelled:
                callback()
        self.now = until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue[str]:
    return Queue(clock.time, clock.call_later)


async def test_keys_come_out_in_the_order_they_came_in(queue: Queue[str]) -> None:
    for key in ("a", "b", "c"):
        queue.add(key)
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]


async def test_a_waiting_key_is_not_added_twice(queue: Queue[str]) -> None:
    queue.add("a")
    queue.add("a")
    assert queue.depth() == 1
    assert queue.added == 1


async def test_a_key_in_work_is_handed_out_once_more_after_done_however_often_it_was_added(queue: Queue[str]) -> None:
    queue.add("a")
    assert await queue.get() == "a"
    for _ in range(3):
        queue.add("a")
    assert queue.depth() == 0, "a key must never be in work twice"
    queue.done("a")
    assert queue.depth() == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert queue.depth() == 0


async def test_getters_are_woken_one_per_key(queue: Queue[str]) -> None:
    getters = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.gather(*getters)) == ["a", "b"]


async def test_a_key_is_not_lost_when_the_getter_it_was_meant_for_is_cancelled(queue: Queue[str]) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")  # wakes the first
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"


async def test_a_delayed_key_comes_when_it_is_due(queue: Queue[str], clock: Clock) -> None:
    queue.add_after("a", 5)
    clock.wind(4.9)
    assert queue.depth() == 0
    clock.wind(0.1)
    assert queue.depth() == 1


@pytest.mark.parametrize(("first", "second"), [(5.0, 2.0), (2.0, 5.0)])
async def test_of_two_delays_the_earlier_holds(queue: Queue[str], clock: Clock, first: float, second: float) -> None:
    queue.add_after("a", first)
    queue.add_after("a", second)
    clock.wind(2)
    assert await queue.get() == "a"
    queue.done("a")
    clock.wind(10)
    assert queue.depth() == 0, "the later one is not a second time"


async def test_a_delay_that_is_over_adds_at_once(queue: Queue[str]) -> None:
    queue.add_after("a", 0)
    assert queue.depth() == 1


async def test_retries_double_up_to_a_limit_and_start_anew_after_forget(queue: Queue[str], clock: Clock) -> None:
    pauses = []
    for _ in range(20):
        begun = clock.now
        queue.add_rate_limited("a")
        while queue.depth() == 0:
            clock.wind(0.001)
        pauses.append(clock.now - begun)
        queue.done(await queue.get())
        if len(pauses) == 15:
            queue.forget("a")
    assert pauses[:5] == pytest.approx([0.005, 0.01, 0.02, 0.04, 0.08], abs=0.0011)
    assert pauses[14] == pytest.approx(LONGEST_RETRY_SECONDS, abs=0.01)
    assert pauses[15] == pytest.approx(0.005, abs=0.0011)
    assert queue.failures("a") == 5


async def test_keys_back_off_each_for_itself(queue: Queue[str], clock: Clock) -> None:
    for _ in range(10):
        queue.add_rate_limited("slow")
    queue.add_rate_limited("quick")
    clock.wind(0.005)
    assert "quick" in {await queue.get() for _ in range(queue.depth())}


async def test_ages_tell_of_a_stall(queue: Queue[str], clock: Clock) -> None:
    queue.add("a")
    clock.wind(3)
    assert queue.oldest_waiting_seconds() == 3
    await queue.get()
    clock.wind(7)
    assert queue.oldest_waiting_seconds() == 0
    assert queue.oldest_processing_seconds() == 7
    queue.add("a")
    queue.done("a")
    assert queue.oldest_processing_seconds() == 0


async def test_shut_down_wakes_all_getters_and_takes_nothing_more(queue: Queue[str], clock: Clock) -> None:
    getters = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add_after("late", 1)
    queue.shut_down()
    results = await asyncio.gather(*getters, return_exceptions=True)
    assert [type(result) for result in results] == [ShutDown, ShutDown]
    queue.add("a")
    clock.wind(2)
    assert queue.depth() == 0


async def test_work_in_hand_at_the_shut_down_may_be_finished(queue: Queue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.shut_down()
    queue.done("a")
    with pytest.raises(ShutDown):
        await queue.get()


async def test_a_key_is_never_in_two_hands() -> None:
    """Many workers and many adds: at no moment is one key worked on twice, and the last add is always seen."""
    queue: Queue[int] = Queue()
    wanted = dict.fromkeys(range(7), 0)
    seen = dict.fromkeys(range(7), 0)
    in_hand: set[int] = set()

    async def work() -> None:
        while True:
            try:
                key = await queue.get()
            except ShutDown:
                return
            assert key not in in_hand
            in_hand.add(key)
            seen[key] = wanted[key]
            await asyncio.sleep(0.0005 * (key % 3))
            in_hand.remove(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(5)]
    for index in range(700):
        key = index * 31 % 7
        wanted[key] = index
        queue.add(key)
        if index % 13 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while queue.depth() or in_hand:  # noqa: ASYNC110 - the queue has no event for being empty
            await asyncio.sleep(0.001)
    queue.shut_down()
    await asyncio.gather(*workers)
    assert seen == wanted
