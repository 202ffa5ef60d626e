"""What a gateway starts with: its admin interface, statistics, overload limits, and where the rest of it
comes from.

The only file that Envoy reads once. Its hash is in the pod template, so a change of it rolls the Deployment
out.
"""

from __future__ import annotations

from typing import Any

from consumerapp_operator.plan.gateway.extensions import connection_manager, http_filter, listener, typed
from consumerapp_operator.plan.gateway.listeners import file_source
from consumerapp_operator.plan.gateway.placement import LOOPBACK, Placement, socket
from consumerapp_operator.plan.gateway.statistics import statistics

# A cluster given here is out of reach of the clusters file: an underscore keeps it apart from the services.
LOCAL_ADMIN, LOCAL_INTERNAL = "local_admin", "local_internal"
LISTENERS_FILE, CLUSTERS_FILE = "lds.yaml", "cds.yaml"
ALIVE_PATH = "/alive"
READABLE_PATHS = ("/stats", "/stats/prometheus", "/ready", "/clusters")
_MAX_CONNECTIONS = 20000
_RESOLVER = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"


def bootstrap(placement: Placement, memory_limit_bytes: int | None) -> dict[str, Any]:
    """The bootstrap; `memory_limit_bytes` is the container's limit, if it has one."""
    return {
        "admin": {"address": socket(LOOPBACK, placement.admin)},
        # Histograms are merged only at a flush; the default of 5 s is longer than a scrape interval.
        "stats_flush_interval": "1s",
        "stats_config": statistics(),
        "typed_dns_resolver_config": _resolver(placement),
        "overload_manager": _overload(memory_limit_bytes),
        "dynamic_resources": {
            "lds_config": file_source(placement, LISTENERS_FILE),
            "cds_config": file_source(placement, CLUSTERS_FILE),
        },
        "static_resources": {
            "listeners": [_stats_listener(placement)],
            "clusters": [
                _local(LOCAL_ADMIN, placement.admin),
                _local(LOCAL_INTERNAL, placement.internal),
            ],
        },
    }


def _stats_listener(placement: Placement) -> dict[str, Any]:
    """Statistics for readers outside the pod; the admin interface would take a POST /quitquitquit, too."""
    get = [{"name": ":method", "string_match": {"exact": "GET"}}]
    routes: list[dict[str, Any]] = [
        {"match": {"path": ALIVE_PATH}, "direct_response": {"status": 200}},
        *({"match": {"path": path, "headers": get}, "route": {"cluster": LOCAL_ADMIN}} for path in READABLE_PATHS),
        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
    ]
    hosts = [{"name": "stats", "domains": ["*"], "routes": routes}]
    manager = connection_manager(
        stat_prefix="stats",
        normalize_path=True,
        route_config={"name": "stats", "virtual_hosts": hosts},
        http_filters=[http_filter("router", "Router")],
    )
    return listener("stats", socket(placement.address, placement.stats), manager, ignore_global_conn_limit=True)


def _local(name: str, port: int) -> dict[str, Any]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": socket(LOOPBACK, port)}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                # Draining ends when no connection is left; one of the gateway's to itself must not stay.
                common_http_protocol_options={"max_requests_per_connection": 1},
            )
        },
    }


def _resolver(placement: Placement) -> dict[str, Any]:
    options: dict[str, Any] = {
        "dns_resolver_options": {"no_default_search_domain": True},
        # By default a lost packet costs 5 s, in which the replicas of a moment ago stay in use.
        "query_timeout_seconds": "1",
        "query_tries": 3,
        # A socket of its own for every hundred queries, so that they spread over CoreDNS's replicas.
        "udp_max_queries": 100,
    }
    if placement.resolvers:
        options["resolvers"] = [socket(address, port) for address, port in placement.resolvers]
    return {"name": "envoy.network.dns_resolver.cares", "typed_config": typed(_RESOLVER, **options)}


def _overload(memory_limit_bytes: int | None) -> dict[str, Any]:
    """Refuses what would end in an out-of-memory kill, which loses everything in flight."""
    monitors = [
        {
            "name": "envoy.resource_monitors.global_downstream_max_connections",
            "typed_config": typed(
                "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=str(_MAX_CONNECTIONS),
            ),
        }
    ]
    if memory_limit_bytes is None:
        return {"resource_monitors": monitors}
    heap = "envoy.resource_monitors.fixed_heap"
    monitors.append(
        {
            "name": heap,
            "typed_config": typed(
                "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                max_heap_size_bytes=str(memory_limit_bytes),
            ),
        }
    )
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": monitors,
        "actions": [
            {
                "name": f"envoy.overload_actions.{action}",
                "triggers": [{"name": heap, "threshold": {"value": threshold}}],
            }
            for action, threshold in (("shrink_heap", 0.8), ("stop_accepting_requests", 0.92))
        ],
    }
