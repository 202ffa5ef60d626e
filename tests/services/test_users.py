"""Accounts, tokens and their keys."""

import asyncio
import base64
import json
import time
import uuid

import pytest

from tests.services.shop_processes import Shop

PASSWORD = "a good passphrase"


def email() -> str:
    return f"{uuid.uuid4()}@example.com"


async def test_signing_up_with_one_address_at_the_same_time_makes_one_account(shop: Shop) -> None:
    new = {"email": email(), "password": PASSWORD, "display_name": "Ann"}
    answers = await asyncio.gather(*(shop.call("user", "POST", "/api/users", new) for _ in range(6)))
    assert sorted(a.status for a in answers) == [201, 409, 409, 409, 409, 409]
    refused = next(a for a in answers if a.status == 409)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.document["type"] == "urn:shop:problem:email-taken"
    assert await shop.query("user", "SELECT count(*) FROM users WHERE email = $1", new["email"]) == 1


async def test_an_address_is_the_same_in_capitals(shop: Shop) -> None:
    address = email()
    await shop.customer(address)
    shouted = {"email": address.upper(), "password": PASSWORD, "display_name": "Ann"}
    assert (await shop.call("user", "POST", "/api/users", shouted)).status == 409


async def test_a_password_is_stored_as_argon2id_and_never_answered(shop: Shop) -> None:
    address = email()
    answer = await shop.call(
        "user", "POST", "/api/users", {"email": address, "password": PASSWORD, "display_name": "Ann"}
    )
    assert "password" not in answer.document
    stored = await shop.query("user", "SELECT password_hash FROM users WHERE email = $1", address)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in shop.logs["user"].read_text()


@pytest.mark.parametrize("who", ["wrong password", "no account"])
async def test_who_cannot_log_in_learns_not_why(shop: Shop, who: str) -> None:
    address = email()
    if who == "wrong password":
        await shop.customer(address)
    login = {"email": address, "password": "not that"}
    answer = await shop.call("user", "POST", "/api/users/login", login)
    assert (answer.status, answer.document["type"]) == (401, "urn:shop:problem:wrong-credentials")


async def test_a_profile_is_changed_by_its_owner(shop: Shop) -> None:
    token = await shop.customer(email())
    changed = await shop.call("user", "PATCH", "/api/users/me", {"display_name": " Ann "}, token=token)
    assert (changed.status, changed.document["display_name"]) == (200, "Ann")
    assert (await shop.call("user", "GET", "/api/users/me", token=token)).document == changed.document
    assert (await shop.call("user", "GET", "/api/users/me")).status == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-address"),
        ("email", "a\x00@b.c"),
        ("password", "short"),
        ("display_name", ""),
        ("admin", True),
    ],
)
async def test_a_wrong_field_is_named_and_its_value_not_repeated(shop: Shop, field: str, value: object) -> None:
    new = {"email": email(), "password": PASSWORD, "display_name": "Ann", field: value}
    answer = await shop.call("user", "POST", "/api/users", new)
    assert (answer.status, answer.document["type"]) == (422, "urn:shop:problem:invalid-request")
    assert [e["in"] for e in answer.document["errors"]] == [f"body.{field}"]
    assert PASSWORD not in answer.body.decode()
    assert field != "password" or "short" not in answer.body.decode()


async def test_two_replicas_sign_with_one_key(shop: Shop) -> None:
    address = email()
    token = await shop.customer(address)
    shop.start("user", "user-2")
    try:
        keys = [(await shop.call(n, "GET", "/.well-known/jwks.json")).document for n in ("user", "user-2")]
        assert keys[0] == keys[1]
        assert len(keys[0]["keys"]) == 1
        assert "d" not in keys[0]["keys"][0], "the private part"
        assert (await shop.call("user-2", "GET", "/api/users/me", token=token)).status == 200
    finally:
        assert shop.end("user-2") == 0


async def test_new_replicas_that_start_together_agree_on_a_key(shop: Shop) -> None:
    await shop.query("user", "DELETE FROM signing_keys")
    names = ["user-a", "user-b", "user-c"]
    for name in names:
        shop.start("user", name)
    try:
        answers = await asyncio.gather(*(shop.call(n, "GET", "/.well-known/jwks.json") for n in names))
        assert len({a.body for a in answers}) == 1
    finally:
        for name in names:
            shop.end(name)
        shop.end("user")  # it still signs with the key that is gone
        shop.start("user")


async def test_a_token_with_other_claims_is_refused(shop: Shop) -> None:
    token = await shop.customer(email())
    head, claims, signature = token.split(".")
    forged = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged["sub"] = str(uuid.uuid4())
    changed = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
    for service, path in (("user", "/api/users/me"), ("order", "/api/orders")):
        answer = await shop.call(service, "GET", path, token=f"{head}.{changed}.{signature}")
        assert answer.status == 401
        assert (await shop.call(service, "GET", path, token=token)).status == 200


async def test_hashing_does_not_stop_other_requests(shop: Shop) -> None:
    token = await shop.customer(email())
    new = {"password": PASSWORD, "display_name": "Ann"}
    hashing = asyncio.gather(*(shop.call("user", "POST", "/api/users", {**new, "email": email()}) for _ in range(24)))
    answered = 0
    began = time.monotonic()
    while not hashing.done():
        assert (await shop.call("user", "GET", "/api/users/me", token=token)).status == 200
        answered += 1
    took = time.monotonic() - began
    assert {a.status for a in await hashing} == {201}
    assert answered >= 3, f"{answered} profiles in the {took:.1f} s that 24 hashes took"
