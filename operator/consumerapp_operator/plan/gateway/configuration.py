"""The files that a gateway reads again while it runs, and what the live ConfigMap holds of them.

Each part has a version that Envoy reports back once it has loaded it: `<sequence>-<digest of the content>`.
The digest tells a content that somebody edited; the sequence never comes back, so that a pod which confirms a
version has loaded it now and not in an earlier life of the same content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.plan.gateway.bootstrap import CLUSTERS_FILE, LISTENERS_FILE
from consumerapp_operator.plan.gateway.clusters import Upstream, cluster, upstream
from consumerapp_operator.plan.gateway.extensions import typed
from consumerapp_operator.plan.gateway.listeners import (
    INTERNAL,
    PUBLIC,
    ROUTES_FILE,
    internal_listener,
    public_listener,
)
from consumerapp_operator.plan.gateway.placement import IN_POD, Placement
from consumerapp_operator.plan.gateway.routes import internal_routes, public_routes

Resources = Mapping[str, Mapping[str, Any]]
"""Envoy's resources of one type, by name."""

_LISTENER = "envoy.config.listener.v3.Listener"
_ROUTES = "envoy.config.route.v3.RouteConfiguration"
_CLUSTER = "envoy.config.cluster.v3.Cluster"


@dataclass(frozen=True)
class Desired:
    """What the gateway should run with in the end."""

    listeners: Resources
    routes: Resources
    clusters: Resources


@dataclass(frozen=True)
class Part:
    """Resources of one type as they are published, and their version."""

    version: str
    resources: Resources

    @classmethod
    def of(cls, sequence: int, resources: Resources) -> Part:
        return cls(f"{sequence}-{digest(resources)}", resources)


@dataclass(frozen=True)
class Configuration:
    """What one state of the ConfigMap holds, bootstrap and scripts apart."""

    listeners: Part
    routes: Part
    clusters: Part

    def files(self) -> dict[str, str]:
        """The ConfigMap's data: JSON, which is YAML too."""
        routes = {
            file: _discovery(self.routes.version, _ROUTES, [self.routes.resources[name]])
            for name, file in ROUTES_FILE.items()
        }
        return {
            LISTENERS_FILE: _discovery(self.listeners.version, _LISTENER, self.listeners.resources.values()),
            CLUSTERS_FILE: _discovery(self.clusters.version, _CLUSTER, self.clusters.resources.values()),
            **routes,
        }


def desired_configuration(
    app: ConsumerApp, *, placement: Placement = IN_POD, upstreams: Iterable[Upstream] | None = None
) -> Desired:
    """What the spec asks for. `upstreams` says where the services are, if not where Kubernetes has them."""
    if upstreams is None:
        upstreams = [upstream(app, service) for service in app.spec.services]
    return Desired(
        listeners={PUBLIC: public_listener(placement, app.spec.gateway), INTERNAL: internal_listener(placement)},
        routes={PUBLIC: public_routes(app.spec), INTERNAL: internal_routes(app.spec)},
        clusters={item.name: cluster(item) for item in upstreams},
    )


def published_configuration(data: Mapping[str, str]) -> Configuration | None:
    """What a ConfigMap's data says; None if it lacks a file or holds what the operator did not write."""
    listeners = _read(data, LISTENERS_FILE)
    clusters = _read(data, CLUSTERS_FILE)
    routes = [_read(data, file) for file in ROUTES_FILE.values()]
    if listeners is None or clusters is None or routes[0] is None or routes[1] is None:
        return None
    if routes[0].version != routes[1].version:
        return None
    both = Part(routes[0].version, {**routes[0].resources, **routes[1].resources})
    if any(sequence(part.version) == 0 for part in (listeners, clusters, both)):
        return None
    return Configuration(listeners, both, clusters)


def sequence(version: str) -> int:
    """The place of a version among all that were published; 0 for what is no version."""
    head = version.partition("-")[0]
    return int(head) if head.isascii() and head.isdigit() else 0


def intact(part: Part) -> bool:
    """Whether the resources are those that the version was made for."""
    return part.version.partition("-")[2] == digest(part.resources)


def digest(value: Any) -> str:
    """A hash of JSON data that does not depend on the order of keys."""
    return hashlib.sha256(dump(value).encode()).hexdigest()[:12]


def dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _discovery(version: str, message: str, resources: Iterable[Mapping[str, Any]]) -> str:
    """A DiscoveryResponse, the form in which Envoy reads resources from a file."""
    ordered = sorted(resources, key=lambda resource: str(resource["name"]))
    return dump({"version_info": version, "resources": [typed(message, **resource) for resource in ordered]})


def _read(data: Mapping[str, str], file: str) -> Part | None:
    try:
        response = json.loads(data[file])
        resources = {
            resource["name"]: {key: value for key, value in resource.items() if key != "@type"}
            for resource in response["resources"]
        }
        return Part(str(response["version_info"]), resources)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
