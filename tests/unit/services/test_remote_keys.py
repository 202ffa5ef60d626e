"""When another service's keys are fetched: needed, unknown, or old, and never more often than that."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shop import jwks
from shop.http_client import CalleeError, Reply, ServiceClient
from shop.jwks import RemoteKeys
from shop.problems import Problem

KEYS = {name: Ed25519PrivateKey.generate().public_key() for name in ("k1", "k2")}


class User(ServiceClient):
    """The user service as far as its keys go."""

    def __init__(self) -> None:
        super().__init__("user", "http://user.invalid", 1)
        self.calls, self.published, self.away = 0, ["k1"], False

    async def call(self, *_: Any, **__: Any) -> Reply:
        self.calls += 1
        await asyncio.sleep(0)
        if self.away:
            raise CalleeError("user", "away")
        return Reply(200, jwks.document({name: KEYS[name] for name in self.published}))


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_keys_are_fetched_once_for_all_who_need_them_at_first() -> None:
    user = User()
    keys = RemoteKeys(user, clock=Time())
    found = await asyncio.gather(*(keys.lookup("k1") for _ in range(20)))
    assert all(found)
    assert user.calls == 1


async def test_a_new_key_is_found_and_made_up_ones_are_not_a_way_to_flood_the_user_service() -> None:
    user, clock = User(), Time()
    keys = RemoteKeys(user, clock=clock)
    await keys.lookup("k1")
    user.published = ["k1", "k2"]
    for n in range(100):
        assert await keys.lookup(f"made up {n}") is None
    assert user.calls == 1
    clock.now += jwks.MIN_AGE_SECONDS + 0.1
    assert await keys.lookup("k2") is not None
    assert user.calls == 2


async def test_a_withdrawn_key_is_honoured_no_longer_than_the_maximum_age() -> None:
    user, clock = User(), Time()
    keys = RemoteKeys(user, clock=clock)
    await keys.lookup("k1")
    user.published = ["k2"]
    clock.now += jwks.MAX_AGE_SECONDS
    assert await keys.lookup("k1") is not None
    clock.now += 0.1
    assert await keys.lookup("k1") is None


async def test_the_user_service_being_away_stops_nobody_whose_key_is_known() -> None:
    user, clock = User(), Time()
    keys = RemoteKeys(user, clock=clock)
    await keys.lookup("k1")
    user.away = True
    clock.now += jwks.MAX_AGE_SECONDS + 1
    assert await keys.lookup("k1") is not None
    assert user.calls == 2


async def test_without_any_key_the_answer_is_to_try_later() -> None:
    user = User()
    user.away = True
    with pytest.raises(Problem) as caught:
        await RemoteKeys(user, clock=Time()).lookup("k1")
    assert caught.value.status == 503
