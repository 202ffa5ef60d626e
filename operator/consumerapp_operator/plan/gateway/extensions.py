"""Envoy's extensions by their short names: a name and a typed configuration."""

from __future__ import annotations

from typing import Any

_TYPE = "type.googleapis.com/"


def typed(message: str, **fields: Any) -> dict[str, Any]:
    """A protobuf `Any`: the message's full name without `type.googleapis.com/`, and its fields."""
    return {"@type": _TYPE + message, **fields}


def http_filter(name: str, message: str, **fields: Any) -> dict[str, Any]:
    """An HTTP filter: `http_filter("router", "Router")`."""
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": typed(f"envoy.extensions.filters.http.{name}.v3.{message}", **fields),
    }


def connection_manager(**fields: Any) -> dict[str, Any]:
    """The network filter that speaks HTTP."""
    name = "http_connection_manager"
    return {
        "name": f"envoy.filters.network.{name}",
        "typed_config": typed(f"envoy.extensions.filters.network.{name}.v3.HttpConnectionManager", **fields),
    }


def listener(name: str, address: dict[str, Any], manager: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A listener with one filter chain."""
    return {"name": name, "address": address, "filter_chains": [{"filters": [manager]}], **fields}
