"""What live objects say about themselves."""

from __future__ import annotations

from collections.abc import Mapping

from consumerapp_operator.api.names import LABEL_ROLE, ROLE_PRIMARY
from consumerapp_operator.plan.model import Manifest, Snapshot


def has_condition(manifest: Manifest, condition: str) -> bool:
    """Whether status.conditions has this one as True."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    return any(item["type"] == condition and item["status"] == "True" for item in conditions)


def is_ready(pod: Manifest) -> bool:
    """Ready, and not being deleted."""
    return has_condition(pod, "Ready") and not pod["metadata"].get("deletionTimestamp")


def has_ready_primary(snapshot: Snapshot, database: Mapping[str, str]) -> bool:
    """Whether a pod of the database, given by its selector, is labelled primary and ready."""
    return any(is_ready(pod) for pod in snapshot.pods({**database, LABEL_ROLE: ROLE_PRIMARY}))


def has_labels(manifest: Manifest, wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= (manifest["metadata"].get("labels") or {}).items()


def annotation(manifest: Manifest | None, name: str) -> str:
    """The annotation's value; empty if it, or the object, is not there."""
    return str(((manifest or {}).get("metadata", {}).get("annotations") or {}).get(name, ""))
