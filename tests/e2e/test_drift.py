"""Children are corrected when someone changes them; a reconcile with nothing to do writes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.lab import IMAGE, LAB_SPEC, Lab
from tests.e2e.waiting import until
from walkthrough import writes

CONTAINER_IMAGE = "/spec/template/spec/containers/0/image"


def test_an_image_that_someone_changed_is_set_back(lab: Lab) -> None:
    _patch(
        lab,
        "deployment",
        "back",
        [{"op": "replace", "path": CONTAINER_IMAGE, "value": "consumerapp/nothing:1"}],
    )
    until(
        "the image is back",
        lambda: lab.get("deployment", "back")["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE,
    )
    lab.wait_ready()


@pytest.mark.parametrize(
    ("kind", "name", "field", "value"),
    [
        ("service", "front", "selector", {"app.kubernetes.io/name": "stranger"}),
        ("service", "payment-db", "selector", {"app.kubernetes.io/name": "stranger"}),
        ("networkpolicy", "back", "ingress", [{}]),
        ("poddisruptionbudget", "front", "maxUnavailable", "100%"),
    ],
)
def test_a_field_that_someone_changed_is_set_back(lab: Lab, kind: str, name: str, field: str, value: Any) -> None:
    before = lab.get(kind, name)["spec"]
    _patch(lab, kind, name, [{"op": "replace", "path": f"/spec/{field}", "value": value}])
    until(f"spec.{field} is back", lambda: lab.get(kind, name)["spec"] == before)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("service", "front"), ("service", "internal"), ("deployment", "back"), ("configmap", "gateway"),
        ("networkpolicy", "payment-db"), ("serviceaccount", "payment"),
    ],
)  # fmt: skip
def test_an_object_that_someone_deleted_comes_back(lab: Lab, kind: str, name: str) -> None:
    full = _full_name(lab, kind, name)
    before = lab.kubectl.get(kind, full, "-n", lab.namespace)["metadata"]["uid"]
    lab.run("delete", kind, full, "--wait=false")
    until(
        f"{kind} {full} is back",
        lambda: lab.kubectl.get(kind, full, "-n", lab.namespace)["metadata"]["uid"] != before,
    )


def test_what_others_add_is_left(lab: Lab) -> None:
    lab.run("label", "deployment", f"{lab.app}-back", "team=checkout", "--overwrite")
    lab.run("annotate", "service", f"{lab.app}-front", "example.com/note=ours", "--overwrite")
    # A correction of the same object is when a label would be lost.
    _patch(
        lab,
        "deployment",
        "back",
        [{"op": "replace", "path": CONTAINER_IMAGE, "value": "consumerapp/nothing:1"}],
    )
    until(
        "the image is back",
        lambda: lab.get("deployment", "back")["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE,
    )
    assert lab.get("deployment", "back")["metadata"]["labels"]["team"] == "checkout"
    assert lab.get("service", "front")["metadata"]["annotations"]["example.com/note"] == "ours"


def test_the_same_apply_again_writes_nothing(lab: Lab) -> None:
    _settle(lab)
    before = writes.count(lab.kubectl)
    version = lab.resource()["metadata"]["resourceVersion"]
    lab.apply(LAB_SPEC)
    assert lab.resource()["metadata"]["resourceVersion"] == version
    _look_again(lab, "second-apply")
    assert writes.between(before, writes.count(lab.kubectl)) == {}


def _settle(lab: Lab) -> None:
    """Until two looks at the app in a row cause no write: what came before is over."""

    def quiet() -> bool:
        before = writes.count(lab.kubectl)
        _look_again(lab, "settle")
        return writes.between(before, writes.count(lab.kubectl)) == {}

    until("the operator is at rest", quiet, 90)


def _look_again(lab: Lab, why: str) -> None:
    """Makes the operator reconcile the app, by an annotation that means nothing, and waits until it has."""
    before = _reconciles(lab)
    lab.run("annotate", "capp", lab.app, f"example.com/look={why}-{before}", "--overwrite")
    until("the app is reconciled", lambda: _reconciles(lab) > before, 30)


def _reconciles(lab: Lab) -> int:
    lines = writes.metrics(lab.kubectl).splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("consumerapp_reconciles_total{"))


def _full_name(lab: Lab, kind: str, name: str) -> str:
    """The object's name; of the gateway's configuration, whose name may carry more, the first."""
    if kind != "configmap":
        return f"{lab.app}-{name}"
    return str(sorted(item["metadata"]["name"] for item in lab.list(kind, f"app.kubernetes.io/name={name}"))[0])


def _patch(lab: Lab, kind: str, name: str, patch: list[dict[str, Any]]) -> None:
    lab.run("patch", kind, f"{lab.app}-{name}", "--type=json", "-p", json.dumps(patch))
