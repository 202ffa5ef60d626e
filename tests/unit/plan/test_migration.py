"""Migrations come before the pods of a new image, and a failed one stops nothing that runs."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.migration import job_name
from consumerapp_operator.plan.model import ObjectKey
from tests.unit.plan.world import World, app, find, live, names, snapshot

NEW = "acme/order:2"
DEPLOYMENT = ObjectKey("apps/v1", "Deployment", "town", "shop-order")


def order(image: str = "acme/order:1", *, command: tuple[str, ...] = ("up",), **service: Any) -> ConsumerApp:
    return app({"name": "order", "image": image, "database": {"migrate": {"command": list(command)}}, **service})


def finished(job: Any, condition: str) -> dict[str, Any]:
    return {**live(job), "status": {"conditions": [{"type": condition, "status": "True"}]}}


def test_neither_job_nor_deployment_before_the_primary_is_ready() -> None:
    wanted = plan(snapshot(order()))
    assert names(wanted.objects, "Job") == set()
    assert "shop-order" not in names(wanted.objects, "Deployment")
    assert "migration of order waits for the primary of its database" in wanted.waiting


def test_with_a_primary_the_job_and_only_when_it_is_complete_the_deployment() -> None:
    world = World(order())
    world.apply(world.plan())
    during = world.plan()
    (name,) = names(during.objects, "Job")
    assert name == job_name("shop", world.app.spec.services[0])
    assert "shop-order" not in names(during.objects, "Deployment")
    job = find(during.objects, "Job", name)
    running = World(world.app)
    running.children = {**world.children, ObjectKey.of(job): live(job)}
    assert running.plan().waiting[0] == f"migration of order is running (job/{name})"
    running.put(finished(job, "Complete"))
    after = running.plan()
    assert "shop-order" in names(after.objects, "Deployment")
    assert not any("migration" in line for line in after.waiting)


def test_a_new_image_waits_and_what_runs_stays() -> None:
    world = World(order())
    world.settle()
    (old,) = [key for key in world.children if key.kind == "Job"]
    world.app = order(NEW)
    wanted = world.plan()
    (new,) = names(wanted.objects, "Job")
    assert new != old.name
    assert "shop-order" not in names(wanted.objects, "Deployment")
    assert wanted.prune == ()
    assert DEPLOYMENT in world.children


def test_a_failed_migration_is_told_and_stops_nothing() -> None:
    world = World(order())
    world.settle()
    world.app = order(NEW)
    wanted = world.plan()
    (job,) = [item for item in wanted.objects if item["kind"] == "Job"]
    world.put(finished(job, "Failed"))
    failed = world.plan()
    name = job["metadata"]["name"]
    assert f"migration of order failed: see `kubectl -n town logs job/{name}`" in failed.waiting[0]
    assert "shop-order" not in names(failed.objects, "Deployment")
    assert failed.prune == ()


def test_older_jobs_go_when_the_new_one_is_done() -> None:
    world = World(order())
    world.settle()
    (old,) = [key for key in world.children if key.kind == "Job"]
    world.app = order(NEW)
    world.settle()
    assert old not in world.children
    assert [key.name for key in world.children if key.kind == "Job"] == [job_name("shop", world.app.spec.services[0])]


def test_the_job_is_one_for_each_image_and_command_whatever_else_changes() -> None:
    first = job_name("shop", order().spec.services[0])
    assert job_name("shop", order(port=9000).spec.services[0]) == first
    assert job_name("shop", order(NEW).spec.services[0]) != first
    assert job_name("shop", order(command=("up", "--all")).spec.services[0]) != first


def test_without_a_migration_the_deployment_waits_for_nothing() -> None:
    assert "shop-a" in names(plan(snapshot(app({"name": "a", "database": {}}))).objects, "Deployment")
