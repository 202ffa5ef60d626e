"""What a token must be, and what it must not pass for."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shop import jwks, tokens
from shop.problems import Problem

KEY = Ed25519PrivateKey.generate()
HOUR = timedelta(hours=1)
CUSTOMER = uuid.uuid4()


async def lookup(key_id: str) -> Ed25519PublicKey | None:
    return KEY.public_key() if key_id == "k1" else None


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    good = {"iss": "shop-user", "aud": "shop", "sub": str(CUSTOMER), "iat": now, "exp": now + HOUR}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def unsigned(algorithm: str, body: dict[str, Any]) -> str:
    def part(document: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(document, default=str).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'kid': 'k1', 'typ': 'JWT'})}.{part(body)}."


async def test_an_issued_token_names_its_customer() -> None:
    token = tokens.issue("k1", KEY, CUSTOMER, datetime.now(UTC), HOUR)
    assert await tokens.verify(token, lookup) == tokens.Customer(CUSTOMER)


PUBLIC_RAW = KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    ("token", "why"),
    [
        pytest.param("", "not valid", id="empty"),
        pytest.param("a.b.c", "not valid", id="no token"),
        pytest.param(jwt.encode(claims(), KEY, "EdDSA", {"kid": "k2"}), "not known", id="unknown key"),
        pytest.param(jwt.encode(claims(), KEY, "EdDSA"), "not known", id="no key id"),
        pytest.param(
            jwt.encode(claims(), Ed25519PrivateKey.generate(), "EdDSA", {"kid": "k1"}), "not valid", id="another's key"
        ),
        pytest.param(
            jwt.encode(claims(), PUBLIC_RAW, "HS256", {"kid": "k1"}), "not valid", id="public key as a secret"
        ),
        pytest.param(unsigned("none", {**claims(iat=None), "exp": 9999999999}), "not valid", id="no signature"),
        pytest.param(
            jwt.encode(claims(exp=datetime.now(UTC) - timedelta(seconds=6)), KEY, "EdDSA", {"kid": "k1"}),
            "expired", id="expired",
        ),
        pytest.param(jwt.encode(claims(exp=None), KEY, "EdDSA", {"kid": "k1"}), "not valid", id="no expiry"),
        pytest.param(jwt.encode(claims(iss="x"), KEY, "EdDSA", {"kid": "k1"}), "not valid", id="another issuer"),
        pytest.param(jwt.encode(claims(aud="x"), KEY, "EdDSA", {"kid": "k1"}), "not valid", id="another audience"),
        pytest.param(jwt.encode(claims(sub="x"), KEY, "EdDSA", {"kid": "k1"}), "not valid", id="no customer id"),
    ],
)  # fmt: skip
async def test_any_other_token_is_refused_with_the_reason(token: str, why: str) -> None:
    with pytest.raises(Problem) as caught:
        await tokens.verify(token, lookup)
    assert caught.value.status == 401
    assert why in caught.value.detail
    assert caught.value.headers == {"www-authenticate": "Bearer"}


def test_keys_survive_being_published() -> None:
    other = Ed25519PrivateKey.generate()
    published = jwks.document({"a": KEY.public_key(), "b": other.public_key()})
    foreign = {"kty": "RSA", "kid": "c", "n": "AQAB", "e": "AQAB"}
    parsed = jwks.parse({"keys": [*published["keys"], foreign]})
    assert {key_id: key.public_bytes_raw() for key_id, key in parsed.items()} == {
        "a": KEY.public_key().public_bytes_raw(),
        "b": other.public_key().public_bytes_raw(),
    }
