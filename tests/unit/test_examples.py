"""The examples a reader copies are ones the operator takes, and the README shows one of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumerapp_operator.api.app import read_app
from consumerapp_operator.plan.references import problems

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load(path.read_text())
    body["metadata"] |= {"namespace": "default", "uid": "u"}
    return body


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_operator_finds_nothing_wrong(path: Path) -> None:
    assert problems(read_app(read(path))) == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_payment_is_not_public(path: Path) -> None:
    routes = read_app(read(path)).spec.gateway.routes
    assert routes
    assert "payment" not in {route.service for route in routes}


def test_the_readme_shows_the_minimal_example() -> None:
    shown = (ROOT / "README.md").read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
    assert yaml.safe_load(shown) == yaml.safe_load((ROOT / "examples/minimal.yaml").read_text())
