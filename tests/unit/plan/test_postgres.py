"""Databases: settings that were measured, credentials that never change, data that is never taken for another's."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import (
    ANNOTATION_CONFIGURATION,
    ANNOTATION_LAST_PRIMARY,
    ANNOTATION_SYSTEM_IDENTIFIER,
    LABEL_INSTANCE,
    LABEL_ROLE,
)
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.model import Manifest, ObjectKey, Patch, Plan
from tests.unit.plan.world import DIGITS, NAMESPACE, World, app, claim, find, live, member, names, snapshot

SCOPE = "shop-order-db"
SECRETS = {SCOPE, "shop-order-db-admin"}


def order(*, policy: str = "Retain", **database: Any) -> ConsumerApp:
    return app({"name": "order", "database": database}, deletionPolicy=policy)


def statefulset(wanted: Plan) -> Manifest:
    return find(wanted.objects, "StatefulSet", SCOPE)


def patroni(subject: ConsumerApp) -> dict[str, Any]:
    text = find(plan(snapshot(subject)).objects, "ConfigMap", "shop-order-db-patroni")["data"]["patroni.yaml"]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def patches_on(wanted: Plan, kind: str) -> list[Patch]:
    return [patch for patch in wanted.patches if patch.key.kind == kind and "gateway" not in patch.key.name]


def key(kind: str, name: str) -> ObjectKey:
    return ObjectKey("v1", kind, NAMESPACE, name)


# --- Patroni ---------------------------------------------------------------------------------------------------------


def test_pods_and_configmaps_carry_exactly_the_labels_patroni_looks_for() -> None:
    settings = patroni(order())["kubernetes"]
    sought = {**settings["labels"], settings["scope_label"]: SCOPE}
    wanted = plan(snapshot(order()))
    for kind in ("config", "leader", "sync", "failover"):
        assert find(wanted.objects, "ConfigMap", f"{SCOPE}-{kind}")["metadata"]["labels"] == sought
    assert statefulset(wanted)["spec"]["template"]["metadata"]["labels"] == sought
    assert sought[LABEL_INSTANCE] == SCOPE


def test_members_may_do_no_more_than_patroni_needs() -> None:
    rules = find(plan(snapshot(order())).objects, "Role", SCOPE)["rules"]
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert verbs == {"list", "watch", "get", "patch"}
    for rule in rules:
        assert ("resourceNames" in rule) == ("patch" in rule["verbs"])
    (pods,) = [rule for rule in rules if rule["resources"] == ["pods"] and "patch" in rule["verbs"]]
    assert pods["resourceNames"] == [f"{SCOPE}-{ordinal}" for ordinal in range(9)]


def test_settings_of_a_quick_failover() -> None:
    dcs = patroni(order())["bootstrap"]["dcs"]
    assert (dcs["ttl"], dcs["loop_wait"], dcs["retry_timeout"], dcs["primary_start_timeout"]) == (20, 5, 5, 0)
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]


@pytest.mark.parametrize(
    ("database", "mode"),
    [
        ({}, "quorum"),
        ({"replicas": 0}, False),
        ({"replicas": 0, "scaling": {"min": 0, "max": 2}}, "quorum"),
        ({"durability": "Async"}, False),
    ],
)
def test_a_commit_waits_for_a_replica_where_there_may_be_one(database: dict[str, Any], mode: Any) -> None:
    assert patroni(order(**database))["bootstrap"]["dcs"]["synchronous_mode"] == mode


def test_a_hung_patroni_is_dead_before_its_lease_is_given_away() -> None:
    (container,) = statefulset(plan(snapshot(order())))["spec"]["template"]["spec"]["containers"]
    probe = container["livenessProbe"]
    worst = (
        probe["periodSeconds"]
        + probe["failureThreshold"] * max(probe["timeoutSeconds"], probe["periodSeconds"])
        + probe["terminationGracePeriodSeconds"]
    )
    assert worst <= 15 < patroni(order())["bootstrap"]["dcs"]["ttl"]


def test_replicas_outlast_an_election() -> None:
    (container,) = statefulset(plan(snapshot(order())))["spec"]["template"]["spec"]["containers"]
    probe = container["readinessProbe"]
    assert probe["periodSeconds"] * (probe["failureThreshold"] - 1) > 11


@pytest.mark.parametrize(
    ("memory", "connections", "buffers", "work"),
    [("512Mi", 100, "128MB", "1MB"), ("8Gi", 100, "2048MB", "15MB"), ("64Gi", 20, "16384MB", "64MB")],
)
def test_memory_is_divided_up(memory: str, connections: int, buffers: str, work: str) -> None:
    subject = order(maxConnections=connections, resources={"limits": {"memory": memory}})
    parameters = patroni(subject)["postgresql"]["parameters"]
    assert (parameters["shared_buffers"], parameters["work_mem"]) == (buffers, work)


def test_only_what_is_read_at_the_start_restarts_members() -> None:
    def restarts(subject: ConsumerApp) -> str:
        template = statefulset(plan(snapshot(subject)))["spec"]["template"]
        return str(template["metadata"]["annotations"][ANNOTATION_CONFIGURATION])

    assert restarts(order(durability="Async")) == restarts(order())
    assert restarts(order(maxConnections=50)) != restarts(order())
    assert restarts(order(storage={"size": "4Gi"})) != restarts(order())


def test_a_running_cluster_gets_the_specs_settings_and_keeps_what_others_added() -> None:
    world = World(order())
    world.settle()
    configmap = world.children[key("ConfigMap", f"{SCOPE}-config")]
    running = {"ttl": 30, "pause": True, "postgresql": {"parameters": {"max_connections": 100, "log_statement": "all"}}}
    annotations = {**configmap["metadata"]["annotations"], "config": json.dumps(running)}
    world.put({**configmap, "metadata": {**configmap["metadata"], "annotations": annotations}})
    world.app = order(maxConnections=40)
    (patch,) = patches_on(world.plan(), "ConfigMap")
    written = json.loads(patch.body["metadata"]["annotations"]["config"])
    assert (written["ttl"], written["pause"]) == (20, True)
    assert written["postgresql"]["parameters"]["max_connections"] == 40
    assert written["postgresql"]["parameters"]["log_statement"] == "all"
    world.settle()
    assert patches_on(world.plan(), "ConfigMap") == []


def test_settings_do_not_change_while_there_is_no_primary() -> None:
    world = World(order())
    world.settle()
    configmap = world.children[key("ConfigMap", f"{SCOPE}-config")]
    annotations = {**configmap["metadata"]["annotations"], "config": '{"ttl":30}'}
    world.put({**configmap, "metadata": {**configmap["metadata"], "annotations": annotations}})
    world.put(member(statefulset(world.plan()), 0, "replica"))
    assert patches_on(world.plan(), "ConfigMap") == []


# --- Credentials ---------------------------------------------------------------------------------------------------


def test_credentials_are_made_once_and_say_all_a_client_needs() -> None:
    first = plan(snapshot(order()))
    assert {secret.manifest["metadata"]["name"] for secret in first.secrets} == SECRETS
    (service,) = [secret for secret in first.secrets if secret.manifest["metadata"]["name"] == SCOPE]
    data = service.data({"password": "p/w@1:%"})
    assert set(data) == {"username", "password", "host", "port", "dbname", "uri", "read-uri"}
    assert data["uri"] == "postgresql://app:p%2Fw%401%3A%25@shop-order-db:5432/app"
    assert urlsplit(data["read-uri"]).hostname == "shop-order-db-read"
    world = World(order())
    world.settle()
    assert world.plan().secrets == ()


@pytest.mark.parametrize("gone", sorted(SECRETS))
def test_lost_credentials_are_not_made_anew_and_the_database_is_left_alone(gone: str) -> None:
    world = World(order())
    world.settle()
    del world.children[key("Secret", gone)]
    wanted = world.plan()
    assert wanted.secrets == ()
    assert SCOPE not in names(wanted.objects, "StatefulSet")
    assert wanted.prune == ()
    assert f"CredentialsMissing: Secret {gone} of the database of order is gone" in wanted.waiting[0]


def test_a_kept_volume_alone_keeps_credentials_from_being_made() -> None:
    volume = claim(statefulset(plan(snapshot(order()))), 0)
    wanted = plan(snapshot(order(), volume))
    assert wanted.secrets == ()
    assert "CredentialsMissing" in wanted.waiting[0]


def test_nothing_is_taken_for_lost_before_everything_was_seen() -> None:
    wanted = plan(snapshot(order(), synced=False))
    assert wanted.secrets == ()
    assert SCOPE not in names(wanted.objects, "StatefulSet")
    assert "waits until the operator has seen all of the cluster" in wanted.waiting[0]


def test_credentials_follow_the_deletion_policy() -> None:
    for policy, owned in (("Retain", False), ("Delete", True)):
        for secret in plan(snapshot(order(policy=policy))).secrets:
            assert ("ownerReferences" in secret.manifest["metadata"]) is owned
    world = World(order())
    world.settle()
    world.app = order(policy="Delete")
    changes = patches_on(world.plan(), "Secret")
    assert {patch.key.name for patch in changes} == SECRETS
    assert all(patch.body["metadata"]["ownerReferences"][0]["uid"] == "uid-of-shop" for patch in changes)
    world.settle()
    world.app = order()
    assert all(patch.body == {"metadata": {"ownerReferences": None}} for patch in patches_on(world.plan(), "Secret"))


# --- Data that is kept -----------------------------------------------------------------------------------------------


def kept(**database: Any) -> World:
    """What a deleted app leaves: volumes and credentials."""
    world = World(order(**database))
    world.settle()
    world.children = {
        key: manifest for key, manifest in world.children.items() if key.kind in ("Secret", "PersistentVolumeClaim")
    }
    return world


def test_the_data_and_its_last_primary_are_remembered_on_the_credentials() -> None:
    world = World(order())
    world.settle()
    annotations = world.children[key("Secret", SCOPE)]["metadata"]["annotations"]
    assert annotations == {ANNOTATION_SYSTEM_IDENTIFIER: DIGITS, ANNOTATION_LAST_PRIMARY: f"{SCOPE}-0"}
    assert patches_on(world.plan(), "Secret") == []


def test_kept_data_is_taken_up_by_its_last_primary() -> None:
    world = kept()
    first = world.plan()
    assert find(first.objects, "ConfigMap", f"{SCOPE}-config")["metadata"]["annotations"] == {"initialize": DIGITS}
    assert SCOPE not in names(first.objects, "StatefulSet")
    by_name = {patch.key.name: patch.body["metadata"]["annotations"] for patch in patches_on(first, "ConfigMap")}
    assert by_name[f"{SCOPE}-leader"] == {"leader": f"{SCOPE}-0", "ttl": "120"}
    assert json.loads(by_name[f"{SCOPE}-config"]["config"])["primary_start_timeout"] == 120
    world.apply(first)
    assert SCOPE in names(world.plan().objects, "StatefulSet")
    last = world.settle()
    config = world.children[key("ConfigMap", f"{SCOPE}-config")]["metadata"]["annotations"]["config"]
    assert json.loads(config)["primary_start_timeout"] == 0
    assert (last.waiting, last.secrets) == ((), ())


def test_credentials_without_their_volumes_make_no_new_empty_database() -> None:
    world = kept()
    world.children = {key: manifest for key, manifest in world.children.items() if key.kind == "Secret"}
    wanted = world.plan()
    assert SCOPE not in names(wanted.objects, "StatefulSet")
    assert "DataMissing: Secret shop-order-db belongs to data that is gone" in wanted.waiting[0]
    assert "kubectl -n town delete secret shop-order-db shop-order-db-admin" in wanted.waiting[0]


def test_what_runs_is_never_contradicted() -> None:
    world = World(order())
    world.settle()
    secret = world.children[key("Secret", SCOPE)]
    annotations = {**secret["metadata"]["annotations"], ANNOTATION_SYSTEM_IDENTIFIER: "111"}
    world.put({**secret, "metadata": {**secret["metadata"], "annotations": annotations}})
    wanted = world.plan()
    assert find(wanted.objects, "ConfigMap", f"{SCOPE}-config")["metadata"]["annotations"] == {"initialize": DIGITS}
    assert f"runs on other data (system identifier {DIGITS})" in wanted.waiting[0]


# --- Volumes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "deleted"), [("Retain", "Retain"), ("Delete", "Delete")])
def test_volumes_go_with_the_database_only_under_delete_and_never_with_a_count(policy: str, deleted: str) -> None:
    spec = statefulset(plan(snapshot(order(policy=policy))))["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": deleted, "whenScaled": "Retain"}


def test_volumes_grow_and_the_immutable_template_stays() -> None:
    world = World(order(storage={"size": "1024Mi"}))
    world.settle()
    before = statefulset(world.plan())
    world.app = order(storage={"size": "2Gi"})
    wanted = world.plan()
    assert statefulset(wanted)["spec"]["volumeClaimTemplates"] == before["spec"]["volumeClaimTemplates"]
    changes = patches_on(wanted, "PersistentVolumeClaim")
    assert [patch.key.name for patch in changes] == [f"data-{SCOPE}-0", f"data-{SCOPE}-1"]
    assert all(patch.body == {"spec": {"resources": {"requests": {"storage": "2Gi"}}}} for patch in changes)
    world.settle()
    assert patches_on(world.plan(), "PersistentVolumeClaim") == []


# --- Roles and addresses ---------------------------------------------------------------------------------------------


def led_by(leader: str, *pods: dict[str, Any]) -> Plan:
    first = plan(snapshot(order()))
    configmap = find(first.objects, "ConfigMap", f"{SCOPE}-leader")
    metadata = {**configmap["metadata"], "annotations": {"leader": leader}}
    secrets = [{**live(secret.manifest), "data": {}} for secret in first.secrets]
    return plan(snapshot(order(), {**configmap, "metadata": metadata}, *secrets, *pods))


def test_a_dead_primary_loses_its_label_when_another_one_leads() -> None:
    template = statefulset(plan(snapshot(order())))
    wanted = led_by(f"{SCOPE}-1", member(template, 0, "primary", ready=False), member(template, 1, "primary"))
    (patch,) = patches_on(wanted, "Pod")
    assert patch.key.name == f"{SCOPE}-0"
    assert patch.body == {"metadata": {"labels": {LABEL_ROLE: None}}}


def test_no_label_is_taken_before_the_leader_has_its_own() -> None:
    template = statefulset(plan(snapshot(order())))
    assert patches_on(led_by(f"{SCOPE}-1", member(template, 0, "primary"), member(template, 1, "replica")), "Pod") == []
    assert patches_on(led_by("", member(template, 0, "primary"), member(template, 1, "primary")), "Pod") == []
    assert patches_on(led_by(f"{SCOPE}-0", member(template, 0, "primary"), member(template, 1, "replica")), "Pod") == []


@pytest.mark.parametrize(
    ("pods", "role"),
    [
        ([], "primary"),
        ([("primary", True)], "primary"),
        ([("primary", True), ("replica", False)], "primary"),
        ([("primary", True), ("replica", True)], "replica"),
    ],
)
def test_reads_go_to_replicas_and_while_none_is_ready_to_the_primary(pods: list[tuple[str, bool]], role: str) -> None:
    template = statefulset(plan(snapshot(order())))
    members = [member(template, index, own, ready=ready) for index, (own, ready) in enumerate(pods)]
    service = find(plan(snapshot(order(), *members)).objects, "Service", f"{SCOPE}-read")
    assert service["spec"]["selector"][LABEL_ROLE] == role


def test_a_replica_on_its_way_out_takes_no_reads() -> None:
    template = statefulset(plan(snapshot(order())))
    leaving = member(template, 1, "replica")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    service = find(plan(snapshot(order(), leaving)).objects, "Service", f"{SCOPE}-read")
    assert service["spec"]["selector"][LABEL_ROLE] == "primary"


def test_an_image_of_the_spec_comes_before_the_operators_own() -> None:
    def image(subject: ConsumerApp) -> str:
        (container,) = statefulset(plan(snapshot(subject)))["spec"]["template"]["spec"]["containers"]
        return str(container["image"])

    assert (image(order()), image(order(image="acme/pg:17"))) == ("own/postgres:1", "acme/pg:17")
