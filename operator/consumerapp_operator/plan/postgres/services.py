"""The addresses of a database: its primary, what may be read from, and each member by name."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.names import (
    LABEL_ROLE,
    PATRONI_PORT,
    POSTGRES_PORT,
    ROLE_PRIMARY,
    ROLE_REPLICA,
    Names,
)
from consumerapp_operator.plan.live import is_ready
from consumerapp_operator.plan.model import Snapshot
from consumerapp_operator.plan.postgres.database import Tier


def service_objects(snapshot: Snapshot, tier: Tier) -> list[dict[str, Any]]:
    """Services of the primary, for reading, and of the members."""
    names = Names(tier.app.name)
    return [
        _service(tier, tier.scope, {LABEL_ROLE: ROLE_PRIMARY}),
        _service(tier, names.database_read(tier.service), {LABEL_ROLE: read_role(snapshot, tier)}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": tier.metadata(names.database_members(tier.service)),
            "spec": {
                "clusterIP": "None",
                # Members must find each other before any of them is ready.
                "publishNotReadyAddresses": True,
                "selector": tier.selector,
                "ports": [_port("postgres", POSTGRES_PORT), _port("patroni", PATRONI_PORT)],
            },
        },
    ]


def read_role(snapshot: Snapshot, tier: Tier) -> str:
    """Who answers reads: the replicas, and the primary while none of them is ready.

    So DATABASE_READ_URL works with no replica, before the first one has its copy, and after the only one was promoted.
    """
    replicas = snapshot.pods({**tier.selector, LABEL_ROLE: ROLE_REPLICA})
    return ROLE_REPLICA if any(is_ready(pod) for pod in replicas) else ROLE_PRIMARY


def _service(tier: Tier, name: str, role: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": tier.metadata(name),
        "spec": {
            "type": "ClusterIP",
            "selector": {**tier.selector, **role},
            "ports": [_port("postgres", POSTGRES_PORT)],
        },
    }


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}
