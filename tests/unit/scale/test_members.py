"""Which step toward fewer members of a database is safe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumerapp_operator.scale.members import Hold, Members, ScaleTo, Step, Switchover, held_back, next_step
from consumerapp_operator.scale.model import Decision, WorkloadKey, WorkloadKind

FOUR = Members(
    scope="shop-order-db",
    count=4,
    present=frozenset(range(4)),
    ready=frozenset(range(4)),
    leader="shop-order-db-0",
    synchronous=frozenset(f"shop-order-db-{ordinal}" for ordinal in range(4)),
)
LEAD_BY_LAST = replace(FOUR, leader="shop-order-db-3")


@pytest.mark.parametrize(
    ("members", "target", "step"),
    [
        (FOUR, 6, ScaleTo(6)),
        (FOUR, 4, ScaleTo(4)),
        (FOUR, 3, ScaleTo(3)),
        (FOUR, 2, ScaleTo(3)),  # one at a time
        (FOUR, 0, ScaleTo(3)),
        (replace(FOUR, count=1, present=frozenset({0}), ready=frozenset({0}), synchronous=frozenset()), 0, ScaleTo(1)),
        (
            LEAD_BY_LAST, 2,
            Switchover("shop-order-db-3", "shop-order-db-0", "shop-order-db-3 is the primary and the next to leave"),
        ),
        (
            replace(LEAD_BY_LAST, synchronous=frozenset({"shop-order-db-3", "shop-order-db-2"})), 3,
            Switchover("shop-order-db-3", "shop-order-db-2", "shop-order-db-3 is the primary and the next to leave"),
        ),
        (
            replace(LEAD_BY_LAST, synchronous=frozenset()), 3,
            Switchover("shop-order-db-3", "shop-order-db-0", "shop-order-db-3 is the primary and the next to leave"),
        ),
        (replace(FOUR, leader=None), 3, Hold("there is no primary now")),
        (
            replace(FOUR, leader="shop-order-db-7"), 3,
            Hold("the primary shop-order-db-7 is not one of the members"),
        ),
        (replace(FOUR, present=frozenset(range(5))), 3, Hold("shop-order-db-4 is still stopping")),
        (
            replace(FOUR, synchronous=frozenset({"shop-order-db-0", "shop-order-db-4"})), 3,
            Hold("commits still wait for shop-order-db-4, which is gone; Patroni is about to drop it"),
        ),
        (
            replace(FOUR, ready=frozenset({0, 2, 3})), 3,
            Hold("shop-order-db-1 is not ready, and a member leaves only when all that stay are"),
        ),
        (replace(FOUR, ready=frozenset({0, 1, 2})), 3, ScaleTo(3)),  # a broken one may go
    ],
)  # fmt: skip
def test_next_step(members: Members, target: int, step: Step) -> None:
    assert next_step(members, target) == step


def test_a_primary_without_a_follower_in_sync_stays() -> None:
    members = replace(LEAD_BY_LAST, synchronous=frozenset({"shop-order-db-3"}))
    assert isinstance(next_step(members, 2), Hold)


def test_the_way_down_removes_no_primary_and_never_two_at_once() -> None:
    """Simulated: Patroni drops a member from its list two looks after the pod is gone."""
    members, lag, steps = LEAD_BY_LAST, 0, []
    for _ in range(40):
        step = next_step(members, 1)
        steps.append(step)
        if isinstance(step, Switchover):
            assert step.candidate in members.synchronous
            members = replace(members, leader=step.candidate)
        elif isinstance(step, ScaleTo) and step.count < members.count:
            assert step.count == members.count - 1
            assert members.leader != members.pod(step.count)
            kept = frozenset(range(step.count))
            members = replace(members, count=step.count, present=kept, ready=kept)
            lag = 2
        elif isinstance(step, Hold):
            assert lag > 0, step.reason
            lag -= 1
            if lag == 0:
                listed = frozenset(members.pod(ordinal) for ordinal in range(members.count))
                members = replace(members, synchronous=listed)
    assert members.count == 1
    assert sum(isinstance(step, Switchover) for step in steps) == 1


def test_a_decision_that_is_put_off_says_why() -> None:
    decision = Decision(
        WorkloadKey(WorkloadKind.READ_REPLICAS, "order"), 0.0, 3, 1, 2, "RequestRate", "", "", (), "3 → 2: less"
    )
    held = held_back(decision, "there is no primary now")
    assert held.decided == held.current == 3
    assert held.limits[-1].why == "there is no primary now"
    assert held.reason == "held at 3, 2 decided: there is no primary now"
