"""The CRD: generated, current, structural and small enough for a plain `kubectl apply`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from consumerapp_operator.api.crd import custom_resource_definition
from consumerapp_operator.api.reference import reference

ROOT = Path(__file__).parents[3]


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if "type" in schema and isinstance(schema["type"], str):
            yield path, schema
        for key, child in schema.items():
            if key != "default":
                yield from nodes(child, f"{path}.{key}")


def schema() -> dict[str, Any]:
    version: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]
    result: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return result


def test_committed_crd_is_current() -> None:
    committed = yaml.safe_load((ROOT / "crds/consumerapps.yaml").read_text())
    assert committed == custom_resource_definition(), "run `make crds` and commit the result"


def test_committed_reference_is_current() -> None:
    assert (ROOT / "docs/api.md").read_text() == reference(), "run `make crds` and commit the result"


def test_fits_into_the_annotation_of_a_client_side_apply() -> None:
    assert len((ROOT / "crds/consumerapps.yaml").read_bytes()) < 200_000


def test_is_structural() -> None:
    text = yaml.safe_dump(schema())
    for forbidden in ("$ref", "anyOf", "allOf", "$defs", "const:", "preserve-unknown"):
        assert forbidden not in text, forbidden
    for path, node in nodes(schema()):
        if node["type"] == "array":
            assert "items" in node, path


def test_every_field_of_the_spec_is_explained() -> None:
    unexplained = [
        path
        for path, node in nodes(schema()["properties"]["spec"], "spec")
        if re.search(r"\.properties\.\w+$", path) and not node.get("description")
    ]
    assert unexplained == []


def test_everything_that_cel_iterates_is_bounded() -> None:
    unbounded = [
        path
        for path, node in nodes(schema()["properties"]["spec"], "spec")
        if node["type"] == "array" and "maxItems" not in node
    ]
    assert unbounded == []


def test_lists_of_named_things_are_maps() -> None:
    for path, node in nodes(schema()["properties"]["spec"], "spec"):
        if node["type"] == "array" and "name" in node["items"].get("properties", {}):
            assert node.get("x-kubernetes-list-map-keys") == ["name"], path
