"""Laws of every plan, for apps of all sorts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from consumerapp_operator.api.app import ConsumerApp, DeletionPolicy
from consumerapp_operator.api.names import COMPONENT_DATABASE, LABEL_COMPONENT, LABEL_ROLE
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.model import Manifest, ObjectKey
from tests.unit.plan.world import World, apps, in_state, without_service

law = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DATA = ("Secret", "PersistentVolumeClaim")


def settled(subject: ConsumerApp) -> World:
    world = World(subject)
    world.settle()
    return world


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")


def pod_labels(objects: tuple[Manifest, ...]) -> list[dict[str, str]]:
    """Labels of every pod that the objects make; of a database's once in each role."""
    found = []
    for manifest in objects:
        if manifest["kind"] not in ("Deployment", "StatefulSet", "Job"):
            continue
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        found += (
            [{**labels, LABEL_ROLE: role} for role in ("primary", "replica")]
            if manifest["kind"] == "StatefulSet"
            else [labels]
        )
    return found


@law
@given(apps())
def test_what_was_applied_is_planned_again_and_nothing_more(subject: ConsumerApp) -> None:
    world = settled(subject)
    first, second = world.plan(), world.plan()
    assert first == second
    world.apply(first)
    third = world.plan()
    assert third.objects == first.objects
    assert (third.prune, third.secrets, third.waiting) == ((), (), ())


@law
@given(apps())
def test_nothing_holds_a_replica_count(subject: ConsumerApp) -> None:
    for manifest in settled(subject).plan().objects:
        assert "replicas" not in manifest.get("spec", {})


@law
@given(apps())
def test_nothing_is_empty_where_the_server_would_drop_it(subject: ConsumerApp) -> None:
    for manifest in settled(subject).plan().objects:
        for path, value in walk(manifest):
            at = f"{ObjectKey.of(manifest)}{path}"
            assert value is not None, at
            if isinstance(value, Mapping | list | tuple | str) and ".apiGroups[" not in path:
                assert len(value), at


@law
@given(apps())
def test_each_name_is_given_once(subject: ConsumerApp) -> None:
    keys = [ObjectKey.of(manifest) for manifest in settled(subject).plan().objects]
    assert len(keys) == len(set(keys))


@law
@given(apps())
def test_workloads_select_their_own_pods_and_no_others(subject: ConsumerApp) -> None:
    objects = settled(subject).plan().objects
    pods = pod_labels(objects)
    for manifest in objects:
        if manifest["kind"] not in ("Deployment", "StatefulSet"):
            continue
        selector = manifest["spec"]["selector"]["matchLabels"]
        own = manifest["spec"]["template"]["metadata"]["labels"]
        selected = [labels for labels in pods if selector.items() <= labels.items()]
        assert selected
        assert all(own.items() <= labels.items() for labels in selected)


@law
@given(apps())
def test_services_select_pods_of_one_kind_by_a_port_that_they_have(subject: ConsumerApp) -> None:
    objects = settled(subject).plan().objects
    workloads = [item for item in objects if item["kind"] in ("Deployment", "StatefulSet")]
    for service in objects:
        if service["kind"] != "Service":
            continue
        selector = {key: value for key, value in service["spec"]["selector"].items() if key != LABEL_ROLE}
        (workload,) = [
            item for item in workloads if selector.items() <= item["spec"]["template"]["metadata"]["labels"].items()
        ]
        ports = [port for item in workload["spec"]["template"]["spec"]["containers"] for port in item.get("ports", ())]
        known = {port.get("name") for port in ports} | {port["containerPort"] for port in ports}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in known


