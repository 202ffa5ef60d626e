"""The ConsumerApp in a file that somebody is about to apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from consumerapp_operator.api.names import API_VERSION, KIND
from consumerapp_operator.cli.failure import CannotAnswer


def read_manifest(text: str, file: str) -> dict[str, Any]:
    """The only ConsumerApp of a file with one or more documents. Raises CannotAnswer."""
    try:
        documents = [item for item in yaml.safe_load_all(text) if item is not None]
    except yaml.YAMLError as error:
        raise CannotAnswer(f"{file} is not YAML: {error}") from error
    found = [item for item in documents if isinstance(item, Mapping) and item.get("kind") == KIND]
    if len(found) != 1:
        raise CannotAnswer(f"{file} has {len(found)} ConsumerApps; `plan` takes a file with one")
    manifest = dict(found[0])
    if manifest.get("apiVersion") != API_VERSION:
        raise CannotAnswer(f"{file}: apiVersion is {manifest.get('apiVersion')}, should be {API_VERSION}")
    if not isinstance(manifest.get("metadata"), Mapping) or not manifest["metadata"].get("name"):
        raise CannotAnswer(f"{file}: metadata.name is missing")
    return manifest
