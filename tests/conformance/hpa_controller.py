"""Replay of the suite `horizontal_controller`: one whole pass of the autoscaler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from consumerapp_operator.scale.behavior import DEFAULT_DOWN, DEFAULT_UP, Speed
from consumerapp_operator.scale.hpa import Hpa, HpaHistory, reconcile
from consumerapp_operator.scale.metric import Metric, MetricKind
from consumerapp_operator.scale.pods import PodMetric, Readiness
from tests.conformance.difference import difference
from tests.conformance.hpa_calculator import pod_of
from tests.conformance.hpa_limits import log_of, milli, rules_of

GATE = "HPAScaleToZero=true"  # this feature is off by default; a case that turns it on says so in its name
METRIC_WINDOW_SECONDS = 60
CONTAINER_MEMORY_BYTES = 512 * 1024


def controller(case: Mapping[str, Any]) -> list[str]:
    given, expected = case["input"], case["expected"]
    hpa = Hpa(
        minimum=1 if given["min_replicas"] is None else given["min_replicas"],
        maximum=given["max_replicas"],
        metrics=_metrics(given),
        speed=_speed(given),
        tolerance=given["tolerance"],
        readiness=Readiness(given["cpu_initialization_period_s"], given["initial_readiness_delay_s"]),
        down_window_seconds=given["downscale_stabilization_s"],
        up_factor=given["scale_up_limit_factor"],
        up_at_least=given["scale_up_limit_minimum"],
        scale_to_zero=GATE in case["name"],
    )
    history = HpaHistory(log=log_of(given["recommendations"], given["now_s"]), scaled_to_zero=_scaled_to_zero(given))
    pods = tuple(pod_of(pod) for pod in given["pods"])
    outcome, _ = reconcile(hpa, given["spec_replicas"], given["status_replicas"], pods, history, given["now_s"])
    utilization = next(
        (result.utilization_percent for result in outcome.metrics if result.utilization_percent is not None),
        None,
    )
    return [
        *difference("replicas", expected["desired_replicas"], outcome.replicas),
        *difference("action", expected["action"], outcome.action.value),
        *difference("error", expected["error"], "internal" if outcome.failed else "none"),
        *difference(
            "conditions",
            {item["type"]: (item["status"], item["reason"]) for item in expected["conditions"]},
            outcome.conditions,
        ),
        *difference("metric actions", expected["metric_actions"], {m.kind: m.action.value for m in outcome.metrics}),
        *difference("metric errors", expected["metric_errors"], {m.kind: m.error for m in outcome.metrics}),
        # 0 where the original did not look at it
        *(
            difference("utilization", expected["cpu_utilization_percent"], utilization)
            if expected.get("cpu_utilization_percent")
            else []
        ),
    ]


def _metrics(given: Mapping[str, Any]) -> tuple[Metric, ...]:
    metrics = []
    if given["cpu_target_utilization_percent"]:
        target = {"averageUtilization": given["cpu_target_utilization_percent"]}
        metrics.append(_resource("Resource", {"name": "cpu", "target": target}, given))
    for spec in given["metrics"] or ():
        name = spec["type"]
        source = spec.get(name[0].lower() + name[1:]) or {}
        if name in ("Resource", "ContainerResource"):
            metrics.append(_resource(name, source, given))
        elif name == "Pods":
            levels = {
                f"test-pod-{index}": PodMetric(level, given["now_s"], METRIC_WINDOW_SECONDS)
                for index, level in enumerate(given["reported_levels_milli"])
            }
            metrics.append(Metric(MetricKind.PODS, name, milli(source["target"]["averageValue"]), pods=levels))
        elif name in ("Object", "External"):
            metrics.append(_of_another_object(name, source["target"], given))
        else:
            metrics.append(Metric(MetricKind.UNKNOWN, name))
    return tuple(metrics) or (Metric(MetricKind.UNTARGETED, "Resource"),)


def _resource(name: str, source: Mapping[str, Any], given: Mapping[str, Any]) -> Metric:
    """Each pod has two containers with half of the usage each; of memory always the same."""
    container = source.get("container", "")
    levels = {}
    for index, level in enumerate(given["reported_levels_milli"]):
        half = level // 2 if source["name"] == "cpu" else CONTAINER_MEMORY_BYTES * 1000
        value = half if container else half * 2
        levels[f"test-pod-{index}"] = PodMetric(value, given["now_s"], METRIC_WINDOW_SECONDS)
    target = source["target"]
    if target.get("averageValue") is not None:
        kind, value = MetricKind.RESOURCE_AVERAGE, milli(target["averageValue"])
    elif target.get("averageUtilization") is not None:
        kind, value = MetricKind.UTILIZATION, target["averageUtilization"]
    else:
        kind, value = MetricKind.UNTARGETED, 0
    return Metric(kind, name, value, source["name"], container, pods=levels)


def _of_another_object(name: str, target: Mapping[str, Any], given: Mapping[str, Any]) -> Metric:
    levels = tuple(given["reported_levels_milli"])
    values = levels if name == "External" else levels[:1]
    if target.get("averageValue") is not None:
        return Metric(MetricKind.TOTAL, name, milli(target["averageValue"]), values_milli=values)
    if target.get("value") is not None:
        return Metric(MetricKind.VALUE, name, milli(target["value"]), values_milli=values)
    return Metric(MetricKind.UNTARGETED, name)


def _speed(given: Mapping[str, Any]) -> Speed | None:
    if given["scale_up_rules"] is None and given["scale_down_rules"] is None:
        return None
    return Speed(
        rules_of(given["scale_up_rules"], DEFAULT_UP),
        rules_of(given["scale_down_rules"], DEFAULT_DOWN, given["downscale_stabilization_s"]),
    )


def _scaled_to_zero(given: Mapping[str, Any]) -> bool | None:
    for condition in given["initial_conditions"] or ():
        if condition["type"] == "ScaledToZero":
            return bool(condition["status"] == "True")
    return None


REPLAYS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {"horizontal_controller": controller}
