"""What the demo reads: the traffic's lines, the operator's metrics and status, the app's counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import idle
from walkthrough import load, writes
from walkthrough.counts import decisions
from walkthrough.shop import condition, describe_progress, scaled_workloads

LINE = {
    "seconds": 12.0, "phase": "surge", "requests": 812, "failed": 1, "rate": 84.2, "p50_ms": 9, "p95_ms": 41,
    "orders_acknowledged": 23, "failures": {"POST /api/orders 503": 1},
}  # fmt: skip


def test_a_line_of_traffic() -> None:
    progress = load.read(json.dumps(LINE))
    assert progress is not None
    assert (progress.requests, progress.failed, progress.orders_acknowledged) == (812, 1, 23)
    assert not progress.done
    assert "84 requests/s" in progress.text()


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", "17", '{"event": "starting"}', "[]"])
def test_other_lines_are_no_progress(line: str) -> None:
    assert load.read(line) is None


def test_phases_become_one_variable() -> None:
    job = load.job("shop", "http://gateway", [load.Phase("quiet", 30, 2), load.Phase("surge", 60, 8.5)])
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "PHASES", "value": "quiet:30:2,surge:60:8.5"} in container["env"]


METRICS = """\
# TYPE consumerapp_api_writes_total counter
consumerapp_api_writes_total{kind="Deployment",result="ok",verb="apply"} 6.0
consumerapp_api_writes_total{kind="Deployment",result="conflict",verb="apply"} 1.0
consumerapp_api_writes_total{kind="Lease",result="ok",verb="replace"} 99.0
consumerapp_api_writes_created{kind="Deployment",result="ok",verb="apply"} 1.7e+09
consumerapp_reconciles_total{result="ok"} 12.0
process_resident_memory_bytes 1.048576e+08
process_cpu_seconds_total 3.5
"""


def test_writes_are_counted_without_the_lease() -> None:
    assert writes.parse(METRICS) == {"apply Deployment": 7}


def test_writes_between_two_counts() -> None:
    assert writes.between({"apply Service": 2}, {"apply Service": 2, "status ConsumerApp": 1}) == {
        "status ConsumerApp": 1
    }


def test_the_benchmark_adds_up_what_all_pods_cost() -> None:
    sample = idle.read(METRICS + METRICS)
    assert sample.resident_bytes == 2 * 1.048576e8
    assert (sample.cpu_seconds, sample.reconciles, sample.writes) == (7.0, 24.0, 14)


def test_decisions_of_gateway_services_and_databases() -> None:
    status: dict[str, Any] = {
        "gateway": {"lastDecision": {"decided": 2}},
        "services": [{"name": "order", "lastDecision": {"decided": 3}}, {"name": "user"}],
        "databases": [{"name": "product", "lastDecision": {"decided": 1}}],
    }
    assert [(name, decision["decided"]) for name, decision in decisions(status)] == [
        ("gateway", 2),
        ("order", 3),
        ("product-db read replicas", 1),
    ]
    assert list(decisions({})) == []


def test_every_count_that_moves_is_followed() -> None:
    app = {
        "metadata": {"name": "shop"},
        "spec": {
            "gateway": {"scaling": {"min": 2}},
            "defaults": {"scaling": {"min": 1}},
            "services": [
                {"name": "user", "database": {"replicas": 0}},
                {"name": "product", "scaling": {"min": 3}, "database": {"scaling": {"min": 1}}},
            ],
        },
    }
    found = [(item.name, item.kind, item.object_name, item.minimum, item.offset) for item in scaled_workloads(app)]
    assert found == [
        ("gateway", "Deployment", "shop-gateway", 2, 0),
        ("user", "Deployment", "shop-user", 1, 0),
        ("product", "Deployment", "shop-product", 3, 0),
        ("product-db read replicas", "StatefulSet", "shop-product-db", 1, 1),
    ]


def test_progress_says_what_is_waited_for() -> None:
    status = {
        "servicesReady": "1/4",
        "conditions": [
            {"type": "SpecValid", "status": "True", "message": "valid"},
            {"type": "DataReady", "status": "Unknown", "message": "order: no primary yet"},
        ],
    }
    assert describe_progress(status) == "services 1/4 · DataReady: order: no primary yet"
    assert condition(status, "DataReady")["status"] == "Unknown"
    assert condition({}, "Ready") == {}
