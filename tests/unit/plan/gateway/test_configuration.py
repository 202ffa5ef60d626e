"""The files of the ConfigMap: what goes in comes out again, and what nobody published is recognized."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumerapp_operator.plan.gateway.bootstrap import bootstrap
from consumerapp_operator.plan.gateway.configuration import (
    Configuration,
    Desired,
    Part,
    desired_configuration,
    intact,
    published_configuration,
)
from consumerapp_operator.plan.gateway.placement import IN_POD
from tests.unit.plan.gateway.shop import app_of


def _configuration(desired: Desired) -> Configuration:
    return Configuration(Part.of(1, desired.listeners), Part.of(2, desired.routes), Part.of(3, desired.clusters))


CONFIGURATION = _configuration(desired_configuration(app_of()))


def test_what_was_published_is_read_back() -> None:
    assert published_configuration(CONFIGURATION.files()) == CONFIGURATION


def test_both_route_files_carry_one_version() -> None:
    files = CONFIGURATION.files()
    versions = {json.loads(files[name])["version_info"] for name in ("rds-public.yaml", "rds-internal.yaml")}
    assert versions == {CONFIGURATION.routes.version}


@pytest.mark.parametrize("file", sorted(CONFIGURATION.files()))
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version_info": "x", "resources": []}', "not: json"])
def test_a_file_that_the_operator_did_not_write_is_not_read(file: str, text: str) -> None:
    assert published_configuration({**CONFIGURATION.files(), file: text}) is None


@pytest.mark.parametrize("file", sorted(CONFIGURATION.files()))
def test_without_a_file_nothing_is_read(file: str) -> None:
    files = CONFIGURATION.files()
    del files[file]
    assert published_configuration(files) is None


def test_a_version_does_not_fit_other_resources() -> None:
    assert intact(CONFIGURATION.clusters)
    assert not intact(Part(CONFIGURATION.clusters.version, {}))


def test_a_service_is_found_by_the_full_name_of_its_headless_service() -> None:
    clusters = desired_configuration(app_of(services=[{"name": "order", "image": "i:1", "port": 9000}])).clusters
    (locality,) = clusters["order"]["load_assignment"]["endpoints"]
    assert locality["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] == {
        "address": "shop-order.default.svc.cluster.local.",
        "port_value": 9000,
    }


def test_health_is_asked_where_the_spec_says() -> None:
    services = [{"name": "order", "image": "i:1", "health": {"readiness": "/up"}}]
    (check,) = desired_configuration(app_of(services=services)).clusters["order"]["health_checks"]
    assert check["http_health_check"]["path"] == "/up"


def test_listeners_hold_nothing_of_the_spec() -> None:
    """Or a change of the spec would drain connections."""
    other = app_of({"web": []}, host="other.example.com")
    assert desired_configuration(other).listeners == desired_configuration(app_of()).listeners


CORS = {"cors": {"allowOrigins": ["https://shop.example.com"]}}


@pytest.mark.parametrize(
    ("gateway", "names"),
    [
        ({}, []),
        (CORS, ["cors"]),
        ({"compression": {}}, ["compressor.brotli", "compressor.gzip"]),
        ({**CORS, "compression": {}}, ["cors", "compressor.brotli", "compressor.gzip"]),
    ],
)
def test_only_what_the_spec_asks_for_is_in_the_public_chain(gateway: dict[str, Any], names: list[str]) -> None:
    listeners = desired_configuration(app_of(gateway=gateway)).listeners
    for name, expected in (("public", names), ("internal", [])):
        (chain,) = listeners[name]["filter_chains"]
        filters = chain["filters"][0]["typed_config"]["http_filters"]
        found = [item["name"].removeprefix("envoy.filters.http.") for item in filters]
        assert found == ["health_check", *expected, "router"]


def test_what_cors_allows_drains_no_connection() -> None:
    one = desired_configuration(app_of(gateway=CORS))
    other = desired_configuration(app_of(gateway={"cors": {"allowOrigins": ["*"]}}))
    assert one.listeners == other.listeners
    assert one.routes["public"] != other.routes["public"]
    assert one.routes["internal"] == other.routes["internal"]


def test_only_the_loopback_reaches_the_admin_interface() -> None:
    admin = bootstrap(IN_POD, None)["admin"]["address"]["socket_address"]
    assert admin == {"address": "127.0.0.1", "port_value": 9902}


def test_a_memory_limit_sheds_load_before_it_is_reached() -> None:
    assert "actions" not in bootstrap(IN_POD, None)["overload_manager"]
    limited = bootstrap(IN_POD, 1000)["overload_manager"]
    assert limited["resource_monitors"][1]["typed_config"]["max_heap_size_bytes"] == "1000"
    assert all(action["triggers"][0]["threshold"]["value"] < 1 for action in limited["actions"])


def test_the_largest_reasonable_app_fits_into_a_config_map() -> None:
    """50 services, each of which calls 10 others; the API server takes 1 MiB."""
    names = [f"service-with-a-long-name-{number:02}" for number in range(50)]
    calls = {name: [names[(index + step) % 50] for step in range(1, 11)] for index, name in enumerate(names)}
    files = _configuration(desired_configuration(app_of(calls))).files()
    assert sum(map(len, files.values())) < 1024 * 1024
