"""What a worker makes of each way a reconcile can end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from consumerapp_operator.apply.client import ApiError
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.runtime.queue import Queue
from consumerapp_operator.runtime.reconciler import Result
from consumerapp_operator.runtime.telemetry import Telemetry
from consumerapp_operator.runtime.worker import work

SHOP, OTHER = AppKey("default", "shop"), AppKey("default", "other")


async def run(outcomes: list[Result | Exception]) -> tuple[int, Telemetry, Queue[AppKey]]:
    """Reconcile one app with these outcomes one after the other; how often it was reconciled within the time given."""
    queue: Queue[AppKey] = Queue()
    telemetry = Telemetry()
    calls = 0

    async def reconcile(key: AppKey) -> Result:
        nonlocal calls
        assert key == SHOP
        outcome = outcomes[min(calls, len(outcomes) - 1)]
        calls += 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    worker = asyncio.create_task(work(queue, reconcile, telemetry))
    queue.add(SHOP)
    await asyncio.sleep(0.2)
    queue.shut_down()
    await asyncio.wait_for(worker, 1)
    return calls, telemetry, queue


async def test_success_ends_it() -> None:
    calls, telemetry, queue = await run([Result()])
    assert calls == 1
    assert telemetry.reconciles.labels("ok")._value.get() == 1
    assert queue.failures(SHOP) == 0


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [(Result(failed=True), "refused"), (ApiError(500, "x", "y"), "api_error"), (KeyError("bug"), "fault")],
)
async def test_any_failure_is_tried_again_and_success_forgets_it(outcome: Result | Exception, counted: str) -> None:
    calls, telemetry, queue = await run([outcome, outcome, Result()])
    assert calls == 3
    assert telemetry.reconciles.labels(counted)._value.get() == 2
    assert queue.failures(SHOP) == 0


async def test_the_api_servers_wish_to_wait_is_obeyed() -> None:
    calls, _, _ = await run([ApiError(429, "TooManyRequests", "slow down", retry_after=30)])
    assert calls == 1


async def test_it_looks_again_when_asked_to() -> None:
    calls, _, _ = await run([Result(again_after=0.01), Result(again_after=0.01), Result()])
    assert calls == 3


async def test_one_apps_fault_does_not_stop_another() -> None:
    queue: Queue[AppKey] = Queue()
    seen: list[AppKey] = []

    async def reconcile(key: AppKey) -> Result:
        seen.append(key)
        if key == SHOP:
            raise ZeroDivisionError
        return Result()

    make: Callable[[AppKey], Awaitable[Result]] = reconcile
    worker = asyncio.create_task(work(queue, make, Telemetry()))
    queue.add(SHOP)
    queue.add(OTHER)
    await asyncio.sleep(0.05)
    queue.shut_down()
    await asyncio.wait_for(worker, 1)
    assert OTHER in seen
