"""What an apply would do, on worlds that the operator's own plans have made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.apply.difference import stamped
from consumerapp_operator.cli.preview import Action, Change, Preview, preview
from consumerapp_operator.cli.rehearsal import rehearse
from consumerapp_operator.plan.model import Snapshot
from tests.unit.plan.world import IMAGES, World, app, apps, in_state, without_service

A: dict[str, Any] = {"name": "a", "calls": ["b"]}
B: dict[str, Any] = {"name": "b", "database": {"storage": {"size": "1Gi"}, "migrate": {"command": ["up"]}}}


def world_of(subject: ConsumerApp) -> World:
    """The app as it runs, with what apply leaves on each object to know it again."""
    world = World(subject)
    world.settle()
    for manifest in world.plan().objects:
        if manifest["kind"] != "Job":
            marks = stamped(manifest)["metadata"]["annotations"]
            live = next(item for key, item in world.children.items() if key.name == manifest["metadata"]["name"]
                        and key.kind == manifest["kind"])  # fmt: skip
            annotations = {**(live["metadata"].get("annotations") or {}), **marks}
            world.put({**live, "metadata": {**live["metadata"], "annotations": annotations}})
    return world


def seen(world: World, after: ConsumerApp) -> Preview:
    return preview(world.snapshot, in_state(world, after))


def of(found: Preview, action: Action) -> set[str]:
    return {f"{change.kind} {change.name}" for change in found.changes if change.action is action}


def change(found: Preview, name: str, kind: str) -> Change:
    (one,) = [item for item in found.changes if (item.kind, item.name) == (kind, name)]
    return one


def test_the_same_spec_changes_nothing() -> None:
    world = world_of(app(A, B))
    found = seen(world, app(A, B))
    assert found == Preview("shop", "town")
    assert found.exit_code == 0


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(subject=apps())
def test_no_app_changes_by_its_own_spec(subject: ConsumerApp) -> None:
    world = world_of(subject)
    assert seen(world, subject).exit_code == 0


def test_a_new_app_is_created_to_the_end() -> None:
    """Also what waits for a primary, a migration or the gateway."""
    found = preview(None, Snapshot(app(A, B), IMAGES))
    assert found.exit_code == 2
    assert of(found, Action.CREATE) >= {"Deployment shop-b", "Job " + job(found), "StatefulSet shop-b-db"}
    assert {"Secret shop-b-db", "Secret shop-b-db-admin"} <= of(found, Action.CREATE)
    assert not of(found, Action.CHANGE) | of(found, Action.DELETE)
    assert found.waiting == ()


def job(found: Preview) -> str:
    return next(item.name for item in found.changes if item.kind == "Job" and item.action is Action.CREATE)


def test_a_new_image_restarts_its_pods_alone_and_migrates_first() -> None:
    world = world_of(app(A, B))
    found = seen(world, app(A, {**B, "image": "acme/b:2"}))
    assert [item.name for item in found.changes if item.restarts] == ["shop-b"]
    (field,) = change(found, "shop-b", "Deployment").fields
    assert (field.path, field.before, field.after) == (
        "spec.template.spec.containers[service].image", "acme/b:1", "acme/b:2",
    )  # fmt: skip
    assert job(found).startswith("shop-b-migrate-")
    assert [(item.path, item.after) for item in found.spec] == [("spec.services[b].image", "acme/b:2")]


def test_bounds_of_a_count_change_the_spec_alone() -> None:
    world = world_of(app(A, B))
    found = seen(world, app({**A, "scaling": {"min": 3, "max": 9}}, B))
    assert {item.path for item in found.spec} == {"spec.services[a].scaling"}
    assert not any(item.restarts for item in found.changes)
    assert found.exit_code == 2


@pytest.mark.parametrize(("policy", "fate"), [("Retain", "is kept"), ("Delete", "is DELETED")])
def test_a_removed_database_tells_what_becomes_of_its_data(policy: str, fate: str) -> None:
    """And what is pruned only when the gateway has moved on is shown already."""
    subject = app(A, B, deletionPolicy=policy)
    world = world_of(subject)
    found = seen(world, without_service(subject, "b"))
    assert {"Deployment shop-b", "StatefulSet shop-b-db", "Service shop-b"} <= of(found, Action.DELETE)
    assert found.data == (
        f"the database of b goes and its data {fate}: data-shop-b-db-0, data-shop-b-db-1",
    )  # fmt: skip
    assert ("Secret shop-b-db" in of(found, Action.DELETE)) is (policy == "Delete")


def test_volumes_grow() -> None:
    world = world_of(app(A, B))
    found = seen(world, app(A, {**B, "database": {**B["database"], "storage": {"size": "2Gi"}}}))
    assert found.data == (
        "volume data-shop-b-db-0 grows from 1Gi to 2Gi",
        "volume data-shop-b-db-1 grows from 1Gi to 2Gi",
    )


def test_a_database_that_comes_back_finds_its_data() -> None:
    world = world_of(app(A, B))
    gone = without_service(app(A, B), "b")
    world.app = gone
    world.settle()
    found = seen(world, app(A, B))
    assert found.data == ("the database of b takes up the data that was kept: data-shop-b-db-0, data-shop-b-db-1",)


def test_another_policy_is_a_matter_of_data() -> None:
    world = world_of(app(A, B))
    (line,) = seen(world, app(A, B, deletionPolicy="Delete")).data
    assert line.startswith("deletionPolicy becomes Delete: volumes and credentials will be deleted")


def test_problems_are_the_operators_and_stop_everything() -> None:
    world = world_of(app(A, B))
    found = seen(world, app({**A, "calls": ["nobody"]}, B))
    assert found.exit_code == 1
    assert found.changes == ()
    assert found.problems[0].startswith("spec.services[0].calls[0]: ")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(subject=apps())
def test_a_rehearsal_ends_where_the_cluster_does(subject: ConsumerApp) -> None:
    world = World(subject)
    world.settle()
    ended = rehearse(Snapshot(subject, IMAGES))
    kinds = ("Deployment", "StatefulSet", "Service", "Job", "NetworkPolicy", "Role")
    assert {key for key in ended.wanted if key.kind in kinds} == {key for key in world.children if key.kind in kinds}
    assert ended.waiting == ()
