"""The members of a database as the watch last saw them, for the decision whether one may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_DATABASE, Names, selector
from consumerapp_operator.observe.replicas import APPS
from consumerapp_operator.plan.live import annotation, has_labels, is_ready
from consumerapp_operator.plan.model import Manifest, ObjectKey
from consumerapp_operator.scale.members import Members


@dataclass(frozen=True)
class Sighting:
    """The members, the address of each pod by name, and the Secret with Patroni's password."""

    state: Members
    ips: dict[str, str]
    admin_secret: ObjectKey


def members_of(app: ConsumerApp, service: str, children: Mapping[ObjectKey, Manifest]) -> Sighting | None:
    """None without a StatefulSet."""
    names = Names(app.name)
    scope = names.database(service)
    statefulset = children.get(ObjectKey(APPS, "StatefulSet", app.namespace, scope))
    if statefulset is None:
        return None
    labels = selector(app.name, COMPONENT_DATABASE, service)
    pods = {
        ordinal: manifest
        for key, manifest in children.items()
        if key.kind == "Pod" and has_labels(manifest, labels) and (ordinal := _ordinal(key.name, scope)) is not None
    }
    sync = _configmap(children, app.namespace, f"{scope}-sync")
    standbys = {name for name in annotation(sync, "sync_standby").split(",") if name}
    state = Members(
        scope=scope,
        count=statefulset["spec"].get("replicas", 1),
        present=frozenset(pods),
        ready=frozenset(ordinal for ordinal, pod in pods.items() if is_ready(pod)),
        leader=annotation(_configmap(children, app.namespace, f"{scope}-leader"), "leader") or None,
        synchronous=frozenset({annotation(sync, "leader"), *standbys} - {""}) if standbys else frozenset(),
    )
    ips = {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in pods.values()
        if (pod.get("status") or {}).get("podIP")
    }
    secret = ObjectKey("v1", "Secret", app.namespace, names.database_admin_secret(service))
    return Sighting(state, ips, secret)


def _configmap(children: Mapping[ObjectKey, Manifest], namespace: str, name: str) -> Manifest | None:
    return children.get(ObjectKey("v1", "ConfigMap", namespace, name))


def _ordinal(pod: str, scope: str) -> int | None:
    suffix = pod.removeprefix(f"{scope}-")
    return int(suffix) if suffix.isdigit() else None
