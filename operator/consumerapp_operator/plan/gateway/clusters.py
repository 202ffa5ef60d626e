"""How the gateway reaches a service: one cluster per service, named like it.

Endpoints come from the headless Service's name, not from the configuration, so that a replica that comes or
goes changes no file. A cluster that changes (its port, say) keeps its name and is replaced in place: Envoy
warms the new one before it drops the old, requests in flight end on the old, and statistics go on under the
same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import Names
from consumerapp_operator.api.service import Service
from consumerapp_operator.plan.gateway.extensions import typed

CLUSTER_DOMAIN = "cluster.local"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True)
class Upstream:
    """Where a service is. `host` resolves to the addresses of all its replicas."""

    name: str
    host: str
    port: int
    readiness: str


def upstream(app: ConsumerApp, service: Service, cluster_domain: str = CLUSTER_DOMAIN) -> Upstream:
    """A service of an app in its cluster."""
    # The dot at the end spares the five search domains of a pod's resolv.conf.
    host = f"{Names(app.name).service(service.name)}.{app.namespace}.svc.{cluster_domain}."
    return Upstream(service.name, host, service.port, service.health.readiness)


def cluster(upstream: Upstream) -> dict[str, Any]:
    """The cluster of one service."""
    address = {"socket_address": {"address": upstream.host, "port_value": upstream.port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": upstream.name,
        "cluster_type": {
            "name": "envoy.cluster.dns",
            "typed_config": typed(
                "envoy.extensions.clusters.dns.v3.DnsCluster",
                dns_refresh_rate="1s",
                # Not the record's time to live: CoreDNS says 30 s and caches none of these names.
                respect_dns_ttl=False,
                dns_failure_refresh_rate={"base_interval": "1s", "max_interval": "1s"},
                dns_lookup_family="V4_PREFERRED",
            ),
        },
        "load_assignment": {"cluster_name": upstream.name, "endpoints": endpoints},
        "connect_timeout": "0.5s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {
            # With active health checks the default would hold each new replica back for a second.
            "update_merge_window": "0s",
            # Below 1 % healthy, that is with no healthy replica at all, all are tried. Readiness that depends
            # on a database turns everywhere at once when that fails over. Then it does not say which replica
            # is better, and a request that is sent may be served from a cache or wait the failover out; one
            # that is refused has failed. With one healthy replica in a hundred only healthy ones are used.
            "healthy_panic_threshold": {"value": 1},
        },
        "health_checks": [_health_check(upstream)],
        # A replica that the name no longer gives is being stopped: it gets nothing new, whatever its health.
        "ignore_health_on_host_removal": True,
        "outlier_detection": _outlier_detection(),
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 4096,
                    "max_pending_requests": 4096,
                    "max_requests": 4096,
                    # The default of 3 makes GETs fail as soon as a replica dies under load.
                    "max_retries": 1024,
                }
            ]
        },
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: typed(
                _HTTP_OPTIONS,
                explicit_http_config={"http_protocol_options": {}},
                # Shorter than a server keeps an idle connection (uvicorn and Node by default: 5 s). Who
                # closes first decides: a request sent into a closing connection is lost.
                common_http_protocol_options={"idle_timeout": "3s"},
            )
        },
    }


def _health_check(upstream: Upstream) -> dict[str, Any]:
    return {
        "timeout": "1s",
        "interval": "2s",
        # Without traffic the default is a minute, and the first request would meet what was true then.
        "no_traffic_interval": "2s",
        "unhealthy_interval": "1s",
        "interval_jitter_percent": 10,
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": upstream.readiness, "host": upstream.name},
    }


def _outlier_detection() -> dict[str, Any]:
    """Ejects a replica that cannot be reached, long before its health check fails.

    Only failures of transport count. Answers of 500 are the service's own affair: they come from all replicas
    alike, and ejecting some would put their load on the others.
    """
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 2,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "3s",
        "max_ejection_percent": 67,
    }
