"""GETs that go on while a test changes something, and how many of them failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.e2e.lab import Lab, pod
from tests.e2e.waiting import until

SOURCE = (Path(__file__).parent / "prober.py").read_text(encoding="utf-8")
NAME = "prober"


@dataclass(frozen=True)
class Tally:
    """Requests so far."""

    requests: int
    failed: int
    failures: tuple[str, ...]


class Traffic:
    """Steady GETs to paths of the app's gateway. A context manager; begins when the first was answered."""

    def __init__(self, lab: Lab, paths: Sequence[str], rate: float = 20) -> None:
        self._lab = lab
        self._urls = " ".join(f"http://{lab.app}-gateway{path}" for path in paths)
        self._rate = rate

    def __enter__(self) -> Traffic:
        self._lab.run("delete", "pod", NAME, "--ignore-not-found", "--now")
        environment = {"URLS": self._urls, "RATE": str(self._rate)}
        self._lab.kubectl.apply(pod(self._lab.namespace, NAME, SOURCE, environment))
        self._lab.run("wait", f"pod/{NAME}", "--for=condition=Ready", "--timeout=60s")
        self.wait_for(int(self._rate))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lab.run("delete", "pod", NAME, "--now")

    def tally(self) -> Tally:
        """Requests answered or failed so far; none before the first line is there."""
        lines = self._lab.run("logs", NAME, "--tail=1").split("\n")
        if not lines[0]:
            return Tally(0, 0, ())
        body = json.loads(lines[0])
        return Tally(body["requests"], body["failed"], tuple(body["failures"]))

    def wait_for(self, more: int) -> Tally:
        """The tally after that many more requests: what was changed has had time to show."""
        wanted = self.tally().requests + more
        return until(f"{wanted} requests", lambda: ((now := self.tally()).requests >= wanted and now) or None, 60)
