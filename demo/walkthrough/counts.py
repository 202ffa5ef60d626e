"""Replica counts as they move, and the operator's reasons for it, from three watches."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from walkthrough.kubectl import Kubectl
from walkthrough.shop import ScaledWorkload
from walkthrough.watch import Watch

OBJECT = 'jsonpath={.kind} {.metadata.name} {.spec.replicas}{"\\n"}'
STATUS = 'jsonpath={.status}{"\\n"}'

History = Mapping[str, Sequence[tuple[float, int]]]
"""Per workload (seconds since the traffic began, count): one pair per change, and one at the end."""


@dataclass(frozen=True)
class Change:
    """A count that the operator decided to move, and why. `seconds` since the traffic began."""

    seconds: float
    workload: str
    before: int
    after: int
    reason: str


class Counts:
    """Follows the counts of one app. A context manager; `poll` takes in what has come since the last call."""

    def __init__(self, kubectl: Kubectl, namespace: str, app: str, workloads: Sequence[ScaledWorkload]) -> None:
        self._workloads = {(workload.kind, workload.object_name): workload for workload in workloads}
        self._begin = time.monotonic()
        of_app = ("-n", namespace, "-l", f"app.kubernetes.io/part-of={app}", "-o", OBJECT)
        self._objects = (Watch(kubectl, "deployments", *of_app), Watch(kubectl, "statefulsets", *of_app))
        self._status = Watch(kubectl, "capp", app, "-n", namespace, "-o", STATUS)
        self._decided: dict[str, str] = {}
        self.current: dict[str, int] = {}
        self.history: dict[str, list[tuple[float, int]]] = {workload.name: [] for workload in workloads}
        self.changes: list[Change] = []

    def __enter__(self) -> Counts:
        for watch in (*self._objects, self._status):
            watch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in (*self._objects, self._status):
            watch.__exit__(kind, value, trace)
        for name, count in self.current.items():
            self.history[name].append((self._seconds(), count))

    def poll(self) -> Iterator[Change]:
        """Takes in what came and yields each decision that moves a count."""
        for watch in self._objects:
            for line in watch.pending():
                self._take(line)
        for line in self._status.pending():
            for workload, decision in decisions(json.loads(line) if line.strip() else {}):
                if self._decided.get(workload) == decision["at"] or decision["decided"] == decision["current"]:
                    continue
                self._decided[workload] = decision["at"]
                change = Change(
                    self._seconds(),
                    workload,
                    decision["current"],
                    decision["decided"],
                    str(decision["reason"]),
                )
                self.changes.append(change)
                yield change

    def text(self) -> str:
        """The counts in one line."""
        return "  ".join(f"{name} {count}" for name, count in self.current.items())

    def at_minimum(self) -> bool:
        """Whether every count is back at the lowest its bounds allow."""
        return all(self.current.get(workload.name) == workload.minimum for workload in self._workloads.values())

    def _take(self, line: str) -> None:
        kind, name, replicas = line.split()
        if workload := self._workloads.get((kind, name)):
            count = int(replicas) - workload.offset
            if self.current.get(workload.name) != count:
                self.current[workload.name] = count
                self.history[workload.name].append((self._seconds(), count))

    def _seconds(self) -> float:
        return round(time.monotonic() - self._begin, 1)


def decisions(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The last decision about each count in the status, with the name that `scaled_workloads` gives it."""
    if decision := (status.get("gateway") or {}).get("lastDecision"):
        yield "gateway", decision
    for service in status.get("services", []):
        if decision := service.get("lastDecision"):
            yield service["name"], decision
    for database in status.get("databases", []):
        if decision := database.get("lastDecision"):
            yield f"{database['name']}-db read replicas", decision
