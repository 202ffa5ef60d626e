"""Gateway, database and cache of the resource, and the small models they share with services."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from consumerapp_operator.api.base import Model, list_map, rules
from consumerapp_operator.api.gateway import Compression, Cors
from consumerapp_operator.api.quantity import QUANTITY_PATTERN
from consumerapp_operator.api.scaling import MAX_REPLICAS, Behavior, Scaling, Target, TargetType

Image = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[a-z0-9]([a-zA-Z0-9._/:@-]*[a-zA-Z0-9])?$")]
Quantity = Annotated[str, Field(pattern=QUANTITY_PATTERN, max_length=24)]
Path = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*$", max_length=253)]


class ResourceList(Model):
    """CPU and memory, as Kubernetes quantities."""

    cpu: Quantity | None = Field(default=None, description="CPU, such as 250m or 2.")
    memory: Quantity | None = Field(default=None, description="Memory, such as 256Mi.")


class Resources(Model):
    """Requests and limits of one container."""

    requests: ResourceList = Field(default=ResourceList(), description="What the scheduler sets aside.")
    limits: ResourceList = Field(default=ResourceList(), description="What the container may not exceed.")


class Exposure(StrEnum):
    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class Route(Model):
    """One public path prefix and the service behind it."""

    path: Annotated[Path, Field(min_length=2)] = Field(
        description="Requests to this path or below it go to the service, unchanged. The longest path wins."
    )
    service: str = Field(min_length=1, max_length=30, description="Name of a service in spec.services.")


class GatewayScaling(Scaling):
    """Bounds and targets of the gateway's replicas."""

    max: int = Field(default=20, ge=1, le=MAX_REPLICAS, description="The count never goes above this.")
    targets: list[Target] = Field(
        default=[Target(type=TargetType.REQUEST_RATE, value="1000")], min_length=1, max_length=3,
        json_schema_extra=dict(list_map("type")),
        description="What one gateway replica should carry.",
    )  # fmt: skip


class Gateway(Model):
    """The API gateway (Envoy): the only way in, and the way services call each other."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.nodePort) || self.exposure == 'NodePort'",
                "nodePort needs exposure: NodePort; set it or remove nodePort",
            )
        )
    )
    routes: list[Route] | None = Field(
        default=None, min_length=1, max_length=100, json_schema_extra=dict(list_map("path")),
        description="Public paths. Without this field every service is public at /api/<name>; with it only these "
        "paths are, and a service that is not named here can only be reached by the services that call it.",
    )  # fmt: skip
    exposure: Exposure = Field(default=Exposure.CLUSTER_IP, description="Type of the public Service.")
    node_port: int | None = Field(
        default=None, ge=30000, le=32767, description="Port on each node, with exposure NodePort."
    )
    cors: Cors | None = Field(
        default=None, description="Web pages of other origins that may call the app; if none, no."
    )
    compression: Compression | None = Field(default=None, description="Compress answers; `{}` does it.")
    scaling: GatewayScaling = Field(default=GatewayScaling(), description="Replicas of the gateway.")
    resources: Resources = Field(
        default=Resources(requests=ResourceList(cpu="100m", memory="64Mi"), limits=ResourceList(memory="512Mi")),
        description="CPU and memory of one gateway replica.",
    )
    image: Image | None = Field(default=None, description="Envoy image, if not the operator's own.")


class Durability(StrEnum):
    QUORUM = "Quorum"
    ASYNC = "Async"


class Storage(Model):
    """The volume of each database member."""

    size: Quantity = Field(
        default="1Gi", description="Size of the volume; it may grow, never shrink.",
        json_schema_extra=rules(
            (
                "quantity(self).compareTo(quantity(oldSelf)) >= 0",
                "a volume cannot shrink; set size back to at least the value it has",
            )
        ),
    )  # fmt: skip
    storage_class_name: str | None = Field(
        default=None, min_length=1, max_length=63, description="StorageClass; the cluster's default if not given."
    )


class Migrate(Model):
    """The command that brings the database's schema up to date."""

    command: list[Annotated[str, Field(max_length=1024)]] = Field(
        min_length=1, max_length=32,
        description="Run in the service's image as a Job, once per image, before pods of that image start. "
        "When it fails, what runs stays.",
    )  # fmt: skip


class Database(Model):
    """A PostgreSQL of the service's own: a primary and read replicas, with failover by Patroni."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.scaling) || (self.replicas >= self.scaling.min && self.replicas <= self.scaling.max)",
                "replicas must lie between scaling.min and scaling.max; it is the count to begin with",
            )
        )
    )
    replicas: int = Field(
        default=1, ge=0, le=8,
        description="Read replicas beside the primary. With 0 nothing can take over when the primary's node is lost.",
    )  # fmt: skip
    durability: Durability = Field(
        default=Durability.QUORUM,
        description="Quorum: a commit is acknowledged when a replica has it too. Async: at once; a failover can lose "
        "the last moments.",
    )
    storage: Storage = Field(default=Storage(), description="Each member's volume.")
    max_connections: int = Field(default=100, ge=20, le=2000, description="PostgreSQL's max_connections.")
    migrate: Migrate | None = Field(default=None, description="How the schema is brought up to date.")
    scaling: ReplicaScaling | None = Field(default=None, description="Moves the read replicas with the service's load.")
    resources: Resources = Field(
        default=Resources(requests=ResourceList(cpu="100m", memory="192Mi"), limits=ResourceList(memory="512Mi")),
        description="CPU and memory of one member.",
    )
    image: Image | None = Field(
        default=None, description="Image with PostgreSQL 17 and Patroni, if not the operator's own."
    )


class ReplicaScaling(Model):
    """Bounds and target of the read replicas; the load is that of the service which owns the database."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.min <= self.max", "min must not be greater than max; raise max or lower min"))
    )
    min: int = Field(default=1, ge=0, le=8, description="The count of read replicas never goes below this.")
    max: int = Field(default=3, ge=1, le=8, description="The count of read replicas never goes above this.")
    requests_per_second: Annotated[str, Field(pattern=r"^[0-9]*[1-9][0-9]*(\.[0-9]+)?$", max_length=16)] = Field(
        default="500", description="Requests to the service, per second, that one read replica should carry."
    )
    behavior: Behavior = Field(
        default=Behavior(), description="How fast the count may move; downwards always one at a time."
    )


class Cache(Model):
    """A Redis for all services that say `cache: {}`. It holds nothing that cannot be recomputed."""

    memory: Quantity = Field(
        default="128Mi", description="What Redis may hold before it evicts the least recently used keys."
    )
    image: Image | None = Field(default=None, description="Redis image, if not the operator's own.")