@law
@given(apps())
def test_each_peer_of_a_network_policy_exists_and_each_pod_has_its_policy(subject: ConsumerApp) -> None:
    objects = settled(subject).plan().objects
    pods = pod_labels(objects)
    policies = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    for policy in policies:
        assert any(policy["podSelector"]["matchLabels"].items() <= labels.items() for labels in pods)
        for rule in [*policy.get("ingress", ()), *policy.get("egress", ())]:
            assert rule.get("ports") or rule["to"]
            for peer in [*rule.get("from", ()), *rule.get("to", ())]:
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    wanted = peer["podSelector"]["matchLabels"]
                    assert any(wanted.items() <= labels.items() for labels in pods), wanted
    for labels in pods:
        mine = [policy for policy in policies if policy["podSelector"]["matchLabels"].items() <= labels.items()]
        # The one that denies everything, and the one that lets its own through.
        assert len(mine) == 2
        assert any("ingress" not in policy and "egress" not in policy for policy in mine)


@law
@given(apps())
def test_each_mounted_name_and_account_is_planned(subject: ConsumerApp) -> None:
    wanted = World(subject).plan()
    world = settled(subject)
    objects = world.plan().objects
    known = {(item["kind"], item["metadata"]["name"]) for item in objects}
    known |= {("Secret", secret.manifest["metadata"]["name"]) for secret in wanted.secrets}
    for manifest in objects:
        if manifest["kind"] not in ("Deployment", "StatefulSet", "Job"):
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert ("ServiceAccount", pod["serviceAccountName"]) in known
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in known
        for container in pod["containers"]:
            for variable in container.get("env", ()):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert ("Secret", reference["name"]) in known


@law
@given(apps())
def test_pods_are_restricted(subject: ConsumerApp) -> None:
    for manifest in settled(subject).plan().objects:
        if manifest["kind"] not in ("Deployment", "StatefulSet", "Job"):
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        token = manifest["metadata"]["labels"][LABEL_COMPONENT] == COMPONENT_DATABASE and manifest["kind"] != "Job"
        assert pod["automountServiceAccountToken"] is token
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert "cpu" not in container["resources"].get("limits", {})


@law
@given(apps())
def test_no_secret_value_is_in_an_object(subject: ConsumerApp) -> None:
    wanted = World(subject).plan()
    for secret in wanted.secrets:
        assert not set(secret.manifest) & {"data", "stringData"}
        drawn = {name: f"drawn-{name}" for name in secret.passwords}
        assert all(any(value in text for text in secret.data(drawn).values()) for value in drawn.values())
    text = repr(wanted.objects)
    assert not re.search(r"postgresql://\w+:", text)
    for secret in wanted.secrets:
        for variable in re.findall(r"'name': '\w*PASSWORD', 'value'", text):
            pytest.fail(f"{variable} is given in plain words beside {secret.manifest['metadata']['name']}")


@law
@given(apps(), st.data())
def test_a_removed_service_leaves_nothing_but_kept_data(subject: ConsumerApp, data: st.DataObject) -> None:
    assume(len(subject.spec.services) > 1)
    gone = data.draw(st.sampled_from([service.name for service in subject.spec.services]))
    world = settled(subject)
    world.app = without_service(subject, gone)
    world.settle()
    left = [
        key
        for key, manifest in world.children.items()
        if manifest["metadata"].get("labels", {}).get("app.kubernetes.io/name") == gone and key.kind != "Pod"
    ]
    if subject.spec.deletion_policy is DeletionPolicy.RETAIN:
        assert {key.kind for key in left} <= set(DATA)
        had = any(service.name == gone and service.database for service in subject.spec.services)
        assert {key.kind for key in left} == (set(DATA) if had else set())
    else:
        assert left == []


@law
@given(apps(), st.data())
def test_data_is_never_pruned_under_retain_nor_pods_at_all(subject: ConsumerApp, data: st.DataObject) -> None:
    world = settled(subject)
    other = data.draw(apps())
    for key in plan(in_state(world, other)).prune:
        assert key.kind not in ("Pod", "ReplicaSet", "EndpointSlice")
        if other.spec.deletion_policy is DeletionPolicy.RETAIN:
            assert key.kind not in DATA


@law
@given(apps(), apps())
def test_nothing_is_pruned_before_everything_was_seen(subject: ConsumerApp, other: ConsumerApp) -> None:
    world = settled(subject)
    unsynced = in_state(world, other)
    object.__setattr__(unsynced, "synced", False)
    assert plan(unsynced).prune == ()
