"""Data and credentials: kept unless `deletionPolicy: Delete`, never made anew."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.e2e.lab import LAB_SPEC, Lab, app_spec, payment
from tests.e2e.waiting import until
from walkthrough.kubectl import KubectlError

SECRET = "payment-db"
VOLUME = "payment-db-0"


def test_a_service_removed_and_added_again_finds_its_data(lab: Lab) -> None:
    _remember(lab, "a service removed")
    password = lab.get("secret", SECRET)["data"]
    without = [service for service in LAB_SPEC["services"] if service["name"] != "payment"]
    lab.apply({**LAB_SPEC, "services": without, "gateway": {**LAB_SPEC["gateway"], "routes": None}})
    for kind, name in (
        ("deployment", "payment"), ("service", "payment"), ("statefulset", "payment-db"),
        ("service", "payment-db"), ("networkpolicy", "payment-db"), ("serviceaccount", "payment"),
    ):  # fmt: skip
        until(f"{kind} {name} is pruned", lambda kind=kind, name=name: not lab.exists(kind, name))  # type: ignore[misc]
    lab.wait_ready()
    assert lab.get("secret", SECRET)["data"] == password
    assert lab.kubectl.get("pvc", f"data-{lab.app}-{VOLUME}", "-n", lab.namespace)["status"]["phase"] == "Bound"

    lab.apply(LAB_SPEC)
    lab.wait_ready()
    assert _remembered(lab) == "a service removed"
    assert lab.get("secret", SECRET)["data"] == password


def test_an_app_deleted_and_applied_again_under_each_policy(make_lab: Callable[[str], Lab]) -> None:
    lab = make_lab("e2e-deletion")
    lab.apply(app_spec(payment()))  # Retain is the default
    lab.wait_ready()
    _remember(lab, "an app deleted")
    password, identifier = lab.get("secret", SECRET)["data"], _system_identifier(lab)

    lab.delete()
    assert lab.get("secret", SECRET)["data"] == password
    assert lab.exists("secret", f"{SECRET}-admin")
    assert _volumes(lab) == [f"data-{lab.app}-{VOLUME}"]

    lab.apply(app_spec(payment(), deletionPolicy="Delete"))
    lab.wait_ready()
    assert _remembered(lab) == "an app deleted"
    assert lab.get("secret", SECRET)["data"] == password
    assert _system_identifier(lab) == identifier

    lab.delete()
    until("the volumes are gone", lambda: _volumes(lab) == [])
    until("the credentials are gone", lambda: lab.list("secrets") == [])


def test_credentials_that_someone_removed_are_not_made_anew(lab: Lab) -> None:
    kept = lab.get("secret", SECRET)
    lab.run("delete", "secret", f"{lab.app}-{SECRET}")
    try:
        told = until(
            "the status tells of it",
            lambda: next(
                (
                    str(item["message"])
                    for item in lab.resource()["status"]["conditions"]
                    if f"{lab.app}-{SECRET}" in item["message"] and item["type"] in ("DataReady", "Degraded", "Ready")
                ),
                None,
            ),
        )
        assert "ecret" in told
        assert not lab.exists("secret", SECRET)
        assert lab.exists("deployment", "payment"), "what runs goes on"
    finally:
        metadata = {
            key: kept["metadata"][key]
            for key in ("name", "namespace", "labels", "annotations")
            if key in kept["metadata"]
        }
        lab.run("create", "-f", "-", stdin=json.dumps({**kept, "metadata": metadata}))
    until(
        "the status tells no more of it",
        lambda: (
            not any(
                "secret" in item["message"].lower() and item["type"] == "DataReady" and item["status"] != "True"
                for item in lab.resource()["status"]["conditions"]
            )
        ),
    )
    lab.wait_ready()


def test_a_failed_migration_leaves_what_runs(lab: Lab) -> None:
    before = lab.get("deployment", "payment")["metadata"]["generation"]
    fails = payment(migrate={"command": ["python", "-c", "raise SystemExit('no such column')"]})
    lab.apply({**LAB_SPEC, "services": [*LAB_SPEC["services"][:2], fails]})
    message = lab.wait_condition("ServicesReady", "False", "MigrationFailed", 120)["message"]
    assert "kubectl" in message
    assert "logs job/lab-payment-" in message
    assert lab.get("deployment", "payment")["metadata"]["generation"] == before
    assert int(lab.psql("payment", "SELECT 1")) == 1
    lab.apply(LAB_SPEC)
    lab.wait_ready()
    assert lab.get("deployment", "payment")["metadata"]["generation"] == before


def _remember(lab: Lab, text: str) -> None:
    lab.psql("payment", "CREATE TABLE IF NOT EXISTS memory (text text)")
    lab.psql("payment", f"INSERT INTO memory VALUES ('{text}')")


def _remembered(lab: Lab) -> str:
    return lab.psql("payment", "SELECT text FROM memory")


def _system_identifier(lab: Lab) -> str:
    return lab.psql("payment", "SELECT system_identifier FROM pg_control_system()")


def _volumes(lab: Lab) -> list[str]:
    try:
        return [item["metadata"]["name"] for item in lab.list("pvc")]
    except KubectlError as error:
        raise AssertionError(error.why) from error
