"""The cache: bounded, without anything on disk, and only where somebody wants it."""

from __future__ import annotations

import pytest

from consumerapp_operator.api.names import ANNOTATION_CONFIGURATION
from consumerapp_operator.plan.compose import plan
from tests.unit.plan.world import app, find, names, snapshot


def test_there_is_a_cache_only_if_somebody_asks_for_it() -> None:
    without = plan(snapshot(app({"name": "a"}))).objects
    assert not any("cache" in item["metadata"]["name"] for item in without)
    for asking in (app({"name": "a", "cache": {}}), app({"name": "a"}, cache={})):
        objects = plan(snapshot(asking)).objects
        for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"):
            assert "shop-cache" in names(objects, kind)


@pytest.mark.parametrize(
    ("memory", "maximum", "limit"), [("128Mi", "128mb", "224Mi"), ("16Mi", "16mb", "56Mi"), ("2Gi", "2048mb", "3104Mi")]
)
def test_redis_evicts_before_its_container_is_killed(memory: str, maximum: str, limit: str) -> None:
    objects = plan(snapshot(app({"name": "a"}, cache={"memory": memory}))).objects
    lines = find(objects, "ConfigMap", "shop-cache")["data"]["redis.conf"].splitlines()
    assert f"maxmemory {maximum}" in lines
    assert {"maxmemory-policy allkeys-lru", 'save ""', "appendonly no"} <= set(lines)
    (container,) = find(objects, "Deployment", "shop-cache")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == limit


def test_a_change_of_its_configuration_restarts_it() -> None:
    def mark(memory: str) -> str:
        objects = plan(snapshot(app({"name": "a"}, cache={"memory": memory}))).objects
        template = find(objects, "Deployment", "shop-cache")["spec"]["template"]
        return str(template["metadata"]["annotations"][ANNOTATION_CONFIGURATION])

    assert mark("128Mi") == mark("128Mi") != mark("256Mi")
