"""The objects of the gateway, and how they follow the snapshot."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from consumerapp_operator.api.components import ResourceList, Resources
from consumerapp_operator.api.names import ANNOTATION_CONFIGURATION
from consumerapp_operator.plan.gateway import parse_loaded, plan_gateway
from consumerapp_operator.plan.gateway.configuration import published_configuration
from consumerapp_operator.plan.gateway.deployment import ANNOTATION_BOOTSTRAP, workers
from consumerapp_operator.plan.model import LoadedConfiguration, Manifest
from tests.unit.plan.gateway.shop import app_of, planned, pod, snapshot_of

FIRST = plan_gateway(snapshot_of(app_of()))
CONFIG_MAP = planned(FIRST, "ConfigMap")


def _loaded(config_map: Manifest) -> LoadedConfiguration:
    published = published_configuration(config_map["data"])
    assert published is not None
    return LoadedConfiguration(
        published.listeners.version,
        published.routes.version,
        published.clusters.version,
        frozenset(published.clusters.resources),
    )


def _template(plan_of: Any) -> Manifest:
    template: Manifest = planned(plan_of, "Deployment")["spec"]["template"]
    return template


def _annotation_of(template: Manifest) -> str:
    value: str = template["metadata"]["annotations"][ANNOTATION_BOOTSTRAP]
    return value


def test_a_new_app_gets_everything_at_once() -> None:
    assert [(item["kind"], item["metadata"]["name"]) for item in FIRST.objects] == [
        ("ConfigMap", "shop-gateway"),
        ("Deployment", "shop-gateway"),
        ("Service", "shop-gateway"),
        ("Service", "shop-internal"),
    ]
    assert (FIRST.patches, FIRST.waiting) == ((), ())


def test_a_second_plan_wants_the_same() -> None:
    live = [*FIRST.objects, pod("a")]
    loaded = {"a": _loaded(CONFIG_MAP)}
    assert plan_gateway(snapshot_of(app_of(), live, loaded)).objects == FIRST.objects
    assert plan_gateway(snapshot_of(app_of(), live)).objects == FIRST.objects, "also if no pod answers"


def test_no_replica_count_is_written() -> None:
    assert "replicas" not in planned(FIRST, "Deployment")["spec"]


def test_before_all_is_read_the_configuration_is_left_alone() -> None:
    plan = plan_gateway(snapshot_of(app_of(), synced=False))
    assert [item["kind"] for item in plan.objects] == ["Deployment", "Service", "Service"]
    assert plan.waiting == ("the gateway's configuration waits until its live state has been read",)


def test_a_changed_spec_is_published_in_steps_that_pods_confirm() -> None:
    changed = app_of({"order": ["product"], "product": [], "sale": ["product"]})
    config_map, steps = CONFIG_MAP, 0
    while True:
        live = [config_map, pod("a")]
        plan = plan_gateway(snapshot_of(changed, live, {"a": _loaded(config_map)}))
        if planned(plan, "ConfigMap") == config_map:
            break
        config_map, steps = planned(plan, "ConfigMap"), steps + 1
    assert steps == 3
    assert plan.waiting == ()
    published = published_configuration(config_map["data"])
    assert published is not None
    assert set(published.clusters.resources) == {"order", "product", "sale"}


@pytest.mark.parametrize(
    ("live", "loaded", "waits"),
    [
        pytest.param([pod("a")], {}, True, id="a ready pod that does not answer"),
        pytest.param([pod("a", ready=False)], {}, False, id="a pod that gets no requests"),
        pytest.param([pod("a", ready=False)], {"a": "old"}, True, id="a pod that answers already"),
        pytest.param([pod("a", deletionTimestamp="now")], {"a": "old"}, False, id="a pod that is being stopped"),
        pytest.param([], {}, False, id="no pod"),
    ],
)
def test_which_pods_a_change_waits_for(live: list[Manifest], loaded: dict[str, str], waits: bool) -> None:
    answers = {name: LoadedConfiguration("", "", "") for name in loaded}
    plan = plan_gateway(snapshot_of(app_of({"sale": []}), [CONFIG_MAP, *live], answers))
    assert bool(plan.waiting) is waits


def test_only_the_bootstrap_restarts_pods() -> None:
    other_routes = _template(plan_gateway(snapshot_of(app_of({"sale": []}, host="a.example.com"))))
    assert other_routes == _template(FIRST)
    more_memory = app_of(gateway={"resources": {"limits": {"memory": "1Gi"}}})
    assert _annotation_of(_template(plan_gateway(snapshot_of(more_memory)))) != _annotation_of(_template(FIRST))


def test_pods_are_touched_when_the_live_configuration_is_not_theirs() -> None:
    (patch,) = plan_gateway(snapshot_of(app_of(), [CONFIG_MAP, pod("a")])).patches
    assert (patch.key.kind, patch.key.name) == ("Pod", "a")
    wanted = patch.body["metadata"]["annotations"][ANNOTATION_CONFIGURATION]
    touched = pod("a", annotations={ANNOTATION_CONFIGURATION: wanted})
    assert plan_gateway(snapshot_of(app_of(), [CONFIG_MAP, touched])).patches == ()
    other = copy.deepcopy(dict(CONFIG_MAP))
    other["data"]["drain.sh"] = "exit 0"
    (patch,) = plan_gateway(snapshot_of(app_of(), [other, touched])).patches
    assert patch.body["metadata"]["annotations"][ANNOTATION_CONFIGURATION] != wanted


def test_a_pod_that_is_being_stopped_is_left_alone() -> None:
    assert plan_gateway(snapshot_of(app_of(), [CONFIG_MAP, pod("a", deletionTimestamp="now")])).patches == ()


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [
        ({}, {"type": "ClusterIP"}),
        ({"exposure": "LoadBalancer"}, {"type": "LoadBalancer"}),
        ({"exposure": "NodePort", "nodePort": 30080}, {"type": "NodePort", "nodePort": 30080}),
    ],
)
def test_the_public_service_is_exposed_as_the_spec_says(gateway: dict[str, Any], expected: dict[str, Any]) -> None:
    plan = plan_gateway(snapshot_of(app_of(gateway=gateway)))
    spec = planned(plan, "Service")["spec"]
    (port,) = spec["ports"]
    found = {"type": spec["type"]} | {key: port[key] for key in ("nodePort",) if key in port}
    assert found == expected
    assert (port["port"], port["targetPort"]) == (80, "http")
    internal = planned(plan, "Service", "shop-internal")["spec"]
    assert (internal["type"], internal["ports"][0]["targetPort"]) == ("ClusterIP", "internal")


def test_pods_have_time_to_drain() -> None:
    spec = _template(FIRST)["spec"]
    (container,) = spec["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["bash", "/etc/envoy/drain.sh"]
    assert "SECONDS <= 30" in CONFIG_MAP["data"]["drain.sh"]
    assert spec["terminationGracePeriodSeconds"] == 40


def test_pods_are_restricted_and_hold_no_token() -> None:
    spec = _template(FIRST)["spec"]
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == "shop-gateway"
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_image_is_the_specs_or_the_operators() -> None:
    assert _template(FIRST)["spec"]["containers"][0]["image"] == "gateway:1"
    other = plan_gateway(snapshot_of(app_of(gateway={"image": "mine:2"})))
    assert _template(other)["spec"]["containers"][0]["image"] == "mine:2"


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [("100m", None, 2), ("3500m", None, 4), (None, None, 2), ("100m", "500m", 1), ("1", "2500m", 3)],
)
def test_workers_are_as_many_as_the_cpus_that_may_be_used(
    requests: str | None, limits: str | None, expected: int
) -> None:
    wanted = Resources(requests=ResourceList(cpu=requests), limits=ResourceList(cpu=limits))
    assert workers(wanted) == expected


def test_what_is_published_is_what_is_confirmed() -> None:
    """The versions in the files are those that come back in the statistics."""
    loaded = _loaded(CONFIG_MAP)
    text = (
        f'listener_manager.lds.version_text: "{loaded.listeners}"\n'
        f'http.public.rds.public.version_text: "{loaded.routes}"\n'
        f'http.internal.rds.internal.version_text: "{loaded.routes}"\n'
        f'cluster_manager.cds.version_text: "{loaded.clusters}"\n'
        "cluster_manager.warming_clusters: 0\nlistener_manager.total_listeners_warming: 0\n"
    )
    assert parse_loaded(text) == replace(loaded, reachable=frozenset())
