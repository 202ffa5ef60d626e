"""What the commands say before and without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumerapp_operator.apply.client import ApiError
from consumerapp_operator.cli.commands import app
from consumerapp_operator.cli.failure import CannotAnswer, of_api
from consumerapp_operator.cli.manifest import read_manifest

GOOD = "apiVersion: consumerapp.io/v1alpha1\nkind: ConsumerApp\nmetadata: {name: shop}\nspec: {}\n"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("command", [["status", "shop"], ["explain", "shop", "order"], ["events", "shop"]])
def test_without_a_kubeconfig_it_says_what_to_do(command: list[str]) -> None:
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "set KUBECONFIG" in done.stderr
    assert "Traceback" not in done.stderr


def test_watch_is_for_people() -> None:
    assert CliRunner().invoke(app, ["status", "shop", "--watch", "-o", "json"]).exit_code != 0


def test_a_file_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["plan", "-f", "absent.yaml"])
    assert (done.exit_code, "absent.yaml: No such file" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("", "has 0 ConsumerApps"),
        (f"{GOOD}---\n{GOOD}", "has 2 ConsumerApps"),
        (GOOD.replace("v1alpha1", "v2"), "apiVersion is consumerapp.io/v2"),
        (GOOD.replace("{name: shop}", "{}"), "metadata.name is missing"),
    ],
)
def test_a_file_that_is_no_app(text: str, message: str) -> None:
    with pytest.raises(CannotAnswer, match=message):
        read_manifest(text, "new.yaml")


def test_an_app_among_other_objects() -> None:
    assert read_manifest(f"kind: Namespace\n---\n{GOOD}", "x")["metadata"] == {"name": "shop"}


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ApiError(0, "ClientConnectorError", "refused"), "is KUBECONFIG right"),
        (ApiError(401, "Unauthorized", "no"), "renew the kubeconfig"),
        (ApiError(403, "Forbidden", "no"), "ask for a role"),
        (ApiError(403, "Forbidden", 'User "system:anonymous" cannot get'), "an exec plugin is not run"),
        (ApiError(404, "NotFound", "the server could not find the requested resource"), "install the operator"),
        (ApiError(404, "NotFound", 'namespaces "x" not found'), "create the namespace"),
        (ApiError(500, "InternalError", "sorry"), "500 InternalError: sorry"),
    ],
)
def test_a_refusal_says_what_to_do(error: ApiError, advice: str) -> None:
    assert advice in str(of_api(error, "read shop"))
