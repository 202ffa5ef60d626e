"""One version of each package, wherever it is named."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pins(path: str) -> dict[str, str]:
    lines = (line.strip() for line in (ROOT / path).read_text().splitlines())
    pairs = (line.split("==") for line in lines if line and not line.startswith(("#", "-")))
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_the_operators_image_has_what_pyproject_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = dict(item.lower().replace("_", "-").split("==") for item in project["dependencies"])
    assert wanted.items() <= pins("operator/requirements.txt").items()


def test_operator_and_services_agree_on_versions() -> None:
    operator, services = pins("operator/requirements.txt"), pins("services/requirements.txt")
    common = operator.keys() & services.keys()
    assert common
    assert {name: operator[name] for name in common} == {name: services[name] for name in common}


def test_make_installs_the_command_line_that_pyproject_offers() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = dict(item.lower().split("==") for item in groups["cli"])
    assert wanted.items() <= pins("requirements.txt").items()
