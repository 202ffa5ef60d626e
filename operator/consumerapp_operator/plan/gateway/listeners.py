"""The two listeners that carry requests: the public one, which trusts nobody, and the internal one.

They hold nothing of the spec but which filters for clients are on (clients.py). A listener that changes drains
its connections; routes do not, and they are what changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consumerapp_operator.api.components import Gateway
from consumerapp_operator.plan.gateway.clients import client_filters
from consumerapp_operator.plan.gateway.extensions import connection_manager, http_filter, listener, typed
from consumerapp_operator.plan.gateway.placement import Placement, socket

PUBLIC, INTERNAL = "public", "internal"
READY_PATH = "/-/ready"
ROUTES_FILE = {PUBLIC: "rds-public.yaml", INTERNAL: "rds-internal.yaml"}


def public_listener(placement: Placement, gateway: Gateway) -> dict[str, Any]:
    """Requests from outside: paths normalized, headers limited and cleaned, the client's address recorded."""
    return _listener(
        PUBLIC,
        placement,
        placement.public,
        client_filters(gateway),
        # The peer's address is appended to X-Forwarded-For, and x-envoy-* headers, which would steer
        # time-outs and retries, are taken off: no address counts as internal. (Private ones would by
        # default, and behind a NodePort every client has one.)
        use_remote_address=True,
        internal_address_config={"unix_sockets": False},
        path_with_escaped_slashes_action="REJECT_REQUEST",
        max_request_headers_kb=32,
        request_headers_timeout="10s",
        request_timeout="60s",
        always_set_request_id_in_response=True,
        common_http_protocol_options={
            **_connections(),
            "max_headers_count": 100,
            # a_b and a-b become the same name in CGI-like servers; nginx drops them by default as well.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
    )


def internal_listener(placement: Placement) -> dict[str, Any]:
    """Calls between services; request id and forwarded address stay as the caller sent them."""
    return _listener(
        INTERNAL,
        placement,
        placement.internal,
        (),
        use_remote_address=False,
        skip_xff_append=True,
        internal_address_config={"unix_sockets": False},
        preserve_external_request_id=True,
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        common_http_protocol_options=_connections(),
    )


def _connections() -> dict[str, Any]:
    return {
        # Longer than any load balancer keeps an idle connection (Google's: 600 s): whoever closes first loses
        # the request that is just being sent.
        "idle_timeout": "660s",
        # A Service balances connections, not requests. Without an end of their own, those of busy clients
        # would stay at the gateway replicas that were there first.
        "max_connection_duration": "30s",
    }


def _listener(
    name: str, placement: Placement, port: int, filters: Sequence[dict[str, Any]], **manager: Any
) -> dict[str, Any]:
    return listener(
        name,
        socket(placement.address, port),
        connection_manager(
            stat_prefix=name,
            rds={"route_config_name": name, "config_source": file_source(placement, ROUTES_FILE[name])},
            normalize_path=True,
            merge_slashes=True,
            # Ends a connection with `Connection: close` on a response, never between two requests.
            http1_safe_max_connection_duration=True,
            server_header_transformation="PASS_THROUGH",
            local_reply_config=_problem(),
            access_log=[_failures(name)],
            # Callees learn the deadline from x-envoy-expected-rq-timeout-ms; nobody outside learns anything.
            http_filters=[
                _readiness(),
                *filters,
                http_filter("router", "Router", suppress_envoy_headers=name == PUBLIC),
            ],
            **manager,
        ),
        per_connection_buffer_limit_bytes=262144,
    )


def file_source(placement: Placement, name: str) -> dict[str, Any]:
    """A file of the mounted configuration, read again whenever the kubelet swaps the directory's content.

    Without the watched directory Envoy would not see the swap, which moves a symbolic link and not the file.
    """
    return {
        "resource_api_version": "V3",
        "path_config_source": {
            "path": placement.file(name),
            "watched_directory": {"path": placement.directory},
        },
    }


def _readiness() -> dict[str, Any]:
    """Lets the probe through to the routes, and keeps it out of the statistics of requests."""
    return http_filter(
        "health_check",
        "HealthCheck",
        pass_through_mode=True,
        headers=[{"name": ":path", "string_match": {"exact": READY_PATH}}],
    )


def _problem() -> dict[str, Any]:
    """What Envoy answers by itself, as RFC 9457 problem details."""
    return {
        "body_format": {
            "json_format": {
                "type": "about:blank",
                "status": "%RESPONSE_CODE%",
                "detail": "%LOCAL_REPLY_BODY%",
                "requestId": "%REQ(X-REQUEST-ID)%",
            },
            "content_type": "application/problem+json",
        }
    }


def _failures(name: str) -> dict[str, Any]:
    """A line for each response of 500 and above; the query is left out, it may hold what is secret."""
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": {
            "status_code_filter": {
                "comparison": {
                    "op": "GE",
                    "value": {"default_value": 500, "runtime_key": "access_log.from_status"},
                }
            }
        },
        "typed_config": typed(
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            log_format={
                "json_format": {
                    "time": "%START_TIME%",
                    "listener": name,
                    "method": "%REQ(:METHOD)%",
                    "path": "%PATH(NQ:ORIG_OR_PATH)%",
                    "status": "%RESPONSE_CODE%",
                    "flags": "%RESPONSE_FLAGS%",
                    "details": "%RESPONSE_CODE_DETAILS%",
                    "durationMilliseconds": "%DURATION%",
                    "cluster": "%UPSTREAM_CLUSTER%",
                    "upstream": "%UPSTREAM_HOST%",
                    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
                    "requestId": "%REQ(X-REQUEST-ID)%",
                }
            },
        ),
    }
