"""What is kept of a failed test: how the cluster looked at that moment."""

from __future__ import annotations

from pathlib import Path

from walkthrough.install import CHECKOUT, OPERATOR_NAMESPACE
from walkthrough.kubectl import Kubectl, KubectlError

FOLDER = CHECKOUT / "build" / "e2e"


def write(kubectl: Kubectl, test: str, namespaces: set[str]) -> Path:
    """Writes apps, pods, events and the operator's log to build/e2e/<test>.txt. Returns the path."""
    commands = [
        *(("describe", "capp", "-n", namespace) for namespace in sorted(namespaces)),
        *(
            ("get", "all,pvc,secrets,networkpolicies", "-o", "wide", "-n", namespace)
            for namespace in sorted(namespaces)
        ),
        *(("get", "events", "--sort-by=.lastTimestamp", "-n", namespace) for namespace in sorted(namespaces)),
        ("describe", "pods", "-n", OPERATOR_NAMESPACE),
        ("logs", "-n", OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/component=operator", "--tail=400"),
        ("describe", "nodes"),
    ]
    parts = []
    for command in commands:
        try:
            answer = kubectl.run(*command)
        except KubectlError as error:
            answer = str(error)
        parts.append(f"$ kubectl {' '.join(command)}\n{answer}\n")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{''.join(character if character.isalnum() else '-' for character in test)}.txt"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
