"""Who may reach which service by which path, from outside and from one another.

Two route configurations, each in a file of its own (Envoy takes one per file). Both begin with READY_PATH,
which exists only where a route configuration has been loaded, and end with 404. Each route counts under
`<caller>__<callee>` (`ext__<service>` from outside): that is where the call graph is read. A dot there would
corrupt the metric's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from consumerapp_operator.api.app import ConsumerAppSpec
from consumerapp_operator.api.components import Route
from consumerapp_operator.plan.gateway.bootstrap import LOCAL_INTERNAL
from consumerapp_operator.plan.gateway.clients import client_policies
from consumerapp_operator.plan.gateway.listeners import INTERNAL, PUBLIC, READY_PATH
from consumerapp_operator.plan.gateway.retries import (
    SAFE_METHODS,
    hedge_policy,
    safe_policy,
    unsafe_policy,
)

PUBLIC_TIMEOUT = "15s"
# Shorter than the public one, so that a caller still has time to answer when what it calls does not.
INTERNAL_TIMEOUT = "10s"
OUTSIDE = "ext"


def public_routes(spec: ConsumerAppSpec) -> dict[str, Any]:
    """The route configuration of the public listener."""
    # Asks the internal listener in turn: the answer proves that both have their routes.
    ready = {"match": {"path": READY_PATH}, "route": {"cluster": LOCAL_INTERNAL, "timeout": "1s"}}
    routes = [route for path, service in _public_paths(spec) for route in _public(path, service)]
    public = _virtual_host(PUBLIC, [spec.host or "*"], [ready, *routes, _not_found("no route for this path")])
    hosts = [{**public, **client_policies(spec.gateway)}]
    if spec.host:
        # Probes and load balancers ask by address.
        hosts.append(_virtual_host("other", ["*"], [ready, _not_found("no such host")]))
    return _configuration(PUBLIC, hosts)


def internal_routes(spec: ConsumerAppSpec) -> dict[str, Any]:
    """The route configuration of the internal listener: declared calls and nothing else."""
    names = {service.name for service in spec.services}
    ready = {"match": {"path": READY_PATH}, "direct_response": {"status": 200}}
    routes = [
        route
        for caller in sorted(spec.services, key=lambda service: service.name)
        for callee in sorted(names.intersection(caller.calls))
        for route in _internal(caller.name, callee)
    ]
    not_found = _not_found("no such call is declared; name the service in spec.services[].calls of its caller")
    return _configuration(INTERNAL, [_virtual_host(INTERNAL, ["*"], [ready, *routes, not_found])])


def _public_paths(spec: ConsumerAppSpec) -> Iterator[tuple[str, str]]:
    """Path and service, in the order in which Envoy is to try them: the longest path first."""
    names = {service.name for service in spec.services}
    wanted = spec.gateway.routes
    if wanted is None:
        wanted = [Route(path=f"/api/{name}", service=name) for name in names]
    paths: dict[str, str] = {}
    for route in wanted:
        if route.service in names:
            # Requests come with single slashes (merge_slashes), and a path means what is below it with or
            # without a slash at its end.
            paths.setdefault(re.sub("/+", "/", route.path).rstrip("/"), route.service)
    yield from sorted(paths.items(), key=lambda item: (-len(item[0]), item[0]))


def _public(path: str, service: str) -> list[dict[str, Any]]:
    match = {"path_separated_prefix": path} if path else {"prefix": "/"}
    return _by_method(match, f"{OUTSIDE}__{service}", {"cluster": service, "timeout": PUBLIC_TIMEOUT})


def _internal(caller: str, callee: str) -> list[dict[str, Any]]:
    path = f"/{caller}/{callee}"
    action = {
        "cluster": callee,
        "timeout": INTERNAL_TIMEOUT,
        # Not prefix_rewrite, which makes // of a path below the prefix, or nothing of the prefix itself.
        "regex_rewrite": {"pattern": {"regex": f"^{path}/?"}, "substitution": "/"},
    }
    return _by_method({"path_separated_prefix": path}, f"{caller}__{callee}", action)


def _by_method(match: dict[str, Any], stat_prefix: str, action: dict[str, Any]) -> list[dict[str, Any]]:
    """Two routes: safe methods with their own retries, and all others with those of the virtual host."""
    safe_methods = [{"name": ":method", "string_match": {"safe_regex": {"regex": SAFE_METHODS}}}]
    return [
        {
            "match": {**match, "headers": safe_methods},
            "stat_prefix": stat_prefix,
            "route": {**action, "retry_policy": safe_policy(), "hedge_policy": hedge_policy()},
        },
        {"match": match, "stat_prefix": stat_prefix, "route": action},
    ]


def _not_found(detail: str) -> dict[str, Any]:
    return {"match": {"prefix": "/"}, "direct_response": {"status": 404, "body": {"inline_string": detail}}}


def _virtual_host(name: str, domains: list[str], routes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "domains": domains, "routes": routes, "retry_policy": unsafe_policy()}


def _configuration(name: str, virtual_hosts: list[dict[str, Any]]) -> dict[str, Any]:
    # The host is the app's on every port: the Service, a NodePort and a load balancer have different ones.
    return {"name": name, "virtual_hosts": virtual_hosts, "ignore_port_in_host_matching": True}
