"""The cluster, the images and the operator in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cluster.progress import Steps
from walkthrough.kubectl import Kubectl, connect

CHECKOUT = Path(__file__).resolve().parents[2]
OPERATOR_NAMESPACE = "consumerapp-system"
OPERATOR = "deployment.apps/consumerapp-operator"
OPERATOR_READY_SECONDS = 180


def make_cluster() -> None:
    """A running cluster with all images in it. Shows its own progress. Raises CalledProcessError."""
    for verb in ("up", "images"):
        subprocess.run([sys.executable, "-m", "cluster", verb], cwd=CHECKOUT, check=True)


def install_operator(steps: Steps) -> Kubectl:
    """The CRD and the operator from manifests/local, ready. Raises KubectlError."""
    kubectl = connect()
    with steps.step("operator installed: kubectl apply -k manifests/local"):
        applied = kubectl.run("apply", "-k", str(CHECKOUT / "manifests" / "local"))
        kubectl.run("wait", "--for=condition=Established", "crd/consumerapps.consumerapp.io", "--timeout=60s")
        if f"{OPERATOR} unchanged" in applied:
            # An image that was built anew has the old tag, and only a new pod runs it.
            kubectl.run("rollout", "restart", OPERATOR, "-n", OPERATOR_NAMESPACE)
        kubectl.run(
            "rollout", "status", OPERATOR, "-n", OPERATOR_NAMESPACE, f"--timeout={OPERATOR_READY_SECONDS}s",
            timeout_seconds=OPERATOR_READY_SECONDS + 30,
        )  # fmt: skip
    return kubectl
