"""What is told of a pod that does not work."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.status.pods import CRASHES_BEFORE_ALARM, first_line, trouble


def pod(**status: Any) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/readyz", "port": 8080}}
    return {
        "metadata": {"name": "shop-order-1", "namespace": "default"},
        "spec": {"containers": [{"name": "order", "readinessProbe": probe}]},
        "status": {"phase": "Pending", **status},
    }


def container(restarts: int = 0, last: dict[str, Any] | None = None, **state: Any) -> list[dict[str, Any]]:
    return [
        {"name": "order", "ready": False, "restartCount": restarts, "state": state, "lastState": last or {}},
    ]


UNSCHEDULABLE = [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu."}
]
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
EXITED = {"terminated": {"exitCode": 3, "reason": "Error", "message": "\nno such table: orders\nTraceback"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


@pytest.mark.parametrize(
    ("given", "reason", "stuck", "words"),
    [
        (
            pod(conditions=UNSCHEDULABLE),
            "Unschedulable",
            True,
            ["pod shop-order-1 finds no node", "Insufficient cpu", "lower its requests"],
        ),
        (
            pod(
                containerStatuses=container(
                    waiting={"reason": "ImagePullBackOff", "message": 'Back-off pulling image "order:9"'}
                )
            ),
            "ImagePullBackOff",
            True,
            ["container order of pod shop-order-1", 'Back-off pulling image "order:9"', "check the image's name"],
        ),
        (
            pod(containerStatuses=container(waiting={"reason": "ErrImagePull", "message": "not found"})),
            "ErrImagePull",
            False,
            ["not found", "kubectl -n default describe pod shop-order-1"],
        ),
        (
            pod(
                containerStatuses=container(
                    waiting={"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}
                )
            ),
            "CreateContainerConfigError",
            True,
            ['secret "keys" not found', "create what the container refers to"],
        ),
        (
            pod(containerStatuses=container(CRASHES_BEFORE_ALARM, EXITED, waiting=BACK_OFF)),
            "CrashLoopBackOff",
            True,
            ["exit code 3 (Error)", "no such table: orders", "logs shop-order-1 -c order --previous"],
        ),
        (
            pod(containerStatuses=container(1, EXITED, waiting=BACK_OFF)),
            "CrashLoopBackOff",
            False,
            ["restarts so far: 1"],
        ),
        (
            pod(containerStatuses=container(CRASHES_BEFORE_ALARM, KILLED, waiting=BACK_OFF)),
            "OOMKilled",
            True,
            ["exit code 137", "raise its memory limit"],
        ),
        (pod(containerStatuses=container(0, **EXITED)), "CrashLoopBackOff", False, ["logs shop-order-1 -c order"]),
        (
            pod(initContainerStatuses=container(waiting={"reason": "InvalidImageName", "message": "!"})),
            "InvalidImageName",
            True,
            ["correct the image's name"],
        ),
        (
            pod(phase="Running", containerStatuses=container(running={})),
            "NotReady",
            False,
            ["GET /readyz on port 8080", "readiness probe"],
        ),
    ],
)
def test_the_message_says_what_and_why_and_what_to_do(
    given: dict[str, Any], reason: str, stuck: bool, words: list[str]
) -> None:
    found = trouble(given)
    assert found is not None
    assert (found.reason, found.stuck) == (reason, stuck)
    for word in words:
        assert word in found.message


@pytest.mark.parametrize(
    "given",
    [
        pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}]),
        pod(containerStatuses=container(waiting={"reason": "ContainerCreating"})),
        pod(containerStatuses=container(terminated={"exitCode": 0, "reason": "Completed"})),
        pod(),
        {**pod(conditions=UNSCHEDULABLE), "metadata": {"name": "x", "namespace": "n", "deletionTimestamp": "t"}},
    ],
)
def test_a_pod_that_is_well_or_starts_or_ends_is_no_trouble(given: dict[str, Any]) -> None:
    assert trouble(given) is None


@pytest.mark.parametrize(
    ("text", "line"), [(None, "no message"), ("", "no message"), ("\n  a \nb", "a"), ("x" * 500, "x" * 237 + "...")]
)
def test_first_line(text: str | None, line: str) -> None:
    assert first_line(text) == line
