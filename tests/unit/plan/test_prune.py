"""Pruning: what the spec no longer names goes, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.model import ObjectKey
from consumerapp_operator.plan.prune import to_prune
from tests.unit.plan.world import NAMESPACE, World, app, snapshot

LABELS = {"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "consumerapp-operator"}


def stray(kind: str, *, owner: str | None = "uid-of-shop", **metadata: Any) -> dict[str, Any]:
    """An object that carries the app's labels and that no plan names."""
    owners = [{"kind": "ConsumerApp", "name": "shop", "uid": owner, "controller": True}] if owner else []
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": "stray", "namespace": NAMESPACE, "labels": LABELS, "ownerReferences": owners, **metadata},
        "spec": {"replicas": 1},
    }


@pytest.mark.parametrize(
    ("manifest", "pruned"),
    [
        (stray("Service"), True),
        (stray("ConfigMap", owner=None), True),
        (stray("ConfigMap", owner=None, labels={"app.kubernetes.io/part-of": "shop"}), False),
        (stray("ConfigMap", owner="uid-of-an-earlier-shop"), False),
        (stray("ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z"), False),
        (stray("Pod"), False),
        (stray("Secret"), False),
        (stray("PersistentVolumeClaim", owner=None), False),
    ],
)
def test_only_what_is_ours_and_not_data_is_pruned(manifest: dict[str, Any], *, pruned: bool) -> None:
    seen = snapshot(app({"name": "a"}), manifest)
    assert (ObjectKey.of(manifest) in plan(seen).prune) is pruned


def test_nothing_is_pruned_while_requests_may_still_go_there() -> None:
    seen = snapshot(app({"name": "a"}), stray("Service"))
    assert to_prune(seen, (), gateway_settled=False) == ()
    assert to_prune(seen, ()) != ()


def test_under_delete_volumes_and_credentials_of_a_removed_database_go_and_of_others_stay() -> None:
    world = World(app({"name": "a", "database": {}}, {"name": "b", "database": {}}, deletionPolicy="Delete"))
    world.settle()
    world.app = app({"name": "b", "database": {}}, deletionPolicy="Delete")
    world.settle()
    left = {key.name for key in world.children if key.kind in ("Secret", "PersistentVolumeClaim")}
    assert left == {"shop-b-db", "shop-b-db-admin", "data-shop-b-db-0", "data-shop-b-db-1"}


def test_with_a_problem_in_the_spec_nothing_is_pruned() -> None:
    world = World(app({"name": "a"}, {"name": "b"}))
    world.settle()
    world.app = app({"name": "a", "calls": ["nobody"]})
    wanted = world.plan()
    assert wanted.problems
    assert wanted.prune == ()
