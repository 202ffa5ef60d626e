"""ConsumerApp: the whole resource, and the one way from a Kubernetes object to a typed value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field, ValidationError

from consumerapp_operator.api.base import Model, list_map
from consumerapp_operator.api.bus import Bus
from consumerapp_operator.api.components import Cache, Gateway, Resources
from consumerapp_operator.api.scaling import Scaling
from consumerapp_operator.api.service import DEFAULT_RESOURCES, Service
from consumerapp_operator.api.worker import Worker


class DeletionPolicy(StrEnum):
    RETAIN = "Retain"
    DELETE = "Delete"


class Defaults(Model):
    """What a service gets where it says nothing itself."""

    resources: Resources = Field(default=DEFAULT_RESOURCES, description="CPU and memory of one replica.")
    scaling: Scaling = Field(default=Scaling(), description="Bounds and targets of replica counts.")


class ConsumerAppSpec(Model):
    """What the app should be."""

    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description="What becomes of volumes and credentials when a database goes with its service or app. Retain: "
        "they stay and are taken up again by an app of the same name. Delete: they go too.",
    )
    host: str | None = Field(
        default=None, max_length=253, pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        description="Public host name. Without it the gateway answers to any.",
    )  # fmt: skip
    gateway: Gateway = Field(default=Gateway(), description="The API gateway.")
    cache: Cache | None = Field(
        default=None, description="The app's cache. It is there if this field or a service's cache: {} is."
    )
    bus: Bus | None = Field(default=None, description="The app's event bus; none without this field.")
    defaults: Defaults = Field(default=Defaults(), description="What services get where they say nothing.")
    services: list[Service] = Field(
        min_length=1, max_length=50, json_schema_extra=dict(list_map()), description="The services of the app."
    )
    workers: list[Worker] = Field(
        default=[], max_length=50, json_schema_extra=dict(list_map()), description="What takes events from the bus."
    )

    @property
    def effective_cache(self) -> Cache | None:
        """The app's cache, also when only a service asks for one."""
        return self.cache or (Cache() if any(service.cache for service in self.services) else None)

    def scaling_of(self, service: Service) -> Scaling:
        return service.scaling or self.defaults.scaling

    def resources_of(self, service: Service) -> Resources:
        return service.resources or self.defaults.resources


class ConsumerApp(Model):
    """One app: identity and spec. Status is not part of it, since nothing is decided from status alone."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: ConsumerAppSpec


class InvalidSpec(ValueError):  # noqa: N818 - named for what it is; it carries problems, not one error
    """The spec cannot be read. `problems` are lines of the form `spec.services[2].port: why; what to do`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_app(body: Mapping[str, Any]) -> ConsumerApp:
    """A typed app from a Kubernetes object.

    The API server has checked the schema already; this fails only when the CRD in the cluster is of another version.
    Raises InvalidSpec naming each field.
    """
    metadata = body["metadata"]
    try:
        spec = ConsumerAppSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        raise InvalidSpec([f"{_path(item['loc'])}: {item['msg']}" for item in error.errors()]) from error
    return ConsumerApp(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        spec=spec,
    )


def _path(location: tuple[int | str, ...]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
