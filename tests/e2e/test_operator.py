"""The operator may stop at any moment: the next one goes on, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.lab import Lab, app_spec, echo, payment
from tests.e2e.waiting import until
from walkthrough.install import OPERATOR, OPERATOR_NAMESPACE


def test_killed_in_the_middle_of_an_apply(make_lab: Callable[[str], Lab]) -> None:
    lab = make_lab("e2e-restart")
    lab.apply(app_spec(echo("front", calls=["payment"]), payment(), deletionPolicy="Delete"))
    until("the first objects are there", lambda: lab.exists("secret", "payment-db"), 60)
    assert lab.condition("Ready").get("status") != "True", "too late to be in the middle"
    credentials = lab.get("secret", "payment-db")["metadata"]["uid"]
    lab.run(
        *("delete", "pod", "-n", OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/component=operator"),
        *("--grace-period=0", "--force"),
    )
    lab.wait_ready(180)
    lab.kubectl.run("rollout", "status", OPERATOR, "-n", OPERATOR_NAMESPACE, "--timeout=60s")

    assert lab.get("secret", "payment-db")["metadata"]["uid"] == credentials, "credentials were made anew"
    assert sorted(name for name in lab.children() if name.startswith(("Deployment", "StatefulSet"))) == [
        "Deployment/lab-front",
        "Deployment/lab-gateway",
        "Deployment/lab-payment",
        "StatefulSet/lab-payment-db",
    ]
    jobs = lab.list("jobs")
    assert [job["status"].get("succeeded") for job in jobs] == [1], "one migration, done once"
    assert all(len(sets) == 1 for sets in _replica_sets(lab).values()), "a template was written twice"


def _replica_sets(lab: Lab) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in lab.list("replicasets"):
        owner = item["metadata"]["ownerReferences"][0]["name"]
        found.setdefault(owner, []).append(item["metadata"]["name"])
    return found
