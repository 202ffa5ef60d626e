"""The cases of the real HorizontalPodAutoscaler, and the runner itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.run import main, run

CASES = Path(__file__).with_name("hpa_cases.json")


def test_every_case_that_its_data_alone_can_replay_passes() -> None:
    report = run(CASES)
    assert report.failures == ()
    assert report.passed + len(report.not_replayable) == report.total == 174
    assert len(report.not_replayable) == 7


def test_a_wrong_expectation_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(CASES.read_text())
    case = next(case for case in data["cases"] if case["suite"] == "replica_calculator")
    passing = next(case for case in data["cases"] if case["suite"] == "group_pods")
    case["expected"] = {"replicas": 77}
    altered = tmp_path / "cases.json"
    altered.write_text(json.dumps({"cases": [case, passing]}))
    assert main([str(altered)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"FAIL {case['id']}")
    assert lines[-1] == "1 of 2"
