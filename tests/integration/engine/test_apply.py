"""Writes against a real API server: idempotent, exact about what they delete, clear about what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from consumerapp_operator.api.kinds import kind_of
from consumerapp_operator.apply.client import ApiError, Client
from consumerapp_operator.apply.credentials import create_missing
from consumerapp_operator.apply.objects import Objects
from consumerapp_operator.apply.patches import patch_all
from consumerapp_operator.apply.prune import prune
from consumerapp_operator.observe.trim import trim
from consumerapp_operator.plan.model import GeneratedSecret, Manifest, ObjectKey, Patch
from tests.integration.engine.conftest import Writes

Body = dict[str, Any]


def config_map(namespace: str, name: str = "settings", **data: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "shop"}},
        "data": data,
    }


def deployment(namespace: str, **spec: Any) -> Body:
    """Never scheduled: only the API server's part of its life is looked at."""
    labels = {"app": "nothing"}
    container = {
        "name": "nothing",
        "image": "nothing:1",
        "env": [{"name": "EMPTY", "value": ""}],
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"memory": "1Gi"}},
    }
    pod = {"containers": [container], "nodeSelector": {"no": "node"}, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nothing", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


class World(dict[ObjectKey, Manifest]):
    """What is known of the cluster, fed by answers only."""

    def learn(self, manifest: Manifest) -> None:
        self[ObjectKey.of(manifest)] = trim(manifest)


@pytest.fixture
def world() -> World:
    return World()


async def version(client: Client, manifest: Mapping[str, Any]) -> str:
    return str((await client.get(ObjectKey.of(manifest)))["metadata"]["resourceVersion"])


async def test_a_second_apply_makes_no_request(client: Client, namespace: str, world: World, writes: Writes) -> None:
    objects = Objects(client, world.learn)
    wanted = [config_map(namespace, a="1"), deployment(namespace)]
    first = await objects.apply("shop", wanted, world)
    assert [write.cause for write in first.writes] == ["Missing", "Missing"]
    assert await objects.apply("shop", wanted, world) == type(first)()
    assert writes == [("apply", "ConfigMap", "ok"), ("apply", "Deployment", "ok")]


async def test_an_apply_from_a_stale_snapshot_changes_nothing(client: Client, namespace: str, world: World) -> None:
    wanted = [config_map(namespace, a="1")]
    await Objects(client, world.learn).apply("shop", wanted, {})
    before = await version(client, wanted[0])
    again = await Objects(client, world.learn).apply("shop", wanted, {})
    assert len(again.writes) == 1
    assert await version(client, wanted[0]) == before


async def test_drift_is_repaired_and_what_is_not_ours_stays(client: Client, namespace: str, world: World) -> None:
    objects = Objects(client, world.learn)
    wanted = config_map(namespace, a="1", b="2")
    await objects.apply("shop", [wanted], world)
    key = ObjectKey.of(wanted)
    world.learn(await client.patch(key, {"data": {"a": "9", "c": "3"}}, field_manager="somebody"))
    repaired = await objects.apply("shop", [wanted], world)
    assert [(write.cause, write.detail) for write in repaired.writes] == [("Drift", "data.a is '9', should be '1'")]
    assert (await client.get(key))["data"] == {"a": "1", "b": "2", "c": "3"}


async def test_what_leaves_the_plan_leaves_the_object(client: Client, namespace: str, world: World) -> None:
    objects = Objects(client, world.learn)
    await objects.apply("shop", [config_map(namespace, a="1", b="2")], world)
    outcome = await objects.apply("shop", [config_map(namespace, a="1")], world)
    assert [write.cause for write in outcome.writes] == ["PlanChanged"]
    assert world[ObjectKey.of(config_map(namespace))]["data"] == {"a": "1"}


async def test_an_object_that_somebody_deleted_is_told_apart_from_a_new_one(
    client: Client, namespace: str, world: World
) -> None:
    objects = Objects(client, world.learn)
    wanted = config_map(namespace, a="1")
    await objects.apply("shop", [wanted], world)
    await client.delete(ObjectKey.of(wanted))
    world.clear()
    later = config_map(namespace, "later")
    outcome = await objects.apply("shop", [wanted, later], world)
    assert {write.key.name: write.cause for write in outcome.writes} == {"settings": "Gone", "later": "Missing"}


async def test_a_value_that_does_not_stay_is_not_written_for_ever(
    client: Client, namespace: str, world: World, writes: Writes
) -> None:
    """The API server leaves `hostNetwork: false` out; it stands for anything that changes a write on its way."""
    objects = Objects(client, world.learn)
    wanted = deployment(namespace, hostNetwork=False)
    await objects.apply("shop", [wanted], world)
    await objects.apply("shop", [wanted], world)
    assert len(writes) == 1
    changed = {"spec": {"template": {"spec": {"nodeSelector": {"no": "body"}}}}}
    world.learn(await client.patch(ObjectKey.of(wanted), changed, field_manager="somebody"))
    outcome = await objects.apply("shop", [wanted], world)
    assert len(outcome.writes) == 1, "real drift beside it is still repaired"


async def test_a_refusal_names_the_field_and_keeps_nobody_else_from_it(
    client: Client, namespace: str, world: World, writes: Writes
) -> None:
    bad = deployment(namespace, restartPolicy="Sometimes")
    outcome = await Objects(client, world.learn).apply("shop", [bad, config_map(namespace, a="1")], world)
    assert [write.key.kind for write in outcome.writes] == ["ConfigMap"]
    (failure,) = outcome.failures
    assert failure.needs_someone
    assert failure.field == "spec.template.spec.restartPolicy"
    assert "Sometimes" in failure.message
    assert ("apply", "Deployment", "422") in writes


async def test_a_generated_secret_is_made_once_whatever_the_snapshot_says(
    client: Client, namespace: str, world: World
) -> None:
    secret = GeneratedSecret(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}},
        ("password",),
        lambda drawn: {"password": drawn["password"]},
    )
    key = ObjectKey.of(secret.manifest)
    first = await create_missing(client, [secret], {}, world.learn)
    assert len(first.writes) == 1
    drawn = (await client.get(key))["data"]
    stale = await create_missing(client, [secret], {}, world.learn)
    assert (stale.writes, stale.failures) == ((), ())
    assert (await client.get(key))["data"] == drawn
    assert world[key]["data"] == {"password": ""}, "its value is not kept in memory"


