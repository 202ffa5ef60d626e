"""What all objects and pods of an app have in common: metadata, restricted security, resources, spread.

Everything is written as the API server gives it back (canonical quantities, nothing empty), so that "the
desired object is contained in the live one" holds right after an apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Resources
from consumerapp_operator.api.names import API_VERSION, KIND, labels
from consumerapp_operator.api.quantity import parse_quantity

USER = 10001
"""uid and gid of every container; the images have a name for it."""

_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def metadata(app: ConsumerApp, component: str, name: str, object_name: str, *, owned: bool = True) -> dict[str, Any]:
    """Metadata of a child: name, all labels and, if `owned`, the app as its owner.

    What is to outlive the app (volumes, credentials) is not owned: garbage collection takes what is.
    """
    result: dict[str, Any] = {
        "name": object_name,
        "namespace": app.namespace,
        "labels": labels(app.name, component, name),
    }
    if owned:
        result["ownerReferences"] = [owner_reference(app)]
    return result


def owner_reference(app: ConsumerApp) -> dict[str, Any]:
    """The app as controlling owner. It does not block: deleting the app never waits for a child."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": app.name,
        "uid": app.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def restricted_pod() -> dict[str, Any]:
    """Fields of a pod spec under the restricted Pod Security Standard; no token, no link variables.

    Every pod also names a service account of its own (accounts.py). A pod that talks to the API server
    overrides automountServiceAccountToken.
    """
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def restricted_container() -> dict[str, Any]:
    """Fields of a container under the restricted standard, with a read-only root file system."""
    return {
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def topology_spread(selector: Mapping[str, str]) -> list[dict[str, Any]]:
    """Spreads the pods of `selector` over zones and nodes; a single node may hold them all."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selector)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def resources(wanted: Resources) -> dict[str, Any]:
    """A container's `resources`. Kubernetes requests as much as a lone limit allows; said here too."""
    limits = {key: canonical_quantity(value) for key, value in wanted.limits if value is not None}
    requests = {key: canonical_quantity(value) for key, value in wanted.requests if value is not None}
    result = {"requests": {**limits, **requests}, "limits": limits}
    return {key: value for key, value in result.items() if value}


def temporary_volume(name: str = "tmp") -> dict[str, Any]:
    """An emptyDir, gone with the pod."""
    # The limit keeps one pod from filling its node's disk.
    return {"name": name, "emptyDir": {"sizeLimit": "256Mi"}}


def canonical_quantity(text: str) -> str:
    """A quantity as the API server writes it: `1000m` → `1`, `0.5` → `500m`, `1.5Gi` → `1536Mi`.

    Raises ValueError for what is no quantity. (apimachinery, resource.Quantity.CanonicalizeBytes)
    """
    value = parse_quantity(text)
    if text.endswith("i") and value >= 1024:
        whole, power = int(value.to_integral_value(ROUND_CEILING)), 0
        while whole % 1024 == 0 and power < len(_BINARY) - 1:
            whole, power = whole // 1024, power + 1
        return f"{whole}{_BINARY[power]}"
    nano = int((value * 10**9).to_integral_value(ROUND_CEILING))
    if nano == 0:
        return "0"
    power = max(power for power in range(len(_DECIMAL)) if nano % 1000**power == 0)
    return f"{nano // 1000**power}{_DECIMAL[power]}"


def mebibytes(text: str) -> int:
    """Whole MiB of a quantity of bytes, rounded down."""
    return int(parse_quantity(text) // 2**20)
