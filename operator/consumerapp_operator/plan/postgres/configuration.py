"""Patroni's configuration file, mounted into every member. Settings and times are measured ones."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from consumerapp_operator.api.names import (
    LABEL_INSTANCE,
    LABEL_ROLE,
    PATRONI_PORT,
    POSTGRES_PORT,
    ROLE_PRIMARY,
    ROLE_REPLICA,
)
from consumerapp_operator.plan.pods import mebibytes
from consumerapp_operator.plan.postgres.database import Tier, memory_mebibytes, shared_buffers_mebibytes
from consumerapp_operator.plan.postgres.dcs import dynamic_configuration

FILE = "patroni.yaml"
SUPERUSER, REPLICATION_USER = "postgres", "standby"


def configuration_name(tier: Tier) -> str:
    return f"{tier.scope}-patroni"


def configuration_object(tier: Tier) -> dict[str, Any]:
    """The ConfigMap with the file."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": tier.metadata(configuration_name(tier)),
        "data": {FILE: yaml.safe_dump(patroni_configuration(tier), sort_keys=False, width=110)},
    }


def configuration_hash(tier: Tier) -> str:
    """Changes with what members read only when they start; on the pod template, so that they are restarted."""
    local = patroni_configuration(tier)
    local["bootstrap"] = {}
    read_at_start = [local, tier.spec.max_connections]
    return hashlib.sha256(json.dumps(read_at_start, sort_keys=True).encode()).hexdigest()[:16]


def patroni_configuration(tier: Tier) -> dict[str, Any]:
    """The file's content. Credentials and what differs between members come by environment (statefulset.py)."""
    own_labels = {key: value for key, value in tier.labels.items() if key != LABEL_INSTANCE}
    return {
        "scope": tier.scope,
        "kubernetes": {
            # ConfigMaps as the store: Endpoints are deprecated, and a Service selects the primary by its label.
            "use_endpoints": False,
            "scope_label": LABEL_INSTANCE,
            "role_label": LABEL_ROLE,
            "leader_label_value": ROLE_PRIMARY,
            "follower_label_value": ROLE_REPLICA,
            "standby_leader_label_value": ROLE_PRIMARY,
            "labels": own_labels,
        },
        "restapi": {"listen": f"0.0.0.0:{PATRONI_PORT}"},
        "bootstrap": {
            "dcs": dynamic_configuration(tier),
            "initdb": [
                {"encoding": "UTF8"},
                {"locale-provider": "builtin"},
                {"builtin-locale": "C.UTF-8"},
                {"locale": "C.UTF-8"},
                "data-checksums",
            ],
            "post_init": "python3 /opt/postgres/post_init.py",
        },
        "postgresql": {
            "listen": f"0.0.0.0:{POSTGRES_PORT}",
            "data_dir": "/data/pgdata",
            "bin_dir": "/usr/lib/postgresql/17/bin",
            "pgpass": "/tmp/pgpass",
            "use_unix_socket": True,
            "use_unix_socket_repl": True,
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
            # Else a replica waits for a spread checkpoint: minutes on an idle primary.
            "basebackup": [{"checkpoint": "fast"}],
            "authentication": {
                "superuser": {"username": SUPERUSER},
                "replication": {"username": REPLICATION_USER},
            },
            "parameters": parameters(tier),
            "pg_hba": [
                "local all all scram-sha-256",
                f"local replication {REPLICATION_USER} scram-sha-256",
                f"host replication {REPLICATION_USER} all scram-sha-256",
                "host all all all scram-sha-256",
            ],
        },
    }


def parameters(tier: Tier) -> dict[str, Any]:
    """PostgreSQL's own settings, as far as they may differ between members; sizes follow memory and volume."""
    memory = memory_mebibytes(tier.spec)
    buffers = shared_buffers_mebibytes(tier.spec)
    volume = mebibytes(tier.spec.storage.size)
    return {
        "unix_socket_directories": "/tmp",
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(32, memory * 6 // 10)}MB",
        "maintenance_work_mem": f"{min(1024, max(16, memory // 16))}MB",
        "work_mem": f"{min(64, max(1, (memory - buffers) // (4 * tier.spec.max_connections)))}MB",
        # An eighth of the volume at most, so that a burst of writes does not fill it.
        "max_wal_size": f"{min(1024, max(64, volume // 8))}MB",
        "min_wal_size": "32MB",
        "wal_receiver_timeout": "10s",
        "wal_sender_timeout": "10s",
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
        "password_encryption": "scram-sha-256",
        "jit": "off",
    }
