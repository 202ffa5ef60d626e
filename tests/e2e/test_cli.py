"""`consumerapp` as a person runs it, against an app that runs."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import yaml

from tests.e2e.lab import LAB_SPEC, Lab, manifest
from tests.e2e.waiting import until
from walkthrough.install import CHECKOUT


def consumerapp(lab: Lab, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**lab.kubectl.environment(), "PYTHONPATH": str(CHECKOUT / "operator")}
    return subprocess.run(
        [sys.executable, "-m", "consumerapp_operator.cli", *arguments, "-n", lab.namespace],
        input=stdin, capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip


def plan(lab: Lab, spec: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    text = yaml.safe_dump(manifest(lab.app, lab.namespace, spec))
    done = consumerapp(lab, "plan", "-f", "-", "-o", "json", stdin=text)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_status_shows_every_instance_and_what_the_gateway_says_of_it(lab: Lab) -> None:
    def rotation() -> dict[str, str]:
        done = consumerapp(lab, "status", lab.app, "-o", "json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["ready"] == "True"
        services = [component for component in found["components"] if component["kind"] == "service"]
        return {
            instance["name"]: instance["gateway"]
            for component in services
            for instance in component["instances"]
            if instance["healthy"]
        }

    until("all four replicas are in rotation", lambda: list(rotation().values()) == ["in rotation"] * 4, 30)
    assert set(rotation()) == {
        pod["metadata"]["name"] for pod in lab.list("pods", "app.kubernetes.io/component=service")
    }
    tree = consumerapp(lab, "status", lab.app).stdout
    assert "\x1b" not in tree, "colours are for terminals"
    assert tree.startswith(f"{lab.app} ({lab.namespace})  Ready: True Serving\n")
    assert "database payment  1/1 ready" in tree


def test_what_is_applied_changes_nothing(lab: Lab) -> None:
    code, found = plan(lab, LAB_SPEC)
    assert (code, found["spec"], found["changes"], found["data"]) == (0, [], [], [])


def test_a_plan_comes_true(lab: Lab) -> None:
    """What it says would be deleted, made and restarted is what the apply deletes, makes and restarts."""
    spec = copy.deepcopy(LAB_SPEC)
    front, _, payment = spec["services"]
    front["calls"] = []
    front["env"] = [{"name": "GREETING", "value": "hello"}]
    payment["database"].pop("migrate")
    spec["services"] = [front, payment]
    code, found = plan(lab, spec)
    assert code == 2
    said = {
        action: {f"{item['kind']}/{item['name']}" for item in found["changes"] if item["action"] == action}
        for action in ("create", "delete")
    }
    assert f"Deployment/{lab.app}-back" in said["delete"]
    restarts = {item["name"] for item in found["changes"] if item["restarts"]}
    assert restarts == {f"{lab.app}-front"}

    before, templates = lab.children(), _templates(lab)
    lab.apply(spec)
    lab.wait_ready()
    until("the gateway has moved on", lambda: not lab.exists("deployment", "back"), 120)
    after = lab.children()
    assert before.keys() - after.keys() == said["delete"]
    assert after.keys() - before.keys() == said["create"]
    now = _templates(lab)
    assert {name for name in now if templates[name] != now[name]} == restarts


def test_refusals_are_told_before_the_apply(lab: Lab) -> None:
    spec = copy.deepcopy(LAB_SPEC)
    spec["services"][0]["calls"] = ["nobody"]
    code, found = plan(lab, spec)
    assert (code, found["changes"]) == (1, [])
    assert "spec.services[0].calls[0]" in found["problems"][0]
    spec["services"][0] |= {"calls": [], "scaling": {"min": 5, "max": 2}}
    code, found = plan(lab, spec)
    assert code == 1, "a CEL rule of the CRD"
    assert "min" in found["problems"][0]
    assert lab.resource()["spec"]["services"][0]["scaling"]["min"] == 2, "nothing was written"


def test_explain_and_events_and_names_of_what_there_is(lab: Lab) -> None:
    explained = consumerapp(lab, "explain", lab.app, "front")
    assert explained.stdout.startswith("service front: 2 wanted, 2 ready (min 2, max 2)\n"), explained.stderr
    assert "Ready" in consumerapp(lab, "events", lab.app).stdout
    missing = consumerapp(lab, "status", "nobody")
    assert missing.returncode == 1
    assert f"there are: {lab.app}" in missing.stderr


def _templates(lab: Lab) -> dict[str, Any]:
    return {item["metadata"]["name"]: item["spec"]["template"] for item in lab.list("deployments,statefulsets")}
