"""Two electors on a real API server: one works, the other takes over, and never both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from consumerapp_operator.api.kinds import LEASE
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.runtime.lease import Lease, LeaseLost


def elector(client: Client, namespace: str, identity: str) -> Lease:
    return Lease(client, namespace, "operator", identity, duration=2, renew=0.4, deadline=1.2, retry=0.2)


def key(namespace: str) -> ObjectKey:
    return ObjectKey(LEASE.api_version, LEASE.kind, namespace, "operator")


async def holder(client: Client, namespace: str) -> str:
    return str((await client.get(key(namespace)))["spec"]["holderIdentity"])


async def test_the_second_waits_and_takes_over_at_once_after_a_release(client: Client, namespace: str) -> None:
    first, second = elector(client, namespace, "first"), elector(client, namespace, "second")
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    keeping = asyncio.create_task(first.keep())
    await asyncio.sleep(3)  # longer than the duration: only renewing keeps the second out
    assert not waiting.done()
    assert await holder(client, namespace) == "first"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await first.release()
    await asyncio.wait_for(waiting, 1)
    assert await holder(client, namespace) == "second"
    assert (await client.get(key(namespace)))["spec"]["leaseTransitions"] == 1


async def test_a_holder_that_died_is_waited_out(client: Client, namespace: str) -> None:
    await elector(client, namespace, "dead").acquire()
    begun = asyncio.get_running_loop().time()
    await asyncio.wait_for(elector(client, namespace, "next").acquire(), 5)
    assert asyncio.get_running_loop().time() - begun >= 1.9, "its duration had not passed"


async def test_a_restarted_process_of_the_same_name_goes_on_at_once(client: Client, namespace: str) -> None:
    await elector(client, namespace, "pod-1").acquire()
    await asyncio.wait_for(elector(client, namespace, "pod-1").acquire(), 1)


async def test_of_many_that_start_at_once_one_gets_it(client: Client, namespace: str) -> None:
    electors = [asyncio.create_task(elector(client, namespace, f"e{index}").acquire()) for index in range(6)]
    done, pending = await asyncio.wait(electors, timeout=1.2)
    assert len(done) == 1
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def test_a_holder_whose_lease_was_taken_stops(client: Client, namespace: str) -> None:
    lease = elector(client, namespace, "first")
    await lease.acquire()
    await client.patch(key(namespace), {"spec": {"holderIdentity": "thief"}})
    with pytest.raises(LeaseLost, match="thief holds the Lease"):
        await asyncio.wait_for(lease.keep(), 3)
    await lease.release()
    assert await holder(client, namespace) == "thief", "what is not ours is not given back"


async def test_a_write_of_ours_whose_answer_got_lost_is_not_a_loss(client: Client, namespace: str) -> None:
    lease = elector(client, namespace, "first")
    await lease.acquire()
    await client.patch(key(namespace), {"spec": {"leaseTransitions": 7}})  # a newer version, and still ours
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(1)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_a_holder_that_is_cut_off_stops_before_anyone_else_may_begin(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, other = elector(client, namespace, "first"), elector(client, namespace, "other")
    await lease.acquire()
    genuine = client.replace

    async def cut_off(manifest: Mapping[str, Any]) -> Manifest:
        if manifest["spec"]["holderIdentity"] == "first":
            raise ApiError(0, "ClientConnectorError", "no route to host")
        return await genuine(manifest)

    monkeypatch.setattr(client, "replace", cut_off)
    order = itertools.count()
    ends: dict[str, int] = {}

    async def stops() -> None:
        with pytest.raises(LeaseLost, match=r"was not renewed for 1\.2 s"):
            await lease.keep()
        ends["stopped"] = next(order)

    async def begins() -> None:
        await other.acquire()
        ends["began"] = next(order)

    await asyncio.wait_for(asyncio.gather(stops(), begins()), 6)
    assert ends == {"stopped": 0, "began": 1}


@pytest.mark.parametrize("times", [{"renew": 12.0}, {"deadline": 20.0}, {"retry": 9.0}])
async def test_times_that_would_allow_two_at_once_are_refused(client: Client, times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="retry <= renew < deadline < duration"):
        Lease(client, "n", "l", "i", **{"duration": 15.0, "renew": 5.0, "deadline": 10.0, **times})  # type: ignore[arg-type]
