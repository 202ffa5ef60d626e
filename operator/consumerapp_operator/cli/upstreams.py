"""How the gateway's pods see the replicas of each service, from Envoy's /clusters?format=json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CLUSTERS_PATH = "clusters?format=json"

Views = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Service → address of a replica → why it gets no requests; empty if it does."""

_WHY: Mapping[str, str] = {
    "failed_active_health_check": "its health check fails",
    "failed_outlier_check": "ejected: it could not be reached twice in a row",
    "pending_dynamic_removal": "it is leaving",
    "pending_active_hc": "not checked yet",
    "excluded_via_immediate_hc_fail": "it asked for no more requests",
    "active_hc_timeout": "its health check gets no answer in time",
}


def parse(answer: Mapping[str, Any]) -> Views:
    """One gateway pod's view. Envoy's own clusters (local_admin, …) have an underscore and are left out."""
    return {
        str(cluster["name"]): {
            str(host["address"]["socket_address"]["address"]): tuple(
                why for flag, why in _WHY.items() if (host.get("health_status") or {}).get(flag)
            )
            for host in cluster.get("host_statuses") or ()
            if "socket_address" in host["address"]
        }
        for cluster in answer.get("cluster_statuses") or ()
        if "_" not in str(cluster["name"])
    }


def told(views: Iterable[Views], service: str, address: str) -> str:
    """What the gateway's pods say of one replica, in words; empty if nobody says anything.

    The gateway knows a new replica a second after it is ready.
    """
    seen = [view[service].get(address) for view in views if service in view]
    if not seen:
        return ""
    reasons: dict[str, int] = {}
    for answer in seen:
        for reason in ("not known to the gateway",) if answer is None else answer:
            reasons[reason] = reasons.get(reason, 0) + 1
    if not reasons:
        return "in rotation"
    return "; ".join(f"{reason} ({count} of {len(seen)} gateway pods)" for reason, count in reasons.items())
