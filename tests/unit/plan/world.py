"""Apps to plan for, and a world that answers a plan as an API server and its controllers would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.api.names import COMPONENT_DATABASE, LABEL_COMPONENT, LABEL_ROLE
from consumerapp_operator.observe.trim import trim
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.live import has_labels
from consumerapp_operator.plan.model import Images, Manifest, ObjectKey, Patch, Plan, Snapshot

NAMESPACE = "town"
IMAGES = Images(gateway="own/gateway:1", postgres="own/postgres:1", redis="own/redis:1", nats="own/nats:1")
DIGITS = "7711660464463962144"


def app(*services: Mapping[str, Any], **spec: Any) -> ConsumerApp:
    """An app `shop`; services without an image get one."""
    named = [{"image": f"acme/{service['name']}:1", **service} for service in services]
    return read_app(
        {
            "metadata": {"namespace": NAMESPACE, "name": "shop", "uid": "uid-of-shop", "generation": 1},
            "spec": {"services": named, **spec},
        }
    )


def snapshot(
    subject: ConsumerApp, *children: Mapping[str, Any], synced: bool = True, images: Images = IMAGES
) -> Snapshot:
    return Snapshot(subject, images, {ObjectKey.of(child): trim(live(child)) for child in children}, synced=synced)


def live(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The object as the API server gives it back."""
    metadata = {"uid": f"uid-of-{manifest['metadata']['name']}", **manifest["metadata"]}
    body = {**manifest, "metadata": metadata}
    if manifest["kind"] in ("StatefulSet", "Deployment") and "replicas" not in manifest["spec"]:
        body["spec"] = {"replicas": 2, **manifest["spec"]}
    return body


def find(objects: Iterable[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def names(objects: Iterable[Manifest], kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in objects if item["kind"] == kind}


def member(statefulset: Manifest, ordinal: int, role: str = "", *, ready: bool = True) -> dict[str, Any]:
    """A pod of a database."""
    labels = dict(statefulset["spec"]["template"]["metadata"]["labels"])
    if role:
        labels[LABEL_ROLE] = role
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{statefulset['metadata']['name']}-{ordinal}",
            "namespace": NAMESPACE,
            "labels": labels,
            "ownerReferences": [
                {"kind": "StatefulSet", "name": "x", "uid": "uid-of-a-statefulset", "controller": True}
            ],
        },
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def claim(statefulset: Manifest, ordinal: int) -> dict[str, Any]:
    """The volume of a member."""
    (template,) = statefulset["spec"]["volumeClaimTemplates"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": f"data-{statefulset['metadata']['name']}-{ordinal}",
            "namespace": NAMESPACE,
            "labels": {**template["metadata"]["labels"], **statefulset["spec"]["selector"]["matchLabels"]},
        },
        "spec": template["spec"],
    }


