"""Conditions: True serves, False needs someone, Unknown is on its way until a deadline makes it False."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.status import Condition, ConditionType
from consumerapp_operator.plan.model import Failure, ObjectKey
from consumerapp_operator.scale.model import Decision, Limit, WorkloadKey, WorkloadKind
from consumerapp_operator.status.conditions import (
    METRICS_DEADLINE_SECONDS,
    PROGRESS_DEADLINE_SECONDS,
    conditions,
    recheck_after,
    rfc3339,
)
from consumerapp_operator.status.report import report
from tests.unit.status.cluster import NOW, Cluster, condition, workload

ORDER = WorkloadKey(WorkloadKind.SERVICE, "order")
MAP = ObjectKey("v1", "ConfigMap", "default", "shop-gateway")


def of(cluster: Cluster, now: float = NOW, *, readable: bool = True) -> dict[str, Condition]:
    return {str(item.type): item for item in conditions(cluster.facts(readable=readable), now)}


def summary(found: dict[str, Condition]) -> dict[str, str]:
    return {kind: f"{item.status} {item.reason}" for kind, item in found.items()}


def settle(cluster: Cluster, now: float = NOW) -> None:
    """Store the conditions as they are, as the operator does after each reconcile."""
    status = report(cluster.facts(), now)
    cluster.status = status.model_dump(by_alias=True, mode="json", exclude_none=True)


def decision(trigger: str = "Concurrency", wanted: int = 2, decided: int = 2, *limits: Limit) -> Decision:
    return Decision(ORDER, NOW, 2, wanted, decided, trigger, "3", "10", tuple(limits), "because")


def test_an_app_that_runs_is_ready() -> None:
    cluster = Cluster(decisions={ORDER: decision()})
    assert summary(of(cluster)) == {
        "Ready": "True Serving",
        "SpecValid": "True Valid",
        "DataReady": "True Serving",
        "ServicesReady": "True Serving",
        "GatewayReady": "True Serving",
        "MetricsAvailable": "True Measured",
        "CapacityLimited": "False Unlimited",
        "Progressing": "False Settled",
        "Degraded": "False AsWanted",
    }


def test_an_app_that_is_new_is_on_its_way() -> None:
    cluster = Cluster()
    cluster.remove("Deployment/shop-order", "Deployment/shop-gateway")
    found = of(cluster)
    assert found["Ready"].status == "Unknown"
    assert found["ServicesReady"].message == "service order is not created yet"
    assert found["GatewayReady"].reason == "Creating"
    assert found["Progressing"].status == "True"


def test_before_it_was_ready_it_needs_all_replicas_the_spec_asks_for() -> None:
    cluster = Cluster(minimum=2)
    cluster.order(desired=1, ready=1)
    found = of(cluster)
    assert summary(found)["ServicesReady"] == "Unknown Starting"
    assert "service order: 1 of 2 replicas ready" in found["ServicesReady"].message


def test_once_ready_it_serves_with_one_replica_and_says_that_it_is_degraded() -> None:
    cluster = Cluster(minimum=2)
    settle(cluster)
    cluster.order(desired=2, ready=1)
    found = of(cluster)
    assert found["Ready"].status == "True"
    assert summary(found)["Degraded"] == "True FewerReplicas"
    assert found["Degraded"].message == "service order: 1 of 2 replicas ready"
    cluster.order(desired=2, ready=0)
    assert of(cluster)["Ready"].status == "Unknown"


def test_scaling_up_is_not_the_end_of_being_ready() -> None:
    cluster = Cluster(minimum=2)
    settle(cluster)
    cluster.order(desired=6, ready=2, updatedReplicas=3)
    found = of(cluster)
    assert found["Ready"].status == "True"
    assert summary(found)["Progressing"] == "True Moving"
    assert summary(found)["Degraded"] == "False AsWanted"


def test_a_new_image_that_cannot_be_pulled_is_not_ready_though_the_old_one_serves() -> None:
    cluster = Cluster()
    settle(cluster)
    cluster.generation = 2
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image order:9"}
    pod = cluster.order_pod(containerStatuses=[{"name": "order", "restartCount": 0, "state": {"waiting": waiting}}])
    cluster.order(desired=2, ready=2, pods=[pod], updatedReplicas=1, replicas=3)
    found = of(cluster)
    assert summary(found)["Ready"] == "False ImagePullBackOff"
    assert "Back-off pulling image order:9" in found["Ready"].message
    assert summary(found)["Degraded"] == "True ImagePullBackOff"


def test_a_rollout_is_on_its_way_until_the_last_old_pod_is_gone() -> None:
    cluster = Cluster()
    settle(cluster)
    cluster.generation = 2
    cluster.order(desired=2, ready=2, updatedReplicas=2, replicas=3)
    assert summary(of(cluster))["ServicesReady"] == "Unknown RollingOut"
    cluster.order(desired=2, ready=2)
    assert summary(of(cluster))["ServicesReady"] == "True Serving"


def test_what_the_controller_has_not_looked_at_yet_is_not_ready() -> None:
    cluster = Cluster()
    cluster.order(desired=2, ready=2, observedGeneration=0)
    assert summary(of(cluster))["ServicesReady"] == "Unknown RollingOut"


def test_a_database_without_a_primary_is_being_failed_over() -> None:
    cluster = Cluster()
    settle(cluster)
    cluster.remove("Pod/shop-user-db-0")
    found = of(cluster)
    assert summary(found)["Ready"] == "Unknown NoPrimary"
    assert "database of user has no primary" in found["Ready"].message


@pytest.mark.parametrize(("newer", "expected"), [("Failed", "False MigrationFailed"), ("Complete", "True Serving")])
def test_only_the_newest_migration_counts(newer: str, expected: str) -> None:
    cluster = Cluster()
    cluster.migration("user-1", "2026-11-24T08:00:00Z", "Failed" if newer == "Complete" else "Complete")
    cluster.migration("user-2", "2026-11-24T09:00:00Z", newer)
    found = of(cluster)
    assert summary(found)["ServicesReady"] == expected
    if newer == "Failed":
        assert "kubectl -n default logs job/user-2" in found["Ready"].message


def test_a_refused_spec_leaves_the_rest_to_what_runs() -> None:
    cluster = Cluster()
    settle(cluster)
    cluster.generation = 2
    cluster.spec["services"].append({"name": "cart", "image": "cart:1", "calls": ["nobody"]})
    cluster.problems = ("spec.services[2].calls[0]: no service is named nobody; remove it",)
    found = of(cluster)
    assert summary(found)["SpecValid"] == "False InvalidSpec"
    assert "spec.services[2].calls[0]: no service is named nobody; remove it" in found["SpecValid"].message
    assert found["Ready"].status == "True"
    assert "see SpecValid" in found["Ready"].message
    assert found["Ready"].observed_generation == 2


def test_a_spec_that_cannot_even_be_read_leaves_the_rest_to_what_runs() -> None:
    cluster = Cluster(problems=("spec.port: not a number",))
    settled = Cluster()
    settle(settled)
    cluster.status = settled.status
    assert of(cluster, readable=False)["Ready"].status == "True"
    assert report(cluster.facts(readable=False), NOW).services_ready == "2/2"


def test_a_refused_spec_of_which_nothing_runs_is_not_ready() -> None:
    cluster = Cluster(problems=("spec.services[0].calls[0]: no service is named nobody; remove it",))
    cluster.objects.clear()
    found = summary(of(cluster))
    assert found["Ready"] == "False InvalidSpec"
    assert found["GatewayReady"] == "False NothingRuns"
    assert found["Progressing"] == "False Settled", "nothing is under way"


def test_what_the_api_server_refuses_needs_someone() -> None:
    cluster = Cluster(failures=(Failure(MAP, 422, "data", "too long"),))
    found = of(cluster)
    assert summary(found)["Ready"] == "False ApplyFailed"
    assert found["Ready"].message == "ConfigMap shop-gateway at data: too long"
    assert summary(found)["Degraded"] == "True ApplyFailed"


@pytest.mark.parametrize("status", [0, 409, 429, 500, 503])
def test_what_may_pass_by_itself_is_on_its_way(status: int) -> None:
    cluster = Cluster(failures=(Failure(MAP, status, "", "try again"),))
    found = of(cluster)
    assert found["Ready"].status == "Unknown"
    assert summary(found)["Progressing"] == "True Retrying"
    assert summary(found)["Degraded"] == "False AsWanted"


def test_a_failure_does_not_end_what_serves_with_this_spec() -> None:
    cluster = Cluster()
    settle(cluster)
    cluster.failures = (Failure(MAP, 403, "", "forbidden"),)
    found = of(cluster)
    assert found["Ready"].status == "True"
    assert summary(found)["Degraded"] == "True ApplyFailed"


def test_what_the_plan_waits_for_is_said() -> None:
    cluster = Cluster(waiting=("the gateway's pods have not loaded their routes",))
    found = of(cluster)
    assert summary(found)["Ready"] == "Unknown Waiting"
    assert "have not loaded" in found["Progressing"].message


def test_what_the_plan_holds_back_until_somebody_acts_is_an_alarm() -> None:
    line = "CredentialsMissing: Secret shop-user-db is gone; restore it"
    cluster = Cluster(waiting=(line,))
    found = of(cluster)
    assert summary(found)["DataReady"] == "False CredentialsMissing"
    assert summary(found)["Degraded"] == "True CredentialsMissing"
    assert found["Degraded"].message == "Secret shop-user-db is gone; restore it"
    cluster.waiting = ()
    settle(cluster)
    cluster.waiting = (line,)
    found = of(cluster)
    assert found["Ready"].status == "True", "what runs goes on"
    assert summary(found)["Degraded"] == "True CredentialsMissing"


def test_a_deleted_app_is_not_ready_at_once() -> None:
    cluster = Cluster(metadata={"deletionTimestamp": "2026-11-24T08:00:00Z"})
    assert summary(of(cluster)) == {"Ready": "False Deleting", "Progressing": "True Deleting"}


def test_no_data_is_not_zero_and_becomes_a_fault_in_time() -> None:
    cluster = Cluster(decisions={ORDER: decision("NoData")})
    found = of(cluster)
    assert summary(found)["MetricsAvailable"] == "Unknown NoData"
    assert "no fresh metrics of order: their counts are held" in found["MetricsAvailable"].message
    assert found["Ready"].status == "True"
    settle(cluster)
    assert summary(of(cluster, NOW + METRICS_DEADLINE_SECONDS))["MetricsAvailable"] == "False DeadlineExceeded"


@pytest.mark.parametrize(
    ("given", "limited"),
    [
        (decision("Concurrency", 9, 4, Limit("DatabaseConnections", 4, "the database has 40 left")), True),
        (decision("Concurrency", 9, 4, Limit("Rate", 4, "at most 4 in 15 s")), False),
        (decision("Concurrency", 1, 2, Limit("Min", 2, "min is 2")), False),
        (decision("Concurrency", 9, 9), False),
    ],
)
def test_a_limit_that_keeps_capacity_away_is_named(given: Decision, limited: bool) -> None:
    found = of(Cluster(decisions={ORDER: given}))["CapacityLimited"]
    assert (found.status == "True") is limited
    if limited:
        assert found.message == "order wants 9 and gets 4: the database has 40 left"


class TestDeadline:
    @pytest.fixture
    def cluster(self) -> Cluster:
        cluster = Cluster()
        cluster.order(desired=2, ready=0)
        settle(cluster)
        return cluster

    def test_before_it_the_time_of_the_transition_stays(self, cluster: Cluster) -> None:
        found = of(cluster, NOW + PROGRESS_DEADLINE_SECONDS - 1)["Ready"]
        assert found.status == "Unknown"
        assert found.last_transition_time == rfc3339(NOW)

    def test_after_it_someone_is_needed(self, cluster: Cluster) -> None:
        found = of(cluster, NOW + PROGRESS_DEADLINE_SECONDS)["Ready"]
        assert (found.status, found.reason) == ("False", "DeadlineExceeded")
        assert found.last_transition_time == rfc3339(NOW + PROGRESS_DEADLINE_SECONDS)

    def test_it_does_not_swing_back_to_unknown(self, cluster: Cluster) -> None:
        settle(cluster, NOW + PROGRESS_DEADLINE_SECONDS)
        found = of(cluster, NOW + PROGRESS_DEADLINE_SECONDS + 1)["ServicesReady"]
        assert (found.status, found.reason) == ("False", "DeadlineExceeded")

    def test_it_ends_when_it_gets_there(self, cluster: Cluster) -> None:
        settle(cluster, NOW + PROGRESS_DEADLINE_SECONDS)
        cluster.order(desired=2, ready=2)
        assert of(cluster, NOW + 2 * PROGRESS_DEADLINE_SECONDS)["Ready"].status == "True"

    def test_a_new_spec_starts_it_anew(self, cluster: Cluster) -> None:
        cluster.generation = 2
        later = NOW + PROGRESS_DEADLINE_SECONDS
        found = of(cluster, later)["Ready"]
        assert found.status == "Unknown"
        assert found.last_transition_time == rfc3339(later)

    def test_the_reconciler_is_told_when_to_look_again(self, cluster: Cluster) -> None:
        metrics = METRICS_DEADLINE_SECONDS - 30
        found = conditions(cluster.facts(), NOW + 30)
        assert recheck_after(found, NOW + 30) == metrics
        waiting = [item for item in found if item.type is not ConditionType.METRICS_AVAILABLE]
        assert recheck_after(waiting, NOW + 30) == PROGRESS_DEADLINE_SECONDS - 30
        done = [item for item in waiting if item.status != "Unknown"]
        assert recheck_after(done, NOW) is None


def test_every_condition_bears_the_generation_and_the_order_is_fixed() -> None:
    found = conditions(Cluster(generation=7).facts(), NOW)
    assert [item.type for item in found] == list(ConditionType)
    assert {item.observed_generation for item in found} == {7}


def test_conditions_of_a_later_operator_are_no_hindrance() -> None:
    stored: dict[str, Any] = {"conditions": [condition("Levitating", "True", lastTransitionTime=rfc3339(NOW))]}
    assert of(Cluster(status=stored))["Ready"].status == "True"


def test_the_gateway_counts_too() -> None:
    cluster = Cluster()
    cluster.put(workload("Deployment", "shop-gateway", "gateway", "gateway", 2, 0))
    assert summary(of(cluster))["GatewayReady"] == "Unknown Starting"
