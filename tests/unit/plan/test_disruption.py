"""Disruption budgets: one replica at a time, and never a drain that hangs."""

from __future__ import annotations

from consumerapp_operator.plan.compose import plan
from tests.unit.plan.world import app, snapshot


def test_every_workload_has_a_budget_that_lets_one_go() -> None:
    objects = plan(snapshot(app({"name": "a", "database": {"replicas": 0}, "cache": {}}, {"name": "b"}))).objects
    budgets = {item["metadata"]["name"]: item["spec"] for item in objects if item["kind"] == "PodDisruptionBudget"}
    workloads = {
        item["metadata"]["name"]: item["spec"]["selector"]
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet")
    }
    assert {name: budget["selector"] for name, budget in budgets.items()} == workloads
    for budget in budgets.values():
        assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
