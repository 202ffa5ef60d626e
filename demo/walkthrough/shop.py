"""The shop of examples/shop.yaml in a namespace of its own, from apply to Ready."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from walkthrough.install import CHECKOUT
from walkthrough.kubectl import Kubectl, KubectlError
from walkthrough.watch import Watch

NAMESPACE = "shop"
APP = "shop"
MANIFEST = CHECKOUT / "examples" / "shop.yaml"
MARK = "consumerapp.io/demo"  # label of a namespace that the demo made and may delete
GONE_SECONDS = 240
READY_DEADLINE_SECONDS = 300


class NotReadyError(Exception):
    """The shop was not Ready in time; the message says what the operator said last."""


@dataclass(frozen=True)
class ScaledWorkload:
    """One replica count that the operator moves, and the object that holds it.

    `offset` is what the object counts beyond the scaled replicas: a database's primary.
    """

    name: str
    kind: str
    object_name: str
    minimum: int
    offset: int = 0


def scaled_workloads(app: Mapping[str, Any]) -> tuple[ScaledWorkload, ...]:
    """Every count of the app (as the API server has it) that follows the load."""
    name, spec = app["metadata"]["name"], app["spec"]
    found = [ScaledWorkload("gateway", "Deployment", f"{name}-gateway", spec["gateway"]["scaling"]["min"])]
    for service in spec["services"]:
        scaling = service.get("scaling") or spec["defaults"]["scaling"]
        found.append(ScaledWorkload(service["name"], "Deployment", f"{name}-{service['name']}", scaling["min"]))
    for service in spec["services"]:
        if scaling := (service.get("database") or {}).get("scaling"):
            database = f"{name}-{service['name']}-db"
            found.append(
                ScaledWorkload(f"{service['name']}-db read replicas", "StatefulSet", database, scaling["min"], 1)
            )
    return tuple(found)


def fresh_namespace(kubectl: Kubectl, name: str = NAMESPACE) -> None:
    """An empty namespace that enforces the restricted Pod Security Standard, instead of an earlier demo's.

    Raises KubectlError, also for a namespace of that name which the demo did not make.
    """
    try:
        labels = kubectl.get("namespace", name)["metadata"].get("labels") or {}
    except KubectlError as error:
        if "NotFound" not in error.why:
            raise
    else:
        if MARK not in labels:
            raise KubectlError(
                ("delete", "namespace", name),
                "refused, since the demo did not make it. If nothing in it is wanted: "
                f"kubectl label ns {name} {MARK}=true",
            )
        kubectl.run(
            "delete", "namespace", name, f"--timeout={GONE_SECONDS}s", "--ignore-not-found",
            timeout_seconds=GONE_SECONDS + 10,
        )  # fmt: skip
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {MARK: "true", "pod-security.kubernetes.io/enforce": "restricted"},
            },
        }
    )


def apply_shop(kubectl: Kubectl, manifest: Path = MANIFEST, namespace: str = NAMESPACE) -> str:
    """What `kubectl apply` says about the shop. Raises KubectlError."""
    return kubectl.run("apply", "-n", namespace, "-f", str(manifest)).strip()


def wait_ready(
    kubectl: Kubectl, note: Callable[[str], None], *, namespace: str = NAMESPACE, app: str = APP,
    deadline_seconds: float = READY_DEADLINE_SECONDS,
) -> None:  # fmt: skip
    """Returns when Ready is True for the spec as it is now; `note` is called with what is on its way.

    Raises NotReadyError after the deadline.
    """
    begin, said = time.monotonic(), "nothing yet"
    generation = kubectl.get("capp", app, "-n", namespace)["metadata"]["generation"]
    with Watch(kubectl, "capp", app, "-n", namespace, "-o", 'jsonpath={.status}{"\\n"}') as watch:
        for line in watch.lines(begin + deadline_seconds):
            status = json.loads(line) if line.strip() else {}
            ready = condition(status, "Ready")
            said = describe_progress(status)
            note(said)
            if ready.get("status") == "True" and ready.get("observedGeneration", 0) >= generation:
                return
    raise NotReadyError(f"{app} is not Ready after {deadline_seconds:.0f} s; the operator says: {said}")


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of that type; empty if there is none yet."""
    return next((item for item in status.get("conditions", []) if item["type"] == kind), {})


def describe_progress(status: Mapping[str, Any]) -> str:
    """One line: services that are ready, and what the others wait for."""
    waiting = [
        f"{item['type']}: {item['message']}"
        for item in status.get("conditions", [])
        if item["type"] in ("SpecValid", "DataReady", "ServicesReady", "GatewayReady") and item["status"] != "True"
    ]
    return " · ".join([f"services {status.get('servicesReady', '0/?')}", *waiting])


def spec_of(manifest: Path = MANIFEST) -> Mapping[str, Any]:
    """The manifest as it is written. Raises YAMLError."""
    body: Mapping[str, Any] = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    return body
