"""The CustomResourceDefinition, made from the models.

`python -m consumerapp_operator.api.crd` prints it; `make crds` writes crds/consumerapps.yaml and a test fails when that
file is stale. A structural schema allows no `$ref`, no `anyOf` with null and no `title`, so pydantic's JSON schema is
rewritten: references inlined, optional fields made plain, defaults said once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import yaml

from consumerapp_operator.api.app import ConsumerAppSpec
from consumerapp_operator.api.names import GROUP, KIND, PLURAL, VERSION
from consumerapp_operator.api.status import ConsumerAppStatus

# Names of children are made of the app's name and a service's; the longest label value allows 63 characters.
NAME_RULE = {
    "rule": "self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$') && self.metadata.name.size() <= 20",
    "message": "metadata.name is the beginning of every child's name: at most 20 characters, lower case, starting with "
    "a letter and without dots; choose a shorter or simpler name",
}
COLUMNS = [
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether the whole app serves."),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not, in one word."),
    ("Services", "string", ".status.servicesReady", "Services that have every replica they want, of all."),
    ("Limited", "string", '.status.conditions[?(@.type=="CapacityLimited")].status', "Whether a limit holds a count."),
    ("URL", "string", ".status.url", "Where the gateway answers."),
    ("Age", "date", ".metadata.creationTimestamp", "Since when the app exists."),
]


def custom_resource_definition() -> dict[str, Any]:
    """The CRD as a JSON object."""
    schema = {
        "type": "object",
        "description": "ConsumerApp is a whole consumer app: gateway, services with a database each, cache; and the "
        "counts of all of them, moved with the load.",
        "required": ["spec"],
        "x-kubernetes-validations": [NAME_RULE],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": KIND},
            "metadata": {"type": "object"},
            "spec": structural(ConsumerAppSpec.model_json_schema(by_alias=True)),
            "status": structural(ConsumerAppStatus.model_json_schema(by_alias=True), with_defaults=False),
        },
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": description}
            for name, kind, path, description in COLUMNS
        ],
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": KIND.lower(),
                "shortNames": ["capp"], "categories": ["all"],
            },
            "versions": [version],
        },
    }  # fmt: skip


def structural(schema: Mapping[str, Any], *, with_defaults: bool = True) -> dict[str, Any]:
    """A pydantic JSON schema as the structural schema that Kubernetes wants."""
    return _rewrite(schema, schema.get("$defs", {}), with_defaults)


def _rewrite(node: Mapping[str, Any], definitions: Mapping[str, Any], with_defaults: bool) -> dict[str, Any]:
    node = dict(node)
    if reference := node.pop("$ref", None):
        target = definitions[reference.rsplit("/", 1)[1]]
        node = _merge(target, node)
    if alternatives := node.pop("anyOf", None):
        (only,) = [item for item in alternatives if item.get("type") != "null"]
        return _rewrite(_merge(only, node), definitions, with_defaults)
    if "$ref" in node:
        return _rewrite(node, definitions, with_defaults)
    for key in ("title", "$defs", "additionalProperties", "const"):
        if key != "additionalProperties" or not isinstance(node.get(key), Mapping):
            node.pop(key, None)
    if "properties" in node:
        node["properties"] = {
            name: _rewrite(child, definitions, with_defaults) for name, child in node["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), Mapping):
            node[key] = _rewrite(node[key], definitions, with_defaults)
    default = node.pop("default", None)
    if with_defaults and default is not None:
        node["default"] = _shortest(default, node)
    return node


def _shortest(default: Any, node: Mapping[str, Any]) -> Any:
    """A default without nulls and without what the fields below it default to anyway.

    Where rules look at the fields they stay: the API server checks a default before it fills in those below it.
    """
    if not isinstance(default, Mapping):
        return default
    fields = node["properties"]
    short = {name: _shortest(value, fields[name]) for name, value in default.items() if value is not None}
    if "x-kubernetes-validations" in node:
        return short
    return {name: value for name, value in short.items() if value != fields[name].get("default")}


def _merge(target: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any]:
    """A referenced schema with the field's own keys over it; validation rules of both hold."""
    merged = {**target, **field}
    both = [*target.get("x-kubernetes-validations", []), *field.get("x-kubernetes-validations", [])]
    if both:
        merged["x-kubernetes-validations"] = both
    return merged


class _Dumper(yaml.SafeDumper):
    """Writes equal values out in full: an anchor would be hard to read in a diff."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


if __name__ == "__main__":
    sys.stdout.write("# Generated from operator/consumerapp_operator/api by `make crds`; do not edit.\n")
    yaml.dump(custom_resource_definition(), sys.stdout, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
