"""A wrong spec is refused with the field's path and what to do, and what runs is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.lab import LAB_SPEC, Lab, manifest
from walkthrough.kubectl import Kubectl, KubectlError

TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "bad_specs.yaml").read_text(encoding="utf-8")
)


def test_the_table_is_long_enough() -> None:
    assert sum(len(cases) for cases in TABLE.values()) >= 30


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: case["case"])
def test_the_api_server_refuses(kubectl: Kubectl, case: dict[str, Any]) -> None:
    with pytest.raises(KubectlError) as refused:
        kubectl.apply(manifest(case.get("name", "bad"), "default", case["spec"]), "--dry-run=server")
    for words in case["says"]:
        assert words in refused.value.why


@pytest.mark.parametrize("case", TABLE["refused_update"], ids=lambda case: case["case"])
def test_the_api_server_refuses_a_change(lab: Lab, case: dict[str, Any]) -> None:
    with pytest.raises(KubectlError) as refused:
        lab.apply(_changed(case), "--dry-run=server")
    for words in case["says"]:
        assert words in refused.value.why


def test_the_operator_refuses_and_leaves_what_runs_untouched(lab: Lab) -> None:
    before = _generations(lab)
    assert before
    for case in TABLE["invalid"]:
        lab.apply(_changed(case))
        message = str(lab.wait_condition("SpecValid", "False", seconds=30)["message"])
        for words in case["says"]:
            assert words in message, f"{case['case']}: {message}"
        assert lab.condition("Ready")["status"] == "True", case["case"]
        assert _generations(lab) == before, case["case"]


def _changed(case: dict[str, Any]) -> dict[str, Any]:
    """LAB_SPEC with the case's `services` merged by name, and its other fields put in place."""
    changes = {service["name"]: service for service in case["change"].get("services", [])}
    services = [{**service, **changes.pop(service["name"], {})} for service in LAB_SPEC["services"]]
    for name in case.get("without", []):
        services = [{key: value for key, value in service.items() if key != name} for service in services]
    return {**LAB_SPEC, **case["change"], "services": [*services, *changes.values()]}


def _generations(lab: Lab) -> dict[str, int]:
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"].get("generation", 0)
        for item in lab.list("deployments,statefulsets,networkpolicies,services")
    }
