"""The two Services of the gateway: for clients, and for the services among themselves."""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.api.names import COMPONENT_GATEWAY, Names, selector
from consumerapp_operator.plan.model import Manifest
from consumerapp_operator.plan.pods import metadata

HTTP_PORT, INTERNAL_PORT_NAME, ADMIN_PORT_NAME = "http", "internal", "admin"


def services(app: ConsumerApp) -> tuple[Manifest, Manifest]:
    """`shop-gateway`, exposed as the spec says, and `shop-internal`; both listen on 80."""
    names = Names(app.name)
    public: dict[str, Any] = {"name": "http", "port": 80, "targetPort": HTTP_PORT, "protocol": "TCP"}
    if app.spec.gateway.node_port is not None:
        public["nodePort"] = app.spec.gateway.node_port
    internal = {"name": "http", "port": 80, "targetPort": INTERNAL_PORT_NAME, "protocol": "TCP"}
    return (
        _service(app, names.gateway, app.spec.gateway.exposure.value, public),
        _service(app, names.internal, "ClusterIP", internal),
    )


def _service(app: ConsumerApp, name: str, type_: str, port: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(app, COMPONENT_GATEWAY, "gateway", name),
        "spec": {
            "type": type_,
            "selector": selector(app.name, COMPONENT_GATEWAY, "gateway"),
            "ports": [port],
        },
    }
