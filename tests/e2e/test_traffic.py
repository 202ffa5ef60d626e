"""What changes while customers come costs none of them a request."""

from __future__ import annotations

from tests.e2e.lab import LAB_SPEC, OTHER_IMAGE, Lab, echo
from tests.e2e.traffic import Traffic
from tests.e2e.waiting import until
from walkthrough.install import OPERATOR_NAMESPACE

AFTERWARDS = 200  # requests that must have come after the last change


def test_a_new_image_is_rolled_out(lab: Lab) -> None:
    with Traffic(lab, ["/front/"]) as traffic:
        front = echo("front", calls=["back"], scaling={"min": 2, "max": 2}, image=OTHER_IMAGE)
        lab.apply({**LAB_SPEC, "services": [front, *LAB_SPEC["services"][1:]]})
        until("only pods of the new image are left", lambda: _images(lab, "front") == {OTHER_IMAGE}, 120)
        lab.wait_ready()
        tally = traffic.wait_for(AFTERWARDS)
    assert tally.failed == 0, tally


def test_a_pod_dies(lab: Lab) -> None:
    with Traffic(lab, ["/front/"]) as traffic:
        victim = lab.list("pods", "app.kubernetes.io/name=front")[0]["metadata"]
        lab.run("delete", "pod", victim["name"], "--grace-period=0", "--force")
        until("a new pod serves", lambda: lab.get("deployment", "front")["status"].get("readyReplicas") == 2)
        tally = traffic.wait_for(AFTERWARDS)
    assert tally.failed == 0, tally


def test_a_service_comes_and_goes_with_its_route(lab: Lab) -> None:
    routes = [*LAB_SPEC["gateway"]["routes"], {"path": "/new", "service": "new"}]
    extended = {
        **LAB_SPEC,
        "gateway": {**LAB_SPEC["gateway"], "routes": routes},
        "services": [*LAB_SPEC["services"], echo("new")],
    }
    with Traffic(lab, ["/front/"]) as traffic:
        lab.apply(extended)
        lab.wait_ready()
        traffic.wait_for(AFTERWARDS)
        lab.apply(LAB_SPEC)
        until("the service is pruned", lambda: not lab.exists("deployment", "new"))
        lab.wait_ready()
        tally = traffic.wait_for(AFTERWARDS)
    assert tally.failed == 0, tally


def test_the_operator_is_away(lab: Lab) -> None:
    with Traffic(lab, ["/front/"]) as traffic:
        lab.run("delete", "pod", "-n", OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/component=operator")
        tally = traffic.wait_for(AFTERWARDS)
    assert tally.failed == 0, tally


def _images(lab: Lab, service: str) -> set[str]:
    return {
        container["image"]
        for pod in lab.list("pods", f"app.kubernetes.io/name={service},app.kubernetes.io/component=service")
        for container in pod["spec"]["containers"]
    }
