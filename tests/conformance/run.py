"""Replay a file of cases that a trusted autoscaler decided, through our own functions.

    python tests/conformance/run.py tests/conformance/hpa_cases.json

Prints one line per failure, one per case that its data alone cannot replay, and `N of M`; exits 1 on any
failure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "operator")]  # runs from anywhere, without an installation

from tests.conformance import hpa_calculator, hpa_controller, hpa_limits  # noqa: E402

Case = Mapping[str, Any]
REPLAYS: Mapping[str, Callable[[Case], list[str]]] = {
    **hpa_calculator.REPLAYS,
    **hpa_limits.REPLAYS,
    **hpa_controller.REPLAYS,
}
"""Suite → function that returns the differences between what is expected and what was decided."""


@dataclass(frozen=True)
class Report:
    total: int
    passed: int
    failures: tuple[str, ...]
    not_replayable: tuple[str, ...]

    @property
    def summary(self) -> str:
        return f"{self.passed} of {self.total}"


def run(path: Path) -> Report:
    """Raises OSError or JSONDecodeError when the file cannot be read."""
    cases = json.loads(path.read_text())["cases"]
    passed, failures, not_replayable = 0, [], []
    for case in cases:
        replay = REPLAYS.get(case["suite"])
        if replay is None:
            failures.append(f"FAIL {case['id']}: no replay for suite {case['suite']}")
            continue
        differences = replay(case)
        if not differences:
            passed += 1
        elif case.get("needs_custom_client"):
            not_replayable.append(
                f"NOT REPLAYABLE {case['id']}: the original lets a fake API client of its own answer, "
                "and its answers (a failure, an empty list, a missing selector) are not in the data"
            )
        else:
            failures.append(f"FAIL {case['id']}: {'; '.join(differences)}")
    return Report(len(cases), passed, tuple(failures), tuple(not_replayable))


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python tests/conformance/run.py FILE", file=sys.stderr)
        return 2
    report = run(Path(arguments[0]))
    for line in (*report.failures, *report.not_replayable):
        print(line)
    print(report.summary)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
