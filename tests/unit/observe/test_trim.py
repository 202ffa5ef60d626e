"""What is kept and what is not: a heartbeat must not survive, and neither may a password."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from consumerapp_operator.observe.trim import trim

Body = dict[str, Any]


def config_map() -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "shop-order-db-leader",
            "namespace": "default",
            "uid": "u1",
            "resourceVersion": "7",
            "managedFields": [{"manager": "patroni"}],
            "annotations": {
                "leader": "shop-order-db-0",
                "renewTime": "2026-11-24T08:00:00Z",
                "optime": "123",
                "transitions": "1",
                "ttl": "20",
                "acquireTime": "2026-11-24T07:00:00Z",
                "initialize": "7423",
            },
        },
    }


def pod() -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "shop-order-db-0",
            "namespace": "default",
            "uid": "u2",
            "resourceVersion": "9",
            "labels": {"consumerapp.io/role": "primary"},
            "annotations": {"status": '{"xlog_location": 1}', "consumerapp.io/configuration-hash": "abc"},
            "ownerReferences": [{"kind": "StatefulSet", "name": "shop-order-db", "uid": "u3"}],
        },
        "spec": {
            "nodeName": "node-1",
            "tolerations": [{"key": "x"}],
            "containers": [
                {
                    "name": "postgres",
                    "image": "postgres:17",
                    "env": [{"name": "A", "value": "b"}],
                    "readinessProbe": {"httpGet": {"path": "/readiness", "port": 8008, "scheme": "HTTP"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "startTime": "2026-11-24T08:00:00Z",
            "qosClass": "Burstable",
            "conditions": [
                {
                    "type": "Ready",
                    "status": "False",
                    "lastProbeTime": "2026-11-24T08:00:01Z",
                    "lastTransitionTime": "2026-11-24T08:00:00Z",
                }
            ],
            "containerStatuses": [
                {
                    "name": "postgres",
                    "ready": False,
                    "restartCount": 4,
                    "containerID": "containerd://1",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                    "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "containerID": "containerd://0"}},
                }
            ],
        },
    }


def beat_leader(body: Body) -> None:
    body["metadata"]["annotations"].update(renewTime="later", optime="456", transitions="2", acquireTime="later")
    body["metadata"]["resourceVersion"] = "8"


def beat_pod(body: Body) -> None:
    body["metadata"]["annotations"]["status"] = '{"xlog_location": 2}'
    body["metadata"]["resourceVersion"] = "10"
    body["status"]["conditions"][0]["lastProbeTime"] = "later"


def move_leader(body: Body) -> None:
    body["metadata"]["annotations"]["leader"] = "shop-order-db-1"


def crash_again(body: Body) -> None:
    body["status"]["containerStatuses"][0]["restartCount"] = 5


def move_role(body: Body) -> None:
    body["metadata"]["labels"]["consumerapp.io/role"] = "replica"


@pytest.mark.parametrize(("make", "beat"), [(config_map, beat_leader), (pod, beat_pod)])
def test_a_heartbeat_changes_nothing(make: Callable[[], Body], beat: Callable[[Body], None]) -> None:
    before, after = make(), make()
    beat(after)
    assert before != after
    assert trim(before) == trim(after)


@pytest.mark.parametrize(("make", "change"), [(config_map, move_leader), (pod, crash_again), (pod, move_role)])
def test_what_matters_changes_it(make: Callable[[], Body], change: Callable[[Body], None]) -> None:
    before, after = make(), make()
    change(after)
    assert trim(before) != trim(after)


def test_of_a_leader_config_map_who_leads_and_which_data_it_is_stay() -> None:
    assert trim(config_map())["metadata"]["annotations"] == {"leader": "shop-order-db-0", "initialize": "7423"}


def test_of_a_pod_the_reason_it_does_not_run_stays() -> None:
    kept = trim(pod())
    assert kept["metadata"]["annotations"] == {"consumerapp.io/configuration-hash": "abc"}
    assert kept["spec"]["containers"] == [
        {
            "name": "postgres",
            "image": "postgres:17",
            "readinessProbe": {"httpGet": {"path": "/readiness", "port": 8008}},
        }
    ]
    status = kept["status"]["containerStatuses"][0]
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert status["lastState"] == {"terminated": {"reason": "Error", "exitCode": 2}}
    assert kept["spec"]["nodeName"] == "node-1"


def test_no_value_of_a_secret_is_kept() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "namespace": "n",
            "uid": "u",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"c2VjcmV0"}}',
                "consumerapp.io/system-identifier": "7423",
            },
        },
        "type": "Opaque",
        "data": {"password": "c2VjcmV0"},
    }
    kept = trim(secret)
    assert "c2VjcmV0" not in repr(kept)
    assert kept["data"] == {"password": ""}
    assert kept["metadata"]["annotations"] == {"consumerapp.io/system-identifier": "7423"}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_of_a_workload_spec_and_counts_stay(kind: str) -> None:
    body: Body = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "x", "namespace": "n", "uid": "u", "generation": 3},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a"}]}}},
        "status": {
            "observedGeneration": 3,
            "replicas": 2,
            "readyReplicas": 1,
            "conditions": [{"type": "Available", "status": "True", "lastUpdateTime": "t"}],
        },
    }
    kept = trim(body)
    assert kept["spec"] == body["spec"]
    assert kept["metadata"]["generation"] == 3
    assert kept["status"] == {
        "observedGeneration": 3,
        "replicas": 2,
        "readyReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}],
    }


def test_a_disruption_budgets_counters_go() -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "x", "namespace": "n", "uid": "u"},
        "spec": {"maxUnavailable": 1},
        "status": {"disruptionsAllowed": 1},
    }
    assert "status" not in trim(budget)
    assert trim(budget)["spec"] == {"maxUnavailable": 1}


def test_the_object_itself_is_left_alone() -> None:
    body = pod()
    before = copy.deepcopy(body)
    trim(body)
    assert body == before
