"""Credentials, patches, the limiter and Events: the parts of apply that need no API server to be judged."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.apply.credentials import with_values
from consumerapp_operator.apply.events import Notice, event
from consumerapp_operator.apply.limiter import Limiter
from consumerapp_operator.apply.patches import is_merged
from consumerapp_operator.plan.model import GeneratedSecret


def test_passwords_are_drawn_anew_each_time_and_only_into_the_values() -> None:
    secret = GeneratedSecret(
        manifest={"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}},
        passwords=("app", "admin"),
        data=lambda drawn: {"url": f"postgres://shop:{drawn['app']}@db", "admin": drawn["admin"]},
    )
    first, second = with_values(secret)["stringData"], with_values(secret)["stringData"]
    assert set(first) == {"url", "admin"}
    assert first["admin"] not in first["url"]
    assert first["admin"] != second["admin"]
    assert len(first["admin"]) >= 32
    assert "stringData" not in secret.manifest


@pytest.mark.parametrize(
    ("patch", "live", "merged"),
    [
        ({"metadata": {"labels": {"role": None}}}, {"metadata": {"labels": {"role": "primary"}}}, False),
        ({"metadata": {"labels": {"role": None}}}, {"metadata": {"labels": {"x": "y"}}}, True),
        ({"metadata": {"labels": {"role": None}}}, {"metadata": {}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ({"a": {"b": 1}}, {}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({}, {"a": 1}, True),
    ],
)
def test_a_patch_that_would_change_nothing_is_not_made(patch: Any, live: Any, merged: bool) -> None:
    assert is_merged(patch, live) is merged


def test_the_limiter_lets_a_burst_through_and_then_the_rate() -> None:
    limiter = Limiter(rate=10, burst=3)
    assert [limiter.reserve(0) for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])
    assert limiter.reserve(0.3) == pytest.approx(0)
    assert [limiter.reserve(100) for _ in range(4)] == pytest.approx([0, 0, 0, 0.1]), "no more than a burst is saved up"


def test_an_event_is_about_the_app() -> None:
    app = {"metadata": {"name": "shop", "namespace": "default", "uid": "u"}}
    found = event(app, Notice("Pruned", "x" * 2000, warning=True), 0.0, "pod-1")
    assert found["involvedObject"]["uid"] == "u"
    assert found["type"] == "Warning"
    assert len(found["message"]) == 1024
    assert found["firstTimestamp"] == "1970-01-01T00:00:00Z"
