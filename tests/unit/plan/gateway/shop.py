"""Specs and snapshots to plan a gateway from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from consumerapp_operator.api.app import ConsumerApp, read_app
from consumerapp_operator.api.names import COMPONENT_GATEWAY, labels
from consumerapp_operator.plan.gateway import GatewayPlan
from consumerapp_operator.plan.model import Images, LoadedConfiguration, Manifest, ObjectKey, Snapshot

IMAGES = Images(gateway="gateway:1", postgres="postgres:1", redis="redis:1", nats="nats:1")
SHOP: Mapping[str, list[str]] = {"order": ["product", "payment"], "payment": [], "product": []}


def app_of(calls: Mapping[str, list[str]] = SHOP, **spec: Any) -> ConsumerApp:
    """An app `shop` with these services and their calls; `spec` holds the rest of the spec."""
    services = [{"name": name, "image": "i:1", "calls": callees} for name, callees in calls.items()]
    metadata = {"namespace": "default", "name": "shop", "uid": "u-1", "generation": 1}
    return read_app({"metadata": metadata, "spec": {"services": services, **spec}})


def pod(name: str, *, ready: bool = True, **metadata: Any) -> Manifest:
    """A live gateway pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": "default",
            "name": name,
            "labels": labels("shop", COMPONENT_GATEWAY, "gateway"),
            **metadata,
        },
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def snapshot_of(
    app: ConsumerApp,
    live: Iterable[Manifest] = (),
    loaded: Mapping[str, LoadedConfiguration] | None = None,
    *,
    synced: bool = True,
) -> Snapshot:
    return Snapshot(
        app=app,
        images=IMAGES,
        children={ObjectKey.of(manifest): manifest for manifest in live},
        gateway_loaded=loaded or {},
        synced=synced,
    )


def planned(plan: GatewayPlan, kind: str, name: str = "shop-gateway") -> Manifest:
    """The one object of this kind and name in a plan."""
    (found,) = [item for item in plan.objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found
