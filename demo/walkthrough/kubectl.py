"""The cluster as kubectl shows it: the demo does nothing that a reader could not type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.settings import layout


class KubectlError(Exception):
    """kubectl ended with another code than 0, or not in time."""

    def __init__(self, arguments: tuple[str, ...], why: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)}: {why.strip()}")
        self.why = why.strip()


@dataclass(frozen=True)
class Kubectl:
    """kubectl against one cluster. `kubeconfig` is None for the reader's current context."""

    program: str
    kubeconfig: Path | None

    def run(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 120) -> str:
        """Standard output of `kubectl <arguments>`. Raises KubectlError."""
        try:
            done = subprocess.run(
                [self.program, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                env=self.environment(),
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(arguments, f"no end within {timeout_seconds:.0f} s") from error
        if done.returncode:
            raise KubectlError(arguments, done.stderr or done.stdout)
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """The object, or a list's items, of `kubectl get <arguments> -o json`. Raises KubectlError."""
        body = json.loads(self.run("get", *arguments, "-o", "json"))
        return body["items"] if str(body["kind"]).endswith("List") else body

    def apply(self, manifest: Mapping[str, Any], *arguments: str) -> str:
        """What `kubectl apply` says about the object. Raises KubectlError."""
        return self.run("apply", "-f", "-", *arguments, stdin=json.dumps(manifest))

    def stream(self, *arguments: str) -> subprocess.Popen[str]:
        """A kubectl that goes on (`--watch`, `logs --follow`); the caller reads its lines and ends it."""
        return subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        """The environment of a kubectl against this cluster."""
        return {**os.environ, **({"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {})}


def connect() -> Kubectl:
    """kubectl for the project's own kind cluster; with KUBECONFIG_TARGET=current, for the reader's."""
    places = layout()
    own = places.bin / "kubectl"
    program = str(own) if own.exists() else shutil.which("kubectl")
    if program is None:
        raise KubectlError((), "not found on PATH; `make cluster` provides one, or install kubectl")
    current = os.environ.get("KUBECONFIG_TARGET") == "current"
    return Kubectl(program, None if current else places.kubeconfig)
