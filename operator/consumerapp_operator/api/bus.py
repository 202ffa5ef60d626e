"""The event bus of the resource: what services publish and workers consume goes through it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from consumerapp_operator.api.base import Model, rules
from consumerapp_operator.api.components import Image, Quantity, ResourceList, Resources

# The operator keeps what nobody could process under `dead.`.
Topic = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_-]*([.][a-z0-9_-]+)*$", max_length=100,
        json_schema_extra=rules(
            (
                "self != 'dead' && !self.startsWith('dead.')",
                "topics that begin with dead. are the operator's own; choose another name",
            )
        ),
    ),
]  # fmt: skip


class BusType(StrEnum):
    NATS = "nats"


class BusStorage(Model):
    """The volume of each bus server."""

    size: Quantity = Field(default="1Gi", description="Size of the volume; events take up to half of it.")
    storage_class_name: str | None = Field(
        default=None, min_length=1, max_length=63, description="StorageClass; the cluster's default if not given."
    )


class Bus(Model):
    """NATS JetStream: events are stored before they are acknowledged, and each worker gets every one of its topics
    at least once."""

    type: BusType = Field(description="The kind of bus: nats.")
    replicas: int = Field(
        default=1,
        description="Servers: 1, or 3 to go on working when one is lost. It cannot be changed.",
        json_schema_extra={
            "enum": [1, 3],
            **rules(
                ("self == oldSelf", "replicas of the bus cannot be changed, its events would be lost; set it back")
            ),
        },
    )
    storage: BusStorage = Field(
        default=BusStorage(),
        description="Each server's volume. It cannot be changed.",
        json_schema_extra=rules(("self == oldSelf", "storage of the bus cannot be changed; set it back")),
    )
    resources: Resources = Field(
        default=Resources(requests=ResourceList(cpu="50m", memory="64Mi"), limits=ResourceList(memory="256Mi")),
        description="CPU and memory of one server.",
    )
    image: Image | None = Field(default=None, description="Image with nats-server 2.10, if not the operator's own.")
