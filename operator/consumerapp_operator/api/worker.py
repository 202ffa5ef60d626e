"""A worker of the app: any image that takes events from the bus. Nobody calls it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from consumerapp_operator.api.base import Model, list_map, rules
from consumerapp_operator.api.bus import Topic
from consumerapp_operator.api.components import Image, Resources
from consumerapp_operator.api.scaling import MAX_REPLICAS, Scaling, Target, TargetType
from consumerapp_operator.api.service import (
    DEFAULT_RESOURCES,
    NAME_RULE,
    Egress,
    EnvironmentVariable,
    Health,
    ServiceName,
)


class WorkerScaling(Scaling):
    """Bounds and target of a worker's replicas. With min 0 nothing runs while there is nothing to do."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.min <= self.max", "min must not be greater than max; raise max or lower min"),
            ("self.targets.all(target, target.type == 'Lag')", "a worker is scaled by Lag; remove the other targets"),
        )
    )
    min: int = Field(default=0, ge=0, le=MAX_REPLICAS, description="The count never goes below this.")
    max: int = Field(default=5, ge=1, le=MAX_REPLICAS, description="The count never goes above this.")
    targets: list[Target] = Field(
        default=[Target(type=TargetType.LAG, value="50")], min_length=1, max_length=1,
        json_schema_extra=dict(list_map("type")),
        description="Lag: events not yet acknowledged that one replica should have before it.",
    )  # fmt: skip


class Worker(Model):
    """A Deployment without an address, and a durable consumer of the bus with its name."""

    model_config = ConfigDict(json_schema_extra=rules(NAME_RULE))
    name: ServiceName = Field(description="Name of the worker, and of its consumer; no service has the same.")
    image: Image = Field(description="Container image.")
    command: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        default=None, max_length=32, description="Replaces the image's entrypoint."
    )
    consumes: list[Topic] = Field(
        min_length=1, max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Topics whose events the worker takes.",
    )  # fmt: skip
    ack_wait_seconds: int = Field(
        default=30, ge=1, le=3600, description="An event not acknowledged for so long is delivered again."
    )
    max_deliver: int = Field(
        default=5, ge=1, le=100,
        description="An event delivered so often and never acknowledged goes to the dead-letter stream.",
    )  # fmt: skip
    port: int = Field(default=8080, ge=1024, le=65535, description="Port of the health checks; given as $PORT.")
    health: Health | None = Field(
        default=None, description="Paths of the health checks; none are made without this field."
    )
    env: list[EnvironmentVariable] = Field(
        default=[], max_length=64, json_schema_extra=dict(list_map()), description="More environment variables."
    )
    egress: list[Egress] = Field(
        default=[], max_length=32, description="Destinations outside the app that it may reach; none by default."
    )
    scaling: WorkerScaling = Field(default=WorkerScaling(), description="Replicas.")
    resources: Resources = Field(default=DEFAULT_RESOURCES, description="CPU and memory of one replica.")
    termination_grace_period_seconds: int = Field(
        default=30, ge=5, le=600, description="Time a replica gets to finish its events when it is stopped."
    )