class World:
    """Takes in what a plan wants, and does what controllers do with it: pods, volumes, roles, finished Jobs."""

    def __init__(self, subject: ConsumerApp) -> None:
        self.app = subject
        self.children: dict[ObjectKey, Manifest] = {}

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.app, IMAGES, dict(self.children))

    def put(self, manifest: Mapping[str, Any]) -> None:
        self.children[ObjectKey.of(manifest)] = trim(live(manifest))

    def plan(self) -> Plan:
        return plan(self.snapshot)

    def apply(self, wanted: Plan) -> None:
        for manifest in wanted.objects:
            key = ObjectKey.of(manifest)
            if key.kind == "Job":
                if key not in self.children:
                    status = {"conditions": [{"type": "Complete", "status": "True"}]}
                    self.put({**manifest, "status": status})
                continue
            before = self.children.get(key)
            kept = (before["metadata"].get("annotations") or {}) if before and key.kind == "ConfigMap" else {}
            metadata = dict(manifest["metadata"])
            if annotations := {**kept, **(metadata.get("annotations") or {})}:
                metadata["annotations"] = annotations
            self.put({**manifest, "metadata": metadata})
        for secret in wanted.secrets:
            self.put({**secret.manifest, "data": dict.fromkeys(secret.passwords, "")})
        for patch in wanted.patches:
            self._patch(patch)
        for key in wanted.prune:
            self.children.pop(key)
        for manifest in list(self.children.values()):
            if manifest["kind"] == "StatefulSet" and has_labels(manifest, {LABEL_COMPONENT: COMPONENT_DATABASE}):
                self._start(manifest)

    def settle(self, rounds: int = 12) -> Plan:
        """Apply plan after plan until one changes nothing; the last one. Fails if there is no end of it."""
        for _ in range(rounds):
            wanted, before = self.plan(), dict(self.children)
            self.apply(wanted)
            if self.children == before:
                return wanted
        raise AssertionError(f"not settled after {rounds} plans")

    def _start(self, statefulset: Manifest) -> None:
        scope = statefulset["metadata"]["name"]
        for ordinal in range(2):
            self.put(member(statefulset, ordinal, "replica" if ordinal else "primary"))
            if ObjectKey.of(volume := claim(statefulset, ordinal)) not in self.children:
                self.put(volume)
        for kind, annotation, value in (
            ("config", "initialize", DIGITS),
            ("leader", "leader", f"{scope}-0"),
        ):
            key = ObjectKey("v1", "ConfigMap", NAMESPACE, f"{scope}-{kind}")
            configmap = self.children[key]
            annotations = {annotation: value, **(configmap["metadata"].get("annotations") or {})}
            self.put({**configmap, "metadata": {**configmap["metadata"], "annotations": annotations}})

    def _patch(self, patch: Patch) -> None:
        if patch.key in self.children:
            self.children[patch.key] = _merged(self.children[patch.key], patch.body)


def _merged(live: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(live)
    for name, value in body.items():
        inner = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = _merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[name] = value
    return result


_NAMES = ("user", "product", "order", "payment", "order-history")


@st.composite
def apps(draw: st.DrawFn) -> ConsumerApp:
    """Apps without problems: services call only those named after them, so there is no circle."""
    chosen = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=4, unique=True))
    services = []
    for index, name in enumerate(chosen):
        service: dict[str, Any] = {"name": name, "port": draw(st.sampled_from([8080, 3000]))}
        if later := chosen[index + 1 :]:
            service["calls"] = draw(st.lists(st.sampled_from(later), unique=True))
        if draw(st.booleans()):
            service["database"] = draw(_DATABASES)
        if draw(st.booleans()):
            service["cache"] = {}
        if draw(st.booleans()):
            service["egress"] = [{"cidr": "10.0.0.0/8", "port": 443}]
        if draw(st.booleans()):
            service["env"] = [{"name": "EMPTY", "value": ""}, {"name": "FULL", "value": "x"}]
        services.append(service)
    spec: dict[str, Any] = {"deletionPolicy": draw(st.sampled_from(["Retain", "Delete"]))}
    if draw(st.booleans()):
        spec["gateway"] = {"routes": [{"path": "/api", "service": chosen[0]}]}
    if draw(st.booleans()):
        spec["bus"] = {"type": "nats", "replicas": draw(st.sampled_from([1, 3]))}
        services[0]["publishes"] = ["order.placed"]
        worker = {"name": "notifier", "image": "acme/notifier:1", "consumes": ["order.placed", "user.signed_up"]}
        spec["workers"] = [{**worker, **draw(st.sampled_from([{}, {"health": {}}, {"command": ["run"]}]))}]
    return app(*services, **spec)


_DATABASES = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 3),
        "durability": st.sampled_from(["Quorum", "Async"]),
        "migrate": st.just({"command": ["migrate", "up"]}),
        "storage": st.sampled_from([{"size": "1024Mi"}, {"size": "20Gi", "storageClassName": "fast"}]),
        "maxConnections": st.integers(20, 100),
    },
)


def without_service(subject: ConsumerApp, name: str) -> ConsumerApp:
    """The app without one service, and without calls and routes to it."""
    services = [
        service.model_copy(update={"calls": [callee for callee in service.calls if callee != name]})
        for service in subject.spec.services
        if service.name != name
    ]
    gateway = subject.spec.gateway.model_copy(update={"routes": None})
    return subject.model_copy(
        update={"spec": subject.spec.model_copy(update={"services": services, "gateway": gateway})}
    )


def in_state(world: World, subject: ConsumerApp) -> Snapshot:
    """The same children, seen by another version of the app."""
    return replace(world.snapshot, app=subject)
