"""When an object is written, and above all when it is not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumerapp_operator.api.names import ANNOTATION_APPLIED
from consumerapp_operator.apply.difference import Cause, digest, drift, needs_write, stamped

Body = dict[str, Any]


def deployment() -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "shop-order",
            "namespace": "default",
            "labels": {"app": "order"},
            "ownerReferences": [{"kind": "ConsumerApp", "name": "shop", "uid": "1", "controller": True}],
        },
        "spec": {
            "selector": {"matchLabels": {"app": "order"}},
            "template": {
                "metadata": {"labels": {"app": "order"}},
                "spec": {
                    "containers": [
                        {
                            "name": "order",
                            "image": "order:1",
                            "command": ["serve"],
                            "env": [{"name": "PORT", "value": "8080"}, {"name": "EMPTY", "value": ""}],
                            "ports": [{"containerPort": 8080, "name": "http"}],
                            "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}},
                            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                            "securityContext": {"readOnlyRootFilesystem": True},
                        }
                    ],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
                },
            },
        },
    }


def live_deployment() -> Body:
    """As the API server gives it back: defaults filled in, quantities in their canonical form, empty values gone."""
    live: Body = copy.deepcopy(dict(stamped(deployment())))
    live["metadata"].update(uid="d", generation=1, creationTimestamp="2026-11-24T08:00:00Z")
    live["spec"].update(replicas=3, progressDeadlineSeconds=600, strategy={"type": "RollingUpdate"})
    pod = live["spec"]["template"]["spec"]
    pod.update(restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
    container = pod["containers"][0]
    container.update(imagePullPolicy="IfNotPresent", terminationMessagePath="/dev/termination-log")
    container["env"] = [{"name": "PORT", "value": "8080"}, {"name": "EMPTY"}]
    container["ports"][0]["protocol"] = "TCP"
    container["resources"] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
    live["status"] = {"readyReplicas": 3}
    return live


def container_of(body: Body) -> Body:
    found: Body = body["spec"]["template"]["spec"]["containers"][0]
    return found


def test_what_the_api_server_filled_in_is_no_difference() -> None:
    assert needs_write(deployment(), live_deployment()) is None


def test_what_is_missing_is_written() -> None:
    found = needs_write(deployment(), None)
    assert found is not None
    assert found.cause is Cause.MISSING


def test_a_new_plan_is_written_even_if_it_only_takes_something_away() -> None:
    desired = deployment()
    del container_of(desired)["command"]
    found = needs_write(desired, live_deployment())
    assert found is not None
    assert found.cause is Cause.PLAN


def test_an_object_that_was_never_applied_is_taken_over() -> None:
    live = live_deployment()
    del live["metadata"]["annotations"]
    found = needs_write(deployment(), live)
    assert found is not None
    assert found.cause is Cause.PLAN


def change_image(body: Body) -> None:
    container_of(body)["image"] = "order:2"


def change_variable(body: Body) -> None:
    container_of(body)["env"][0]["value"] = "9090"


def remove_variable(body: Body) -> None:
    del container_of(body)["env"][0]


def remove_label(body: Body) -> None:
    body["metadata"]["labels"] = {}


def remove_owner(body: Body) -> None:
    body["metadata"]["ownerReferences"] = []


def remove_owners_wholly(body: Body) -> None:
    del body["metadata"]["ownerReferences"]


def change_memory(body: Body) -> None:
    container_of(body)["resources"]["requests"]["memory"] = "2Gi"


def add_argument(body: Body) -> None:
    container_of(body)["command"].append("--debug")


def unlock_root(body: Body) -> None:
    container_of(body)["securityContext"]["readOnlyRootFilesystem"] = False


def change_port(body: Body) -> None:
    container_of(body)["ports"][0]["containerPort"] = 9090


def remove_container(body: Body) -> None:
    body["spec"]["template"]["spec"]["containers"] = [{"name": "other", "image": "x"}]


def change_size(body: Body) -> None:
    body["spec"]["template"]["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "2Gi"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (change_image, "spec.template.spec.containers[order].image is 'order:2', should be 'order:1'"),
        (change_variable, "spec.template.spec.containers[order].env[PORT].value is '9090', should be '8080'"),
        (remove_variable, "spec.template.spec.containers[order].env[PORT] is missing"),
        (remove_label, "metadata.labels.app is absent, should be 'order'"),
        (remove_owner, "metadata.ownerReferences[1] is missing"),
        (remove_owners_wholly, "metadata.ownerReferences is absent, should be"),
        (change_memory, "spec.template.spec.containers[order].resources.requests.memory is '2Gi'"),
        (add_argument, "spec.template.spec.containers[order].command has 2 items, should have 1"),
        (unlock_root, "containers[order].securityContext.readOnlyRootFilesystem is false, should be true"),
        (change_port, "spec.template.spec.containers[order].ports[8080] is missing"),
        (remove_container, "spec.template.spec.containers[order] is missing"),
        (change_size, "spec.template.spec.volumes[tmp].emptyDir.sizeLimit is '2Gi', should be '1Gi'"),
    ],
)
def test_what_somebody_changed_of_ours_is_drift(change: Any, path: str) -> None:
    live = live_deployment()
    change(live)
    found = needs_write(deployment(), live)
    assert found is not None
    assert found.cause is Cause.DRIFT
    assert path in found.detail


def scale(body: Body) -> None:
    body["spec"]["replicas"] = 17


def add_sidecar(body: Body) -> None:
    body["spec"]["template"]["spec"]["containers"].insert(0, {"name": "mesh", "image": "mesh"})


def add_foreign_variable(body: Body) -> None:
    container_of(body)["env"].insert(0, {"name": "TRACE", "value": "1"})


def add_annotation(body: Body) -> None:
    body["metadata"]["annotations"]["somebody"] = "else"


def reorder(body: Body) -> None:
    container_of(body)["env"].reverse()


@pytest.mark.parametrize("change", [scale, add_sidecar, add_foreign_variable, add_annotation, reorder])
def test_what_belongs_to_others_is_left_alone(change: Any) -> None:
    live = live_deployment()
    change(live)
    assert needs_write(deployment(), live) is None


def test_one_more_label_in_a_selector_is_drift() -> None:
    """It belongs to nobody else: with it the Service would lose its pods."""
    desired: Body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"selector": {"app": "order"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    live: Body = copy.deepcopy(dict(stamped(desired)))
    live["spec"].update(clusterIP="10.0.0.1", type="ClusterIP")
    live["spec"]["ports"][0]["protocol"] = "TCP"
    assert needs_write(desired, live) is None
    live["spec"]["selector"]["nobody"] = "here"
    found = needs_write(desired, live)
    assert found is not None
    assert found.detail == "spec.selector.nobody should not be there"


def policy(**spec: Any) -> Body:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"podSelector": {"matchLabels": {"app": "order"}}, **spec},
    }


ALLOWED: Body = {
    "from": [{"podSelector": {"matchLabels": {"app": "gateway"}}}],
    "ports": [{"port": 8080, "protocol": "TCP"}],
}


@pytest.mark.parametrize(
    ("wanted", "ingress", "same"),
    [
        ([ALLOWED], [ALLOWED], True),
        ([ALLOWED], [ALLOWED, {}], False),
        ([ALLOWED], [{**ALLOWED, "from": [*ALLOWED["from"], {"podSelector": {}}]}], False),
        ([ALLOWED], [{"ports": ALLOWED["ports"]}], False),
        ([ALLOWED], None, False),
        ([], None, True),
        ([], [{}], False),
    ],
)
def test_a_hole_in_a_network_policy_is_drift(wanted: list[Body], ingress: list[Body] | None, same: bool) -> None:
    live = copy.deepcopy(policy(**({} if ingress is None else {"ingress": ingress})))
    assert (drift(policy(ingress=wanted), live) == ()) is same


def test_a_job_that_is_there_is_never_written_again() -> None:
    job: Body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"}, "spec": {"a": 1}}
    assert needs_write({**job, "spec": {"a": 2}}, job) is None


def test_a_secrets_values_are_not_compared_since_they_are_not_kept() -> None:
    secret: Body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "n", "labels": {"a": "b"}},
        "stringData": {"password": "x"},
    }
    live: Body = {**stamped(secret), "data": {"password": ""}}
    del live["stringData"]
    assert needs_write(secret, live) is None
    live["metadata"] = {**live["metadata"], "labels": {}}
    assert needs_write(secret, live) is not None


def test_the_stamp_is_the_hash_of_what_was_wanted() -> None:
    desired = deployment()
    sent = stamped(desired)
    assert sent["metadata"]["annotations"] == {ANNOTATION_APPLIED: digest(desired)}
    assert "annotations" not in desired["metadata"]


scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("abc", max_size=3))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(("a", "b", "selector", "limits")), inner, max_size=3),
    ),
    max_leaves=12,
)
specs = st.dictionaries(st.sampled_from(("a", "b", "args", "selector")), values, max_size=4)


def config(spec: Any) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "spec": spec}


@given(specs)
def test_what_was_just_applied_needs_no_write(spec: Any) -> None:
    assert needs_write(config(spec), stamped(config(spec))) is None


@given(specs)
def test_the_order_of_keys_does_not_matter(spec: Any) -> None:
    turned = {key: spec[key] for key in reversed(list(spec))}
    assert digest(config(spec)) == digest(config(turned))


@given(specs, st.dictionaries(st.sampled_from(("x", "y")), scalars))
def test_fields_of_others_are_never_drift(spec: Any, others: Any) -> None:
    assert drift(config(spec), config({**spec, **others})) == ()


@given(specs, st.sampled_from(("a", "b", "args")), st.integers(100, 200))
def test_a_changed_scalar_is_always_found(spec: Any, name: str, value: int) -> None:
    assert drift(config({**spec, name: value}), config({**spec, name: value + 1})) != ()
