"""What the operator reports about an app: one decision per count, and no history: that is in Events."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from consumerapp_operator.api.base import Model, list_map

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, whole seconds."""


class ConditionType(StrEnum):
    READY = "Ready"
    SPEC_VALID = "SpecValid"
    DATA_READY = "DataReady"
    SERVICES_READY = "ServicesReady"
    GATEWAY_READY = "GatewayReady"
    METRICS_AVAILABLE = "MetricsAvailable"
    CAPACITY_LIMITED = "CapacityLimited"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of the app, in the form of metav1.Condition.

    Of Ready and the conditions it is made of, False needs someone and Unknown is on its way.
    """

    type: ConditionType = Field(description="The aspect; clients need to read only Ready.")
    status: ConditionStatus = Field(description="True; False: needs someone; Unknown: on its way.")
    reason: str = Field(min_length=1, max_length=128, description="Why, in one CamelCase word.")
    message: str = Field(max_length=4096, description="Why, in words, with what to do next.")
    last_transition_time: Time = Field(description="When status last changed.")
    observed_generation: int = Field(description="The metadata.generation this was computed from.")


class DecisionLimit(Model):
    """Something that keeps a count from what its targets ask for."""

    by: str = Field(description="What limits: Min, Max, Rate, Stabilization, …")
    to: int = Field(description="The count it limits to.")
    why: str = Field(max_length=1024, description="In words.")


class LastDecision(Model):
    """The scaler's last decision about one count, and why."""

    trigger: str = Field(
        description="The target that decided (Concurrency, RequestRate, Latency), or Bounds, or NoData."
    )
    observed: str = Field(max_length=128, description="What was measured, per replica.")
    target: str = Field(max_length=128, description="What one replica should carry.")
    current: int = Field(description="Replicas before the decision.")
    wanted: int = Field(description="Replicas the targets ask for.")
    decided: int = Field(description="Replicas after all limits.")
    limits: list[DecisionLimit] = Field(default=[], max_length=16, description="What kept decided from wanted.")
    reason: str = Field(max_length=1024, description="The decision in one sentence.")
    at: Time = Field(description="When it was decided; kept while only what was observed moves.")


class ServiceStatus(Model):
    """Replicas of one service."""

    name: str = Field(description="Name of the service in spec.services.")
    ready: int = Field(description="Replicas that take requests.")
    desired: int = Field(description="Replicas wanted now.")
    last_decision: LastDecision | None = Field(default=None, description="Why it is this many.")


class GatewayStatus(Model):
    """Replicas of the gateway."""

    ready: int = Field(description="Replicas that take requests.")
    desired: int = Field(description="Replicas wanted now.")
    last_decision: LastDecision | None = Field(default=None, description="Why it is this many.")


class DatabaseStatus(Model):
    """Members of one database."""

    name: str = Field(description="Name of the service that owns it.")
    primary: str | None = Field(default=None, description="Pod that takes writes; absent while there is none.")
    members: int = Field(description="Members wanted: the primary and its read replicas.")
    ready: int = Field(description="Members that are ready.")
    system_identifier: str | None = Field(
        default=None,
        description="PostgreSQL's system identifier: the same for as long as the data is the same.",
    )
    last_decision: LastDecision | None = Field(default=None, description="Why there are this many read replicas.")


class WorkerStatus(Model):
    """Replicas of one worker."""

    name: str = Field(description="Name of the worker in spec.workers.")
    ready: int = Field(description="Replicas that take events.")
    desired: int = Field(description="Replicas wanted now; 0 while there is nothing to do.")
    last_decision: LastDecision | None = Field(default=None, description="Why it is this many.")


class BusStatus(Model):
    """Servers of the event bus."""

    ready: int = Field(description="Servers that take events.")
    desired: int = Field(description="Servers wanted.")


class ConsumerAppStatus(Model):
    """What runs, what does not, and why."""

    observed_generation: int = Field(default=0, description="The metadata.generation that the operator last looked at.")
    conditions: list[Condition] = Field(
        default=[],
        max_length=16,
        json_schema_extra=dict(list_map("type")),
        description="The app's state, by aspect.",
    )
    services: list[ServiceStatus] = Field(
        default=[],
        max_length=64,
        json_schema_extra=dict(list_map()),
        description="The services, in the spec's order.",
    )
    gateway: GatewayStatus | None = Field(default=None, description="The gateway.")
    databases: list[DatabaseStatus] = Field(
        default=[],
        max_length=64,
        json_schema_extra=dict(list_map()),
        description="The databases, in the spec's order.",
    )
    workers: list[WorkerStatus] = Field(
        default=[], max_length=64, json_schema_extra=dict(list_map()), description="The workers, in the spec's order."
    )
    bus: BusStatus | None = Field(default=None, description="The event bus, if the app has one.")
    services_ready: str = Field(
        default="0/0", description="Services that have every replica they want, of all services, such as 5/6."
    )
    url: str | None = Field(default=None, description="Where the gateway answers.")