async def test_prune_spares_another_object_of_the_same_name(client: Client, namespace: str, world: World) -> None:
    wanted = config_map(namespace, a="1")
    key = ObjectKey.of(wanted)
    await Objects(client, world.learn).apply("shop", [wanted], world)
    await client.delete(key)
    await client.apply(wanted)
    outcome = await prune(client, [key], world)
    assert (outcome.writes, outcome.failures) == ((), ())
    world.learn(await client.get(key))
    assert len((await prune(client, [key], world)).writes) == 1
    with pytest.raises(ApiError) as gone:
        await client.get(key)
    assert gone.value.status == 404
    assert (await prune(client, [key], world)).failures == (), "what is gone is pruned"


async def test_a_patch_is_made_once(client: Client, namespace: str, world: World) -> None:
    wanted = config_map(namespace, a="1")
    await Objects(client, world.learn).apply("shop", [wanted], world)
    key = ObjectKey.of(wanted)
    patch = Patch(key, {"metadata": {"labels": {"app": None}}}, "a stale label")
    assert len((await patch_all(client, [patch], world, world.learn)).writes) == 1
    assert "labels" not in (await client.get(key))["metadata"]
    assert (await patch_all(client, [patch], world, world.learn)).writes == ()
    await client.delete(key)
    again = Patch(key, {"data": {"a": "2"}}, "gone")
    assert (await patch_all(client, [again], world, world.learn)).failures == ()


async def test_lists_are_whole_though_they_come_in_chunks(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumerapp_operator.apply.client.CHUNK", 3)
    for index in range(8):
        await client.create(config_map(namespace, f"c{index}"))
    found = [item async for item in client.list(kind_of("v1", "ConfigMap"), "app=shop", namespace)]
    assert sorted(item["metadata"]["name"] for item in found) == [f"c{index}" for index in range(8)]
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


async def test_a_namespace_that_is_being_deleted_ends_it(client: Client, namespace: str, world: World) -> None:
    kept = config_map(namespace, "kept")
    kept["metadata"]["finalizers"] = ["consumerapp.io/test"]
    await client.create(kept)  # holds the namespace in its last state
    path = f"/api/v1/namespaces/{namespace}"
    await client.request("DELETE", path)
    try:
        outcome = await Objects(client, world.learn).apply(
            "shop", [config_map(namespace, "late"), deployment(namespace)], {}
        )
        assert outcome.terminating
        assert outcome.failures == ()
    finally:
        await client.patch(ObjectKey.of(kept), {"metadata": {"finalizers": None}})


async def test_who_cannot_be_reached_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client._connection, "server", "https://127.0.0.1:1")
    with pytest.raises(ApiError) as unreachable:
        await client.get(ObjectKey("v1", "ConfigMap", "default", "x"))
    assert unreachable.value.status == 0
    assert "GET /api/v1/namespaces/default/configmaps/x" in str(unreachable.value)
