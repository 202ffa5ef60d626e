"""The operator's plans for a spec, one after the other as the cluster would follow them, without a cluster.

A change takes several plans: a gateway's routes wait for its clusters, a Deployment for its migration, and nothing is
pruned before the gateway has moved on. What a reader wants to know is where it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from consumerapp_operator.api.names import (
    COMPONENT_DATABASE,
    COMPONENT_GATEWAY,
    LABEL_COMPONENT,
    LABEL_ROLE,
    ROLE_PRIMARY,
    Names,
)
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.gateway.configuration import published_configuration
from consumerapp_operator.plan.live import has_condition, has_labels, has_ready_primary, is_ready
from consumerapp_operator.plan.model import LoadedConfiguration, Manifest, ObjectKey, Patch, Snapshot

ROUNDS = 12


@dataclass(frozen=True)
class Rehearsed:
    """Where the plans end.

    wanted: every object, as the last plan that held it wants it. created: Secrets. pruned: what goes, in order.
    patches: the last one of each object that was there before. waiting: what the last plan still holds back.
    """

    wanted: Mapping[ObjectKey, Manifest]
    created: tuple[ObjectKey, ...] = ()
    pruned: tuple[ObjectKey, ...] = ()
    patches: tuple[Patch, ...] = ()
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def rehearse(snapshot: Snapshot) -> Rehearsed:
    """Follow plan after plan, each one on what the one before would leave behind."""
    children = dict(snapshot.children)
    wanted: dict[ObjectKey, Manifest] = {}
    created: list[ObjectKey] = []
    pruned: list[ObjectKey] = []
    patches: dict[ObjectKey, Patch] = {}
    waiting: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        made = plan(replace(snapshot, children=children, gateway_loaded=_loaded(snapshot, children)))
        if made.problems:
            return Rehearsed({}, problems=made.problems)
        before, children, waiting = children, dict(children), made.waiting
        for secret in made.secrets:
            key = ObjectKey.of(secret.manifest)
            created.append(key)
            children[key] = {**secret.manifest, "data": dict.fromkeys(secret.passwords, "")}
        for manifest in made.objects:
            key = ObjectKey.of(manifest)
            wanted[key] = manifest
            children[key] = _applied(manifest, children.get(key))
        for patch in made.patches:
            if patch.key in children:
                children[patch.key] = _merged(children[patch.key], patch.body)
                patches.update({patch.key: patch} if patch.key in snapshot.children else {})
        for key in made.prune:
            children.pop(key, None)
            wanted.pop(key, None)
            pruned.append(key)
        _start_databases(snapshot, children)
        if children == before:
            break
    return Rehearsed(wanted, tuple(created), tuple(pruned), tuple(patches.values()), (), waiting)


def _applied(manifest: Manifest, live: Manifest | None) -> Manifest:
    """As the API server would keep it. A migration that was not there has run; one that failed has not."""
    if manifest["kind"] == "Job":
        if live is not None and has_condition(live, "Failed"):
            return live
        return {**(live or manifest), "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    if live is None:
        return manifest
    if manifest["kind"] == "ConfigMap":
        # A configuration belongs to its plan as a whole; annotations are Patroni's.
        return {**manifest, "metadata": _merged(live["metadata"], manifest["metadata"])}
    return _merged(live, manifest)


def _merged(live: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(live)
    for name, value in body.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = _merged(result[name], value)
        else:
            result[name] = value
    return result


def _loaded(snapshot: Snapshot, children: Mapping[ObjectKey, Manifest]) -> dict[str, LoadedConfiguration]:
    """Every gateway pod has loaded what is published, and reaches every service."""
    key = ObjectKey("v1", "ConfigMap", snapshot.app.namespace, Names(snapshot.app.name).gateway)
    live = children.get(key)
    published = published_configuration((live or {}).get("data") or {})
    if published is None:
        return {}
    loaded = LoadedConfiguration(
        published.listeners.version,
        published.routes.version,
        published.clusters.version,
        frozenset(service.name for service in snapshot.app.spec.services),
    )
    return {
        key.name: loaded
        for key, manifest in children.items()
        if key.kind == "Pod" and has_labels(manifest, {LABEL_COMPONENT: COMPONENT_GATEWAY}) and is_ready(manifest)
    }


def _start_databases(snapshot: Snapshot, children: dict[ObjectKey, Manifest]) -> None:
    """A database that is to be made gets its primary, so that what waits for it goes on."""
    for key, manifest in list(children.items()):
        if key.kind != "StatefulSet" or not has_labels(manifest, {LABEL_COMPONENT: COMPONENT_DATABASE}):
            continue
        if key in snapshot.children:
            continue
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        if has_ready_primary(replace(snapshot, children=children), manifest["spec"]["selector"]["matchLabels"]):
            continue
        children[ObjectKey("v1", "Pod", key.namespace, f"{key.name}-0")] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{key.name}-0",
                "namespace": key.namespace,
                "labels": {**labels, LABEL_ROLE: ROLE_PRIMARY},
            },
            "spec": {},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
