"""The operator's own count of what it wrote: the evidence that a second apply writes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from walkthrough.install import OPERATOR_NAMESPACE
from walkthrough.kubectl import Kubectl

PORT = 8080
PODS = "app.kubernetes.io/name=consumerapp-operator"
_WRITE = re.compile(r"^consumerapp_api_writes_total\{(?P<labels>[^}]*)\} (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def metrics(kubectl: Kubectl) -> str:
    """The metrics of every operator pod that runs, in Prometheus' text format. Raises KubectlError."""
    pods = kubectl.get("pods", "-n", OPERATOR_NAMESPACE, "-l", PODS, "--field-selector=status.phase=Running")
    return "".join(
        kubectl.run("get", "--raw", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{name}:{PORT}/proxy/metrics")
        for name in sorted(pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp"))
    )


def count(kubectl: Kubectl) -> Mapping[str, int]:
    """Writes so far by `verb Kind`, of all operator pods together. Raises KubectlError."""
    return parse(metrics(kubectl))


def parse(text: str) -> Mapping[str, int]:
    """Writes by `verb Kind`. The Lease is left out: it is renewed for ever, whatever the apps do."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if match := _WRITE.match(line):
            labels = dict(_LABEL.findall(match["labels"]))
            if labels["kind"] != "Lease":
                found[f"{labels['verb']} {labels['kind']}"] += int(float(match["value"]))
    return found


def between(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, int]:
    """What was written in between."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
