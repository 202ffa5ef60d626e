"""A service of the app: any image, in any language, that listens on $PORT."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from consumerapp_operator.api.base import Model, list_map, rules
from consumerapp_operator.api.bus import Topic
from consumerapp_operator.api.components import Database, Image, Path, ResourceList, Resources
from consumerapp_operator.api.scaling import Scaling

ServiceName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", min_length=1, max_length=30)]
RESERVED_NAMES = ("gateway", "internal", "cache", "bus", "edge")
# Of services and workers alike: their names become those of Kubernetes objects beside the operator's own.
NAME_RULE = (
    f"!(self.name in {list(RESERVED_NAMES)!r}) && !self.name.endsWith('-db') && !self.name.endsWith('-db-read')",
    f"{', '.join(RESERVED_NAMES)} and names that end in -db or -db-read are the operator's own; choose another name",
)
# Set by the operator in every container; a spec that sets one of them would break the contract.
RESERVED_VARIABLES = ("PORT", "DATABASE_URL", "DATABASE_READ_URL", "CACHE_URL", "BUS_URL")


class KeySelector(Model):
    """One key of a Secret or ConfigMap in the app's namespace."""

    name: str = Field(min_length=1, max_length=253, description="Name of the object.")
    key: str = Field(min_length=1, max_length=253, description="Key within it.")


class EnvironmentSource(Model):
    """Where a variable's value comes from: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.secretKeyRef) != has(self.configMapKeyRef)",
                "set exactly one of secretKeyRef and configMapKeyRef",
            )
        )
    )
    secret_key_ref: KeySelector | None = Field(default=None, description="A key of a Secret.")
    config_map_key_ref: KeySelector | None = Field(default=None, description="A key of a ConfigMap.")


class EnvironmentVariable(Model):
    """One environment variable: a plain value or a reference."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.value) != has(self.valueFrom)", "set exactly one of value and valueFrom"))
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)] = Field(
        description="Name of the variable.",
        json_schema_extra=rules(
            (
                f"!(self in {list(RESERVED_VARIABLES)!r})",
                f"{', '.join(RESERVED_VARIABLES)} are set by the operator; choose another name",
            )
        ),
    )
    value: Annotated[str, Field(max_length=8192)] | None = Field(
        default=None, description="The value itself; no secrets."
    )
    value_from: EnvironmentSource | None = Field(default=None, description="A reference to the value.")


class Health(Model):
    """The two paths that a service owes."""

    liveness: Path = Field(
        default="/livez", description="Answers 200 while the process is alive, whatever it depends on."
    )
    readiness: Path = Field(default="/readyz", description="Answers 200 while the service can take requests.")


class Egress(Model):
    """A destination outside the app that the service may reach."""

    cidr: Annotated[str, Field(max_length=43)] = Field(
        description="Address range, such as 0.0.0.0/0.",
        json_schema_extra=rules(("isCIDR(self)", "cidr must be an address range such as 10.0.0.0/8 or 0.0.0.0/0")),
    )
    port: int = Field(ge=1, le=65535, description="TCP port.")


class ServiceCache(Model):
    """Gives the service CACHE_URL."""


class Service(Model):
    """A Deployment, its Services and, if asked for, a database of its own."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            NAME_RULE,
            ("!has(self.calls) || !(self.name in self.calls)", "a service does not call itself; remove it from calls"),
            (
                "!has(oldSelf.database) || has(self.database)",
                "database cannot be taken away from a service, its data would be orphaned; remove the whole service "
                "(its volumes stay under deletionPolicy Retain) or keep the field",
            ),
        )
    )
    name: ServiceName = Field(description="Name of the service; others reach it as <NAME>_URL.")
    image: Image = Field(description="Container image.")
    command: list[Annotated[str, Field(max_length=1024)]] | None = Field(
        default=None, max_length=32, description="Replaces the image's entrypoint."
    )
    port: int = Field(
        default=8080, ge=1024, le=65535, description="Port the container listens on; given to it as $PORT."
    )
    env: list[EnvironmentVariable] = Field(
        default=[], max_length=64, json_schema_extra=dict(list_map()), description="More environment variables."
    )
    calls: list[ServiceName] = Field(
        default=[], max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Services that this one calls. For each it gets <NAME>_URL, and no other call gets through.",
    )  # fmt: skip
    publishes: list[Topic] = Field(
        default=[], max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Topics whose events it puts on the bus. With any of them it gets BUS_URL.",
    )  # fmt: skip
    egress: list[Egress] = Field(
        default=[], max_length=32, description="Destinations outside the app that it may reach; none by default."
    )
    health: Health = Field(default=Health(), description="Paths of the health checks.")
    database: Database | None = Field(default=None, description="A PostgreSQL of its own; {} takes all defaults.")
    cache: ServiceCache | None = Field(default=None, description="Use of the app's cache; {} is enough.")
    scaling: Scaling | None = Field(default=None, description="Replicas; spec.defaults.scaling if not given.")
    resources: Resources | None = Field(
        default=None, description="CPU and memory; spec.defaults.resources if not given."
    )
    termination_grace_period_seconds: int = Field(
        default=30, ge=10, le=600, description="Time a replica gets to finish its requests when it is stopped."
    )


DEFAULT_RESOURCES = Resources(requests=ResourceList(cpu="100m", memory="128Mi"), limits=ResourceList(memory="512Mi"))
