"""The API reference, docs/api.md, made from the same schema as the CRD so that the two cannot disagree."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from consumerapp_operator.api.crd import custom_resource_definition
from consumerapp_operator.api.names import API_VERSION, KIND


def reference() -> str:
    """The whole page as Markdown: a table per object, fields in the order of the models."""
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    lines = [
        f"# {KIND} {API_VERSION}",
        "",
        "Generated from `operator/consumerapp_operator/api` by `make crds`; do not edit. The same text is in",
        "`kubectl explain consumerapp --recursive`.",
    ]
    for part in ("spec", "status"):
        lines += ["", f"## {part}", ""]
        for path, node in _objects(part, schema["properties"][part]):
            lines += _table(path, node)
    return "\n".join(lines) + "\n"


def _objects(path: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object schema below a node with its path, outermost first; list items are written `[]`."""
    if node.get("type") == "array":
        yield from _objects(f"{path}[]", node["items"])
    elif "properties" in node:
        yield path, node
        for name, child in node["properties"].items():
            yield from _objects(f"{path}.{name}", child)


def _table(path: str, node: Mapping[str, Any]) -> list[str]:
    required = set(node.get("required", ()))
    lines = [f"### {path}", "", str(node.get("description", "")), ""]
    lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    for name, child in node["properties"].items():
        default = "required" if name in required else _default(child)
        lines.append(f"| `{name}` | {_kind(child)} | {default} | {child.get('description', '')} |")
    for rule in node.get("x-kubernetes-validations", ()):
        lines += ["", f"- {rule['message']}"]
    return [*lines, ""]


def _default(node: Mapping[str, Any]) -> str:
    if "default" not in node:
        return ""
    text = json.dumps(node["default"])
    return f"`{text}`" if len(text) <= 60 else "see below"


def _kind(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if node.get("type") == "array":
        return f"list of {_kind(node['items'])}"
    return str(node.get("type", "object"))


if __name__ == "__main__":
    sys.stdout.write(reference())
