"""When a request is sent a second time, and when it must not be.

GET, HEAD and OPTIONS change nothing, so they are sent again after every failure of transport and after a 503
(a replica that shuts down or is not ready). All other methods are sent again only if the first attempt
certainly did not reach the service: no connection, a refused stream, a reset before the request was sent. A
payment is never made twice.
"""

from __future__ import annotations

from typing import Any

from consumerapp_operator.plan.gateway.extensions import typed

SAFE_METHODS = "GET|HEAD|OPTIONS"
_NEVER_REACHED = "connect-failure,refused-stream,reset-before-request"
_PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts"


def unsafe_policy() -> dict[str, Any]:
    """Retries that are right for any method; the default of each virtual host."""
    return {
        "retry_on": _NEVER_REACHED,
        "num_retries": 3,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.1s"},
        # Least-request balancing prefers a dead replica, which has no request in flight: without this the
        # same one would be tried again and again.
        "retry_host_predicate": [
            {
                "name": _PREVIOUS_HOSTS,
                "typed_config": typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
            }
        ],
        "host_selection_retry_max_attempts": "5",
    }


def safe_policy() -> dict[str, Any]:
    """Retries for methods that change nothing."""
    return {
        **unsafe_policy(),
        "retry_on": f"{_NEVER_REACHED},reset,retriable-status-codes",
        "retriable_status_codes": [503],
        # A replica that hangs: after this time a second one is asked as well and the first answer counts
        # (hedging). A plain time-out per attempt would turn a slow but legitimate answer into an error. Not
        # shorter, since under overload every request beyond it is one more request.
        "per_try_timeout": "5s",
    }


def hedge_policy() -> dict[str, Any]:
    return {"hedge_on_per_try_timeout": True}
