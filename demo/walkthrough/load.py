"""Customers' traffic: the `traffic` image as a Job inside the cluster, and what it prints as it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from walkthrough.kubectl import Kubectl, KubectlError

JOB = "customers"
IMAGE = "consumerapp/traffic:0.1.0"
START_SECONDS = 60  # for the Job's pod to run
SLACK_SECONDS = 60  # beyond the phases, for the last answers and a busy machine


@dataclass(frozen=True)
class Phase:
    """A stretch of traffic. `rate`: customers' journeys begun per second, however many are under way."""

    name: str
    seconds: int
    rate: float


FULL = (Phase("quiet", 30, 1.5), Phase("surge", 90, 7), Phase("quiet again", 75, 1.5))
QUICK = (Phase("quiet", 10, 1.5), Phase("surge", 45, 7), Phase("quiet again", 20, 1.5))


@dataclass(frozen=True)
class Progress:
    """What customers have seen so far; `rate` (requests/s) is of late, the rest from the beginning.

    orders_digest: SHA-256 of the ids of acknowledged orders, sorted, one a line; only in the last one.
    """

    seconds: float
    phase: str
    requests: int
    failed: int
    rate: float
    p50_ms: float
    p95_ms: float
    orders_acknowledged: int
    orders_digest: str
    failures: Mapping[str, int]
    done: bool

    def text(self) -> str:
        return (
            f"{self.phase} · {self.rate:.0f} requests/s · p95 {self.p95_ms:.0f} ms · "
            f"{self.requests} requests, {self.failed} failed · {self.orders_acknowledged} orders"
        )


class TrafficError(Exception):
    """The Job ended without its last line; the message has the end of what it printed."""


def start(kubectl: Kubectl, namespace: str, target: str, phases: Sequence[Phase]) -> None:
    """Starts the Job and waits until its pod runs. Raises KubectlError."""
    kubectl.run("delete", "job", JOB, "-n", namespace, "--ignore-not-found", "--wait")
    kubectl.apply(job(namespace, target, phases))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            kubectl.run(
                "wait",
                "pod",
                "-n",
                namespace,
                "-l",
                f"job-name={JOB}",
                "--for=condition=Ready",
                f"--timeout={START_SECONDS}s",
            )
        except KubectlError as error:
            # Between a Job and its pod is a moment in which there is nothing to wait for.
            if "no matching resources" not in error.why or time.monotonic() > deadline:
                raise
        else:
            return


def follow(kubectl: Kubectl, namespace: str, phases: Sequence[Phase]) -> Iterator[Progress]:
    """What the Job prints, line by line, the last one with `done`. Raises TrafficError, and KubectlError."""
    deadline = time.monotonic() + sum(phase.seconds for phase in phases) + SLACK_SECONDS
    last: list[str] = []
    with kubectl.stream("logs", f"job/{JOB}", "-n", namespace, "--follow") as logs:
        assert logs.stdout is not None
        try:
            for line in logs.stdout:
                last = [*last[-9:], line]
                if progress := read(line):
                    yield progress
                    if progress.done:
                        return
                if time.monotonic() > deadline:
                    break
        finally:
            logs.kill()
    raise TrafficError(f"job {JOB} in namespace {namespace} gave no result; its last lines:\n{''.join(last)}")


def read(line: str) -> Progress | None:
    """A line of the Job's output; None for one that is not progress."""
    try:
        body = json.loads(line)
    except ValueError:
        return None
    if not isinstance(body, dict) or "requests" not in body:
        return None
    return Progress(
        seconds=float(body["seconds"]),
        phase=str(body.get("phase", "")),
        requests=int(body["requests"]),
        failed=int(body["failed"]),
        rate=float(body.get("rate", 0)),
        p50_ms=float(body.get("p50_ms") or 0),
        p95_ms=float(body.get("p95_ms") or 0),
        orders_acknowledged=int(body["orders_acknowledged"]),
        orders_digest=str(body.get("orders_digest", "")),
        failures=body.get("failures") or {},
        done=bool(body.get("done", False)),
    )


def job(namespace: str, target: str, phases: Sequence[Phase]) -> Mapping[str, Any]:
    """The Job. It runs once: a second try would count its customers twice."""
    environment = {
        "TARGET_URL": target,
        "PHASES": ",".join(f"{phase.name}:{phase.seconds}:{phase.rate:g}" for phase in phases),
    }
    container = {
        "name": "traffic",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": JOB, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
