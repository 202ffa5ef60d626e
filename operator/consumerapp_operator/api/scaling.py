"""The part of the resource that says between which bounds, and by which signal, a replica count moves."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from consumerapp_operator.api.base import Model, list_map, rules

MAX_REPLICAS = 1000


class TargetType(StrEnum):
    CONCURRENCY = "Concurrency"
    REQUEST_RATE = "RequestRate"
    LATENCY = "Latency"
    LAG = "Lag"


class Target(Model):
    """What one replica should carry; the count that satisfies every target is chosen (the largest)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.type == 'Latency' ? self.value.matches('^[0-9]+(ms|s)$') "
                ": self.value.matches('^[0-9]+([.][0-9]+)?$')",
                "value of a Latency target is a duration such as 250ms; "
                "of Concurrency, RequestRate and Lag a number such as 20",
            ),
            ("!self.value.matches('^[0.]+(ms|s)?$')", "value must be greater than zero"),
        )
    )
    type: TargetType = Field(
        description="Concurrency: requests in flight per replica, averaged over the window. RequestRate: requests per "
        "second per replica. Latency: the 95th percentile that the replicas should stay under. Lag, of workers only: "
        "events not yet acknowledged per replica."
    )
    value: Annotated[str, Field(min_length=1, max_length=16)] = Field(
        description="The target per replica as a decimal string (`20`), for Latency a duration (`250ms`)."
    )


class Direction(Model):
    """How fast a count may move in one direction."""

    stabilization_window_seconds: int | None = Field(
        default=None, ge=0, le=3600,
        description="Of all counts recommended within this window the most cautious one is taken: the highest before "
        "going down (default 300), the lowest before going up (default 0).",
    )  # fmt: skip
    max_pods: int | None = Field(
        default=None,
        ge=1,
        le=MAX_REPLICAS,
        description="Replicas that may be added or removed per period. Without maxPods and maxPercent: 4 or 100 %, "
        "whichever is more, on the way up and 100 % on the way down; giving one replaces both.",
    )
    max_percent: int | None = Field(
        default=None, ge=1, le=1000,
        description="Percent of the replicas that may be added or removed per period. Of both limits the one that "
        "allows more applies.",
    )  # fmt: skip
    period_seconds: int = Field(default=15, ge=1, le=1800, description="The period of maxPods and maxPercent.")


class Behavior(Model):
    """The speed of scaling, in each direction."""

    scale_up: Direction = Field(default=Direction(), description="Limits on the way up.")
    scale_down: Direction = Field(default=Direction(), description="Limits on the way down.")


class Scaling(Model):
    """Bounds and targets of one replica count."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.min <= self.max", "min must not be greater than max; raise max or lower min"),
            ("!self.targets.exists(target, target.type == 'Lag')", "Lag is what workers are scaled by; choose another"),
        )
    )
    min: int = Field(default=2, ge=1, le=MAX_REPLICAS, description="The count never goes below this.")
    max: int = Field(default=10, ge=1, le=MAX_REPLICAS, description="The count never goes above this.")
    targets: list[Target] = Field(
        default=[Target(type=TargetType.CONCURRENCY, value="10")], min_length=1, max_length=3,
        json_schema_extra=dict(list_map("type")),
        description="What one replica should carry. Measured at Envoy, so no instrumentation is needed.",
    )  # fmt: skip
    tolerance: Annotated[str, Field(pattern=r"^0(\.[0-9]{1,3})?$")] = Field(
        default="0.1", description="A deviation from the target of at most this ratio changes nothing."
    )
    behavior: Behavior = Field(default=Behavior(), description="How fast the count may move.")
