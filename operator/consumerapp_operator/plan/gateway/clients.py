"""What the public listener does for clients besides routing: CORS and compression.

A filter is in the chain only while its field is in the spec. Putting one in or taking one out changes the
listener, which ends each connection with `Connection: close` on its next response and loses no request. What
CORS allows is in the routes, which change without that. No filter here names a cluster (see stages.py), and a
route's settings for a filter that is not in the chain yet have no effect.
"""

from __future__ import annotations

from typing import Any

from consumerapp_operator.api.components import Gateway
from consumerapp_operator.api.gateway import Cors
from consumerapp_operator.plan.gateway.extensions import http_filter, typed

_CORS = "envoy.filters.http.cors"


def client_filters(gateway: Gateway) -> list[dict[str, Any]]:
    """The filters that the spec asks for, in the order in which a request meets them."""
    filters = []
    if gateway.cors:
        filters.append(http_filter("cors", "Cors"))
    if gateway.compression:
        minimum = gateway.compression.minimum_bytes
        # Fast levels: the gateway's CPU is what an app pays for it, and JSON shrinks to a fraction anyway.
        filters.append(_compressor("brotli", "Brotli", minimum, choose_first=True, quality=3))
        filters.append(_compressor("gzip", "Gzip", minimum, choose_first=False, compression_level="BEST_SPEED"))
    return filters


def client_policies(gateway: Gateway) -> dict[str, Any]:
    """Fields of the public virtual host; none without CORS."""
    if not gateway.cors:
        return {}
    # The answer names the origin that asked, so a cache must keep one for each.
    vary = {"header": {"key": "Vary", "value": "Origin"}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
    return {"typed_per_filter_config": {_CORS: _policy(gateway.cors)}, "response_headers_to_add": [vary]}


def _policy(cors: Cors) -> dict[str, Any]:
    return typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in cors.allow_origins],
        allow_methods=", ".join(cors.allow_methods),
        allow_headers=", ".join(cors.allow_headers),
        expose_headers=", ".join(cors.expose_headers),
        allow_credentials=cors.allow_credentials,
        max_age=str(cors.max_age_seconds),
        # A preflight of any other origin ends here too: a service knows nothing of CORS and would answer 405.
        forward_not_matching_preflights=False,
    )


def _compressor(name: str, library: str, minimum_bytes: int, *, choose_first: bool, **options: Any) -> dict[str, Any]:
    compressor = http_filter(
        "compressor",
        "Compressor",
        response_direction_config={"common_config": {"min_content_length": minimum_bytes}},
        choose_first=choose_first,
        compressor_library={
            "name": name,
            "typed_config": typed(f"envoy.extensions.compression.{name}.compressor.v3.{library}", **options),
        },
    )
    return {**compressor, "name": f"{compressor['name']}.{name}"}
