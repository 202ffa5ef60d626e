"""How a configuration that is in use becomes the desired one without losing a request.

A route to a cluster that Envoy does not have answers 503, and Envoy reads the files of one change in any
order. So a change takes three steps, each published only when every serving pod has confirmed the one before:

1. clusters are added (and changed in place); no route uses the new ones yet
2. routes are switched; all clusters that any pod may still route to are there
3. clusters that no route uses any more are removed

A path that moves from one service to another moves only when every pod has a healthy replica of the new one
(moves.py); until then the old service goes on, and no other change waits for it.

The law: whatever pairing of published routes and published clusters a pod may hold, it has a cluster for each
route.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consumerapp_operator.plan.gateway.configuration import (
    Configuration,
    Desired,
    Part,
    Resources,
    intact,
    sequence,
)
from consumerapp_operator.plan.gateway.moves import held_back
from consumerapp_operator.plan.model import LoadedConfiguration

Pods = Mapping[str, LoadedConfiguration | None]
"""Serving gateway pods and what they have confirmed; None if a pod did not answer."""


@dataclass(frozen=True)
class Step:
    """What to publish now, and why it is not yet all of the desired configuration."""

    configuration: Configuration
    waiting: tuple[str, ...] = ()


def next_step(published: Configuration | None, desired: Desired, pods: Pods) -> Step:
    """The next configuration to publish; the published one itself while pods have not confirmed it."""
    number = 1 + _highest_sequence(published, pods)
    if published is None or not pods or not all(map(intact, _parts(published))):
        # Nobody serves with it, or somebody edited it and what pods hold is not known: there is nothing to be
        # careful of, or no way to be.
        listeners, routes, clusters = _parts(published) if published else (None, None, None)
        return Step(
            Configuration(
                _revised(listeners, desired.listeners, number),
                _revised(routes, desired.routes, number),
                _revised(clusters, desired.clusters, number),
            )
        )
    # Listeners name no cluster and their route configurations never change names, so they need no order.
    new_listeners = _revised(published.listeners, desired.listeners, number)
    if published.routes.resources == desired.routes:
        return _remove(published, new_listeners, desired, pods, number)
    widened: Resources = {**published.clusters.resources, **desired.clusters}
    if widened != published.clusters.resources:
        new_clusters = Part.of(number, widened)
        return Step(
            Configuration(new_listeners, published.routes, new_clusters),
            (f"routes change when every gateway pod has loaded clusters {new_clusters.version}",),
        )
    unconfirmed = _unconfirmed(pods, clusters=published.clusters.version)
    if unconfirmed:
        return Step(Configuration(new_listeners, published.routes, published.clusters), unconfirmed)
    reachable = frozenset.intersection(*(loaded.reachable for loaded in pods.values() if loaded is not None))
    kept, held = held_back(published.routes.resources, desired.routes, reachable)
    new_routes = _revised(published.routes, kept, number)
    waiting = tuple(
        f"requests move to service {name} when every gateway pod has a healthy replica of it" for name in held
    )
    if not waiting and published.clusters.resources != desired.clusters:
        waiting = (f"clusters no longer used go when every gateway pod has loaded routes {new_routes.version}",)
    return Step(Configuration(new_listeners, new_routes, published.clusters), waiting)


def _remove(published: Configuration, listeners: Part, desired: Desired, pods: Pods, number: int) -> Step:
    """Clusters when the routes are the desired ones: removed only if no pod can be on older routes."""
    kept = desired.clusters
    waiting: tuple[str, ...] = ()
    if published.clusters.resources.keys() - desired.clusters.keys():
        waiting = _unconfirmed(pods, routes=published.routes.version)
        if waiting:
            kept = {**published.clusters.resources, **desired.clusters}
    clusters = _revised(published.clusters, kept, number)
    return Step(Configuration(listeners, published.routes, clusters), waiting)


def _unconfirmed(pods: Pods, *, routes: str | None = None, clusters: str | None = None) -> tuple[str, ...]:
    """A sentence for each pod that has not loaded the version."""
    result = []
    for name, loaded in sorted(pods.items()):
        if loaded is None:
            result.append(f"gateway pod {name} does not say what it has loaded")
        elif routes is not None and loaded.routes != routes:
            result.append(f"gateway pod {name} has not loaded routes {routes} yet")
        elif clusters is not None and loaded.clusters != clusters:
            result.append(f"gateway pod {name} has not loaded clusters {clusters} yet")
    return tuple(result)


def _revised(part: Part | None, resources: Resources, number: int) -> Part:
    """The same part if it is what is wanted already, so that nothing is written; else a new version."""
    if part is not None and part.resources == resources and intact(part):
        return part
    return Part.of(number, resources)


def _highest_sequence(published: Configuration | None, pods: Pods) -> int:
    versions = [part.version for part in _parts(published)] if published else []
    for loaded in pods.values():
        if loaded is not None:
            versions += [loaded.listeners, loaded.routes, loaded.clusters]
    return max(map(sequence, versions), default=0)


def _parts(configuration: Configuration) -> tuple[Part, Part, Part]:
    return (configuration.listeners, configuration.routes, configuration.clusters)
