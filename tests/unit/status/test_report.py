"""The rest of the status: counts, decisions, the URL; what is written, and what is worth an Event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from consumerapp_operator.api.status import ConsumerAppStatus
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.scale.model import Decision, Limit, WorkloadKey, WorkloadKind
from consumerapp_operator.status.notices import transitions
from consumerapp_operator.status.report import report, url
from consumerapp_operator.status.writer import write
from tests.unit.status.cluster import NOW, Cluster

ORDER = WorkloadKey(WorkloadKind.SERVICE, "order")


def decision(observed: str = "3", decided: int = 2, at: float = NOW) -> Decision:
    return Decision(ORDER, at, 2, decided, decided, "Concurrency", observed, "10", (Limit("Max", 9, "max"),), observed)


def stored(status: ConsumerAppStatus) -> dict[str, Any]:
    return status.model_dump(by_alias=True, mode="json", exclude_none=True)


def test_counts_and_reasons_are_in_the_specs_order() -> None:
    cluster = Cluster(decisions={ORDER: decision()})
    cluster.order(desired=3, ready=2)
    found = report(cluster.facts(), NOW)
    assert [(item.name, item.ready, item.desired) for item in found.services] == [("user", 2, 2), ("order", 2, 3)]
    assert found.services_ready == "1/2"
    last = found.services[1].last_decision
    assert last is not None
    assert (last.trigger, last.decided, last.limits[0].by) == ("Concurrency", 2, "Max")
    assert found.services[0].last_decision is None
    assert found.databases[0].model_dump(exclude_none=True) == {
        "name": "user",
        "primary": "shop-user-db-0",
        "members": 2,
        "ready": 2,
        "system_identifier": "7423",
    }


def test_the_system_identifier_outlives_the_config_map() -> None:
    cluster = Cluster()
    cluster.status = stored(report(cluster.facts(), NOW))
    cluster.remove("ConfigMap/shop-user-db-config")
    assert report(cluster.facts(), NOW).databases[0].system_identifier == "7423"


@pytest.mark.parametrize(
    ("host", "spec", "status", "expected"),
    [
        ("shop.example.com", {"type": "ClusterIP"}, {}, "http://shop.example.com"),
        (None, {"type": "ClusterIP"}, {}, "http://shop-gateway.default.svc"),
        (None, {"type": "NodePort", "ports": [{"nodePort": 30080}]}, {}, "http://<node>:30080"),
        (None, {"type": "LoadBalancer"}, {}, None),
        (None, {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "10.1.1.1"}]}}, "http://10.1.1.1"),
    ],
)
def test_url(host: str | None, spec: dict[str, Any], status: dict[str, Any], expected: str | None) -> None:
    cluster = Cluster()
    cluster.spec["host"] = host
    cluster.objects["Service/shop-gateway"].update(spec=spec, status=status)
    assert url(cluster.facts()) == expected


def test_after_a_restart_the_last_decision_stays_until_there_is_a_new_one() -> None:
    cluster = Cluster(decisions={ORDER: decision()})
    cluster.status = stored(report(cluster.facts(), NOW))
    cluster.decisions = {}
    assert stored(report(cluster.facts(), NOW + 60)) == cluster.status
    cluster.status["services"][1]["lastDecision"]["later"] = "field of a newer operator"
    assert report(cluster.facts(), NOW).services[1].last_decision is None


class Recorder:
    """Takes what would be sent."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []

    async def patch(self, key: ObjectKey, body: Mapping[str, Any], subresource: str = "") -> Manifest:
        assert (key.kind, subresource) == ("ConsumerApp", "status")
        self.sent.append(body)
        return body


async def test_a_status_that_says_nothing_new_is_not_written() -> None:
    cluster, client = Cluster(decisions={ORDER: decision()}), Recorder()
    cluster.status = stored(report(cluster.facts(), NOW))
    cluster.decisions = {ORDER: decision(observed="3.2", at=NOW + 5)}
    status = report(cluster.facts(), NOW + 5)
    assert await write(client, cluster.facts().body, status) is None
    assert client.sent == []


async def test_a_status_that_differs_is_written_and_what_is_gone_is_removed() -> None:
    cluster, client = Cluster(), Recorder()
    cluster.status = {**stored(report(cluster.facts(), NOW)), "former": 1}
    cluster.remove("Service/shop-gateway")
    cluster.order(desired=2, ready=1)
    await write(client, cluster.facts().body, report(cluster.facts(), NOW))
    assert client.sent[0]["status"]["former"] is None
    assert client.sent[0]["status"]["url"] is None
    assert client.sent[0]["status"]["servicesReady"] == "1/2"


def told(cluster: Cluster, now: float = NOW) -> list[tuple[str, bool]]:
    status = report(cluster.facts(), now)
    found = transitions(cluster.status, status)
    cluster.status = stored(status)
    return [(item.reason, item.warning) for item in found]


def test_transitions_are_told_once() -> None:
    cluster = Cluster()
    cluster.order(desired=2, ready=0)
    assert told(cluster) == []
    cluster.order(desired=2, ready=2)
    assert told(cluster) == [("Ready", False)]
    assert told(cluster) == []
    cluster.order(desired=2, ready=0)
    assert told(cluster) == [("NotReady", False), ("FewerReplicas", True)]
    cluster.order(desired=2, ready=2)
    assert told(cluster) == [("Ready", False)]


def test_a_refusal_and_its_end_are_told() -> None:
    cluster = Cluster()
    told(cluster)
    cluster.problems = ("spec.services[0]: no",)
    cluster.generation = 2
    assert told(cluster) == [("SpecRefused", True)]
    cluster.problems = ()
    cluster.generation = 3
    assert told(cluster) == [("SpecAccepted", False)]


def test_a_failed_migration_is_told_by_its_own_name() -> None:
    cluster = Cluster()
    told(cluster)
    cluster.migration("user-1", "2026-11-24T08:00:00Z", "Failed")
    assert ("MigrationFailed", True) in told(cluster)
    assert told(cluster) == []
