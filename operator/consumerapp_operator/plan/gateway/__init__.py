"""The API gateway: Envoy, its configuration, and how that changes while requests pass."""

from __future__ import annotations

from consumerapp_operator.plan.gateway.loaded import LOADED_PATH, parse_loaded
from consumerapp_operator.plan.gateway.plan import GatewayPlan, plan_gateway

__all__ = ["LOADED_PATH", "GatewayPlan", "parse_loaded", "plan_gateway"]
