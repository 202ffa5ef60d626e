"""One database of an app, as all modules of this package need it: its names, and what follows from its memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.components import Database, Durability
from consumerapp_operator.api.names import COMPONENT_DATABASE, Names, labels, selector
from consumerapp_operator.plan.pods import mebibytes, metadata

MAX_MEMBERS = 9
"""The primary and as many read replicas as the resource allows."""

# Patroni and its Python take about this much of a member's memory; each connection, when busy, about that much.
PATRONI_MEBIBYTES = 64
CONNECTION_MEBIBYTES = 2
_DEFAULT_MEMORY = "512Mi"


@dataclass(frozen=True)
class Tier:
    """A service's database."""

    app: ConsumerApp
    service: str
    spec: Database

    @property
    def scope(self) -> str:
        """Name of the StatefulSet, of Patroni's scope, of the primary's Service and of the service's Secret."""
        return Names(self.app.name).database(self.service)

    @property
    def selector(self) -> dict[str, str]:
        return selector(self.app.name, COMPONENT_DATABASE, self.service)

    @property
    def labels(self) -> dict[str, str]:
        """Of pods and ConfigMaps alike: Patroni finds its own by exactly these."""
        return labels(self.app.name, COMPONENT_DATABASE, self.service)

    def metadata(self, object_name: str, *, owned: bool = True) -> dict[str, Any]:
        return metadata(self.app, COMPONENT_DATABASE, self.service, object_name, owned=owned)

    @property
    def quorum(self) -> bool:
        """Whether a commit waits for a replica. Without any there is nobody to wait for."""
        has_replicas = self.spec.replicas > 0 or self.spec.scaling is not None
        return self.spec.durability is Durability.QUORUM and has_replicas


def memory_mebibytes(database: Database) -> int:
    """What one member may use: its limit, else what it requests, else the default limit."""
    limits, requests = database.resources.limits, database.resources.requests
    return mebibytes(limits.memory or requests.memory or _DEFAULT_MEMORY)


def shared_buffers_mebibytes(database: Database) -> int:
    """A quarter of the memory, as PostgreSQL's manual advises (19.4.1)."""
    return max(16, memory_mebibytes(database) // 4)


def needed_mebibytes(database: Database) -> int:
    """The least memory with which all of max_connections may be busy at once."""
    return (PATRONI_MEBIBYTES + database.max_connections * CONNECTION_MEBIBYTES) * 4 // 3 + 1
