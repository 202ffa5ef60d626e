"""The two Secrets of a database: the service's, and the cluster's own. Made once, never written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from consumerapp_operator.api.app import DeletionPolicy
from consumerapp_operator.api.names import POSTGRES_PORT, Names
from consumerapp_operator.plan.environment import KEY_READ_URI, KEY_URI
from consumerapp_operator.plan.model import GeneratedSecret, ObjectKey, Patch, Snapshot
from consumerapp_operator.plan.pods import owner_reference
from consumerapp_operator.plan.postgres.database import Tier

APPLICATION = "app"
"""User and database of the service: the same in every database, and no reserved word of SQL as `user` would be."""

SUPERUSER_PASSWORD, REPLICATION_PASSWORD, RESTAPI_PASSWORD = (
    "superuser-password", "replication-password", "restapi-password",
)  # fmt: skip


def admin_secret_name(tier: Tier) -> str:
    return Names(tier.app.name).database_admin_secret(tier.service)


@dataclass(frozen=True)
class ServiceCredentials:
    """What the service gets. A class and not a closure, so that two equal plans compare equal."""

    host: str
    read_host: str

    def __call__(self, passwords: Mapping[str, str]) -> Mapping[str, str]:
        password = passwords["password"]
        return {
            "username": APPLICATION,
            "password": password,
            "host": self.host,
            "port": str(POSTGRES_PORT),
            "dbname": APPLICATION,
            KEY_URI: _uri(self.host, password),
            KEY_READ_URI: _uri(self.read_host, password),
        }


@dataclass(frozen=True)
class AdminCredentials:
    """What the members use among themselves."""

    def __call__(self, passwords: Mapping[str, str]) -> Mapping[str, str]:
        return dict(passwords)


def credentials(tier: Tier) -> tuple[GeneratedSecret, GeneratedSecret]:
    """Both Secrets. Under Retain nobody owns them: without them the kept volumes could not be opened."""
    return (
        GeneratedSecret(
            _secret(tier, tier.scope),
            ("password",),
            ServiceCredentials(tier.scope, Names(tier.app.name).database_read(tier.service)),
        ),
        GeneratedSecret(
            _secret(tier, admin_secret_name(tier)),
            (SUPERUSER_PASSWORD, REPLICATION_PASSWORD, RESTAPI_PASSWORD),
            AdminCredentials(),
        ),
    )


def missing(snapshot: Snapshot, tier: Tier) -> list[str]:
    """Names of the Secrets that are not there."""
    return [name for name in secret_names(tier) if snapshot.get("v1", "Secret", name) is None]


def secret_names(tier: Tier) -> tuple[str, str]:
    return tier.scope, admin_secret_name(tier)


def ownership_patches(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Secrets are made once, so a later change of deletionPolicy is brought to them here."""
    owned = _owned(tier)
    wanted = [owner_reference(tier.app)] if owned else None
    patches = []
    for name in secret_names(tier):
        live = snapshot.get("v1", "Secret", name)
        if live is None or bool(live["metadata"].get("ownerReferences")) == owned:
            continue
        key = ObjectKey("v1", "Secret", snapshot.app.namespace, name)
        reason = f"deletionPolicy is {tier.app.spec.deletion_policy}"
        patches.append(Patch(key, {"metadata": {"ownerReferences": wanted}}, reason))
    return tuple(patches)


def _owned(tier: Tier) -> bool:
    return tier.app.spec.deletion_policy is DeletionPolicy.DELETE


def _secret(tier: Tier, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": tier.metadata(name, owned=_owned(tier)),
        "type": "Opaque",
    }


def _uri(host: str, password: str) -> str:
    return f"postgresql://{APPLICATION}:{quote(password, safe='')}@{host}:{POSTGRES_PORT}/{APPLICATION}"
