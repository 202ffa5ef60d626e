"""Who we are to the API server: from the pod's account or a kubeconfig, read again when it may have changed."""

from __future__ import annotations

from pathlib import Path

import kopf
import pytest

from consumerapp_operator.apply import connection
from consumerapp_operator.apply.connection import Connection, login

CONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://cluster.example:6443/"}}]
users: [{name: test, user: {token: "first"}}]
"""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def test_a_kubeconfig_is_used_outside_of_a_cluster(kubeconfig: Path) -> None:
    made = Connection()
    assert made.server == "https://cluster.example:6443"
    assert made.headers() == {"Authorization": "Bearer first"}
    assert kubeconfig.exists()


def test_a_token_that_was_replaced_is_found(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Connection()
    kubeconfig.write_text(CONFIG.replace("first", "second"))
    assert made.headers() == {"Authorization": "Bearer first"}, "not read at each request"
    monkeypatch.setattr(connection, "TOKEN_LIFETIME_SECONDS", -1.0)
    assert made.headers() == {"Authorization": "Bearer second"}


def test_a_refusal_makes_it_be_read_at_once(kubeconfig: Path) -> None:
    made = Connection()
    kubeconfig.write_text(CONFIG.replace("first", "second"))
    made.refresh()
    assert made.headers() == {"Authorization": "Bearer second"}


def test_without_either_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(kopf.LoginError, match="set KUBECONFIG"):
        login()
