"""What the operator did, told as Events."""

from __future__ import annotations

import pytest

from consumerapp_operator.apply.difference import Cause
from consumerapp_operator.apply.outcome import Write
from consumerapp_operator.observe.store import AppKey
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.runtime.happenings import Scalings, of_writes
from consumerapp_operator.scale.model import Decision, WorkloadKey, WorkloadKind

SHOP = AppKey("default", "shop")


def write(cause: str, name: str = "shop-order", detail: str = "why") -> Write:
    return Write(ObjectKey("apps/v1", "Deployment", "default", name), cause, detail)


@pytest.mark.parametrize(
    ("cause", "reason", "warning"),
    [
        (Cause.MISSING, "Created", False),
        ("Created", "Created", False),
        (Cause.PLAN, "Updated", False),
        (Cause.DRIFT, "DriftRepaired", True),
        (Cause.GONE, "DriftRepaired", True),
        ("Pruned", "Pruned", False),
    ],
)
def test_each_write_is_told_for_what_it_is(cause: str, reason: str, warning: bool) -> None:
    (found,) = of_writes([write(cause)])
    assert (found.reason, found.warning) == (reason, warning)
    assert "Deployment shop-order" in found.message


def test_many_creations_are_one_event() -> None:
    (found,) = of_writes([write(Cause.MISSING, f"d{index}") for index in range(11)])
    assert "Deployment d0" in found.message
    assert found.message.endswith("and 3 more")


def test_patches_are_not_worth_an_event() -> None:
    assert of_writes([write("Patched")]) == []


def decision(kind: WorkloadKind, at: float, current: int, decided: int) -> Decision:
    reason = f"{current} → {decided}: busy"
    return Decision(WorkloadKey(kind, "order"), at, current, decided, decided, "Concurrency", "3", "1", (), reason)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (WorkloadKind.SERVICE, "service order: 1 → 2: busy"),
        (WorkloadKind.GATEWAY, "the gateway: 1 → 2: busy"),
        (WorkloadKind.READ_REPLICAS, "read replicas of order's database: 1 → 2: busy"),
    ],
)
def test_a_count_that_moves_is_told_once(kind: WorkloadKind, message: str) -> None:
    scalings = Scalings()
    first = decision(kind, 1.0, 1, 2)
    assert [item.message for item in scalings.of(SHOP, {first.workload: first})] == [message]
    assert scalings.of(SHOP, {first.workload: first}) == []
    again = decision(kind, 2.0, 1, 2)
    assert len(scalings.of(SHOP, {again.workload: again})) == 1


def test_a_count_that_stays_is_not_told() -> None:
    same = decision(WorkloadKind.SERVICE, 1.0, 2, 2)
    assert Scalings().of(SHOP, {same.workload: same}) == []
