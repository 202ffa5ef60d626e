"""Replays of the suites `replica_calculator` and `group_pods`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from consumerapp_operator.scale.calculator import NoReplicaCount, Sight, Tolerance
from consumerapp_operator.scale.metric import Metric, MetricKind, propose
from consumerapp_operator.scale.pods import Pod, PodMetric, Readiness, group_pods
from tests.conformance.difference import difference

KINDS = {
    "Resource": MetricKind.UTILIZATION,
    "RawResource": MetricKind.RESOURCE_AVERAGE,
    "Pods": MetricKind.PODS,
    "Object": MetricKind.VALUE,
    "External": MetricKind.VALUE,
    "ObjectPerPod": MetricKind.TOTAL,
    "ExternalPerPod": MetricKind.TOTAL,
}


def pod_of(data: Mapping[str, Any]) -> Pod:
    request = data.get("cpu_request_milli")
    requests = data.get("container_requests_milli")
    if requests is None and request is not None:
        requests = {"container1": request // 2, "container2": request // 2}
    return Pod(
        name=data["name"],
        phase=data["phase"],
        deleting=data["deleting"],
        ready=data["ready"],
        ready_since=data.get("ready_last_transition_s", 0.0),
        start_time=data["start_time_s"],
        requests_milli=requests or {},
    )


def metric_of(data: Mapping[str, Any], container: str) -> PodMetric | None:
    """None when the container that is asked for has no usage."""
    usage = data.get("container_usage_milli")
    if usage is None:
        value = data["value_milli"]
    elif container:
        value = usage.get(container)
    else:
        value = sum(usage.values()) if usage else None
    return None if value is None else PodMetric(value, data["timestamp_s"], data["window_s"])


def replica_calculator(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    container = given.get("container") or ""
    measured = {data["pod"]: metric_of(data, container) for data in given.get("pod_metrics") or ()}
    metric = Metric(
        kind=_kind(given),
        type_name=given["metric_kind"].removesuffix("PerPod"),
        target=next(
            given[name]
            for name in ("target_utilization_percent", "target_average_milli", "target_milli")
            if name in given
        ),
        resource=given.get("resource") or "",
        container=container,
        pods={name: value for name, value in measured.items() if value is not None},
        values_milli=tuple(given.get("values_milli") or ()),
    )
    readiness = Readiness(given["cpu_initialization_period_s"], given["initial_readiness_delay_s"])
    current = given["current_replicas"]
    sight = Sight(
        current, current, tuple(pod_of(pod) for pod in given["pods"]),
        Tolerance(given["tolerance_down"], given["tolerance_up"]), readiness, given["now_s"],
    )  # fmt: skip
    try:
        proposal = propose(metric, sight)
    except NoReplicaCount as error:
        wanted = expected.get("error_contains")
        if wanted is None:
            return [f"expected {expected}, got an error: {error}"]
        # what comes before the last colon is what the caller of the core wraps around
        contained = wanted.rsplit(": ", 1)[-1] in str(error)
        return [] if contained else [f"error: expected {wanted!r}, got {str(error)!r}"]
    if "error_contains" in expected:
        return [f"expected an error, got {proposal}"]
    differences = difference("replicas", expected["replicas"], proposal.replicas)
    for name, decided in (
        ("utilization_percent", proposal.utilization_percent),
        ("raw_average_milli", proposal.average_milli),
        ("usage_milli", proposal.average_milli),
    ):
        if name in expected:
            differences += difference(name, expected[name], decided)
    return differences


def _kind(given: Mapping[str, Any]) -> MetricKind:
    if given["metric_kind"] == "Resource" and "target_utilization_percent" not in given:
        return MetricKind.RESOURCE_AVERAGE
    return KINDS[given["metric_kind"]]


def pod_groups(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    metrics = {
        name: PodMetric(data["value"], data["timestamp_s"], data["window_s"]) for name, data in given["metrics"].items()
    }
    groups = group_pods(
        [pod_of(pod) for pod in given["pods"]], metrics, given["resource"],
        Readiness(given["cpu_initialization_period_s"], given["initial_readiness_delay_s"]), given["now_s"],
    )  # fmt: skip
    return [
        *difference("ready pods", expected["ready_pod_count"], groups.ready_count),
        *difference("unready", sorted(expected["unready"]), sorted(groups.unready)),
        *difference("missing", sorted(expected["missing"]), sorted(groups.missing)),
        *difference("ignored", sorted(expected["ignored"]), sorted(groups.ignored)),
    ]


REPLAYS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "replica_calculator": replica_calculator,
    "group_pods": pod_groups,
}
