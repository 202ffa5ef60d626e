"""Patroni's consensus store: four ConfigMaps, made beforehand so that they have an owner.

Patroni takes them as its own when they carry exactly its labels, and then needs no right to create any. What it keeps
in them are annotations that nobody else applies, with one exception: `initialize`, the system identifier of the data.
"""

from __future__ import annotations

import json
from typing import Any

from consumerapp_operator.api.names import ANNOTATION_SYSTEM_IDENTIFIER
from consumerapp_operator.plan.live import annotation, has_ready_primary
from consumerapp_operator.plan.model import ObjectKey, Patch, Snapshot
from consumerapp_operator.plan.postgres.database import Tier

KINDS = ("config", "leader", "sync", "failover")


def configmap_name(tier: Tier, kind: str) -> str:
    return f"{tier.scope}-{kind}"


def store_objects(snapshot: Snapshot, tier: Tier) -> list[dict[str, Any]]:
    """The four ConfigMaps. Data that has been kept gives its identifier to a new `config`.

    Else an empty volume that happens to start first would found a new cluster, and the member with the data would
    then be refused by it. With `initialize` set, the empty one waits for the other and clones it.
    """
    objects: list[dict[str, Any]] = []
    for kind in KINDS:
        meta = tier.metadata(configmap_name(tier, kind))
        if kind == "config" and (identifier := _initialize(snapshot, tier)):
            meta["annotations"] = {"initialize": identifier}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    return objects


def system_identifier(snapshot: Snapshot, tier: Tier) -> str:
    """Of the running cluster, as Patroni recorded it; empty until the first primary has been made."""
    return annotation(snapshot.get("v1", "ConfigMap", configmap_name(tier, "config")), "initialize")


def recorded_identifier(snapshot: Snapshot, tier: Tier) -> str:
    """Of the data that the credentials belong to; empty if none has been recorded."""
    return annotation(snapshot.get("v1", "Secret", tier.scope), ANNOTATION_SYSTEM_IDENTIFIER)


def _initialize(snapshot: Snapshot, tier: Tier) -> str:
    recorded = recorded_identifier(snapshot, tier)
    # What runs is never contradicted: each member would take the other value for another cluster's, and stop.
    return (system_identifier(snapshot, tier) or recorded) if recorded else ""


def dynamic_configuration(tier: Tier) -> dict[str, Any]:
    """What must be the same on all members, and so lives in the store. Measured; the meaning of each is Patroni's."""
    return {
        # A leader that is gone is replaced after at most ttl; less than 20 is not supported.
        "ttl": 20,
        "loop_wait": 5,
        "retry_timeout": 5,
        "maximum_lag_on_failover": 1048576,
        # A crashed primary is failed over at once instead of being given time to recover.
        "primary_start_timeout": 0,
        "synchronous_mode": "quorum" if tier.quorum else False,
        "postgresql": {
            "use_pg_rewind": True,
            "use_slots": True,
            "parameters": {
                "wal_level": "replica",
                "hot_standby": "on",
                # Raised by the restart that statefulset.py brings about. When lowered, each member takes over what the
                # primary before it had, so the old value lasts until all are stopped at once: no harm is in that.
                "max_connections": tier.spec.max_connections,
                "max_wal_senders": 12,
                "max_replication_slots": 12,
                "wal_keep_size": "64MB",
                "wal_log_hints": "on",
            },
        },
    }


def configuration_patch(snapshot: Snapshot, tier: Tier) -> tuple[Patch, ...]:
    """Bring the running cluster's dynamic configuration to the spec's; what others added (`pause`) stays.

    Patroni reads `bootstrap.dcs` only when it makes a new cluster. Without a primary nothing is changed: a failover,
    or the return of kept data (roles.py), is to go by the settings it began with.
    """
    if not has_ready_primary(snapshot, tier.selector):
        return ()
    name = configmap_name(tier, "config")
    text = annotation(snapshot.get("v1", "ConfigMap", name), "config")
    if not text:
        return ()
    try:
        live = json.loads(text)
    except ValueError:
        live = {}
    wanted = _merge(live if isinstance(live, dict) else {}, dynamic_configuration(tier))
    if wanted == live:
        return ()
    body = {"metadata": {"annotations": {"config": json.dumps(wanted, separators=(",", ":"))}}}
    key = ObjectKey("v1", "ConfigMap", snapshot.app.namespace, name)
    return (Patch(key, body, f"settings of the database of {tier.service} follow the spec"),)


def _merge(live: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    merged = dict(live)
    for key, value in wanted.items():
        inner = live.get(key)
        merged[key] = _merge(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged
