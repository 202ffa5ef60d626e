"""Paths that move from one service to another, while the other is not there yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from consumerapp_operator.plan.gateway.configuration import Resources, dump

Route = Mapping[str, Any]


def held_back(published: Resources, desired: Resources, reachable: Collection[str]) -> tuple[Resources, list[str]]:
    """The desired routes, with the published route in place of each that moves to a service out of reach.

    Returns them and the names of those services. A path that was not there before is no move: nobody loses it.
    """
    before = dict(_service_routes(published))
    held: set[str] = set()

    def chosen(name: str, host: str, route: Route) -> Route:
        old = before.get(_key(name, host, route))
        if old is None or "stat_prefix" not in route:
            return route
        service = route["route"]["cluster"]
        if service == old["route"]["cluster"] or service in reachable:
            return route
        held.add(service)
        return old

    routes = {
        name: {
            **configuration,
            "virtual_hosts": [
                {**host, "routes": [chosen(name, host["name"], route) for route in host["routes"]]}
                for host in configuration["virtual_hosts"]
            ],
        }
        for name, configuration in desired.items()
    }
    return routes, sorted(held)


def _service_routes(configurations: Resources) -> Iterator[tuple[tuple[str, str, str], Route]]:
    for name, configuration in configurations.items():
        for host in configuration["virtual_hosts"]:
            for route in host["routes"]:
                if "stat_prefix" in route:
                    yield _key(name, host["name"], route), route


def _key(name: str, host: str, route: Route) -> tuple[str, str, str]:
    """What a request must be like to take the route."""
    return name, host, dump(route["match"])
