"""The metric sources of a HorizontalPodAutoscaler, and the count each of them asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consumerapp_operator.scale.calculator import (
    NoReplicaCount,
    Proposal,
    Sight,
    average_replicas,
    total_replicas,
    utilization_replicas,
    value_replicas,
)
from consumerapp_operator.scale.pods import PodMetric


class MetricKind(StrEnum):
    """Source and target of a metric; the names of sources are the API's."""

    UTILIZATION = "Utilization"  # a resource, in percent of the request
    RESOURCE_AVERAGE = "ResourceAverage"  # a resource, per pod
    PODS = "Pods"  # a custom metric of each pod
    VALUE = "Value"  # one value of another object, for the whole
    TOTAL = "Total"  # one value of another object, divided among the pods
    UNTARGETED = "Untargeted"  # a source without a target
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Metric:
    """A metric with what was measured. Empty `values_milli` or `pods`: nothing was returned.

    type_name: the source as the API names it (Resource, ContainerResource, Pods, Object, External).
    """

    kind: MetricKind
    type_name: str
    target: int = 0
    resource: str = ""
    container: str = ""
    pods: Mapping[str, PodMetric] = field(default_factory=dict)
    values_milli: tuple[int, ...] = ()

    @property
    def of_another_object(self) -> bool:
        return self.type_name in ("Object", "External")

    @property
    def failure_reason(self) -> str:
        """Reason of the ScalingActive condition when this metric gives no count."""
        if self.kind is MetricKind.UNKNOWN:
            return "InvalidMetricSourceType"
        source = "Resource" if self.type_name == "ContainerResource" else self.type_name
        return f"FailedGet{source}Metric"


def propose(metric: Metric, sight: Sight) -> Proposal:
    """Raises NoReplicaCount when the metric cannot say."""
    match metric.kind:
        case MetricKind.UTILIZATION:
            _require(metric.pods, metric)
            return utilization_replicas(sight, metric.target, metric.pods, metric.resource, metric.container)
        case MetricKind.RESOURCE_AVERAGE | MetricKind.PODS:
            _require(metric.pods, metric)
            return average_replicas(sight, metric.target, metric.pods, metric.resource)
        case MetricKind.VALUE:
            _require(metric.values_milli, metric)
            return value_replicas(sight, metric.target, metric.values_milli)
        case MetricKind.TOTAL:
            _require(metric.values_milli, metric)
            return total_replicas(sight.status_replicas, metric.target, metric.values_milli, tolerance=sight.tolerance)
        case MetricKind.UNTARGETED:
            raise NoReplicaCount(f"invalid {metric.type_name} metric source: no target was set")
        case MetricKind.UNKNOWN:
            raise NoReplicaCount(f"unknown metric source type {metric.type_name}")


def _require(measured: object, metric: Metric) -> None:
    if not measured:
        source = {"Pods": "custom", "Object": "custom", "External": "external"}.get(metric.type_name, "resource")
        raise NoReplicaCount(f"no metrics returned from {source} metrics API")
