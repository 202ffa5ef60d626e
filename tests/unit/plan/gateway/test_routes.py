"""Which request reaches which service."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.plan.gateway.routes import internal_routes, public_routes
from tests.unit.plan.gateway.shop import SHOP, app_of


def _routes(configuration: dict[str, Any], host: int = 0) -> list[dict[str, Any]]:
    routes: list[dict[str, Any]] = configuration["virtual_hosts"][host]["routes"]
    return routes


def _table(configuration: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(path, cluster, statistics) of the routes for any method, in order."""
    return [
        (
            route["match"].get("path_separated_prefix") or route["match"]["prefix"],
            route["route"]["cluster"],
            route["stat_prefix"],
        )
        for route in _routes(configuration)
        if "stat_prefix" in route and "headers" not in route["match"]
    ]


def _gateway(*routes: tuple[str, str]) -> dict[str, Any]:
    return {"routes": [{"path": path, "service": service} for path, service in routes]}


def test_without_routes_every_service_is_public_under_its_name() -> None:
    assert _table(public_routes(app_of().spec)) == [
        ("/api/payment", "payment", "ext__payment"),
        ("/api/product", "product", "ext__product"),
        ("/api/order", "order", "ext__order"),
    ]


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param(
            [("/a", "order"), ("/a/b", "product"), ("/a/b/c", "payment")],
            [("/a/b/c", "payment"), ("/a/b", "product"), ("/a", "order")],
            id="the longest path comes first",
        ),
        pytest.param([("/a/", "order")], [("/a", "order")], id="a slash at the end means the same path"),
        pytest.param([("/a//b", "order")], [("/a/b", "order")], id="slashes are merged as in requests"),
        pytest.param([("//", "order"), ("/b", "product")], [("/b", "product"), ("/", "order")], id="the root is last"),
        pytest.param(
            [("/a", "order"), ("/a/", "product")], [("/a", "order")], id="of two equal paths the first counts"
        ),
        pytest.param(
            [("/a", "gone"), ("/b", "order")],
            [("/b", "order")],
            id="a service that is not there has no route",
        ),
    ],
)
def test_only_given_paths_are_public(routes: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    table = _table(public_routes(app_of(gateway=_gateway(*routes)).spec))
    assert [(path, cluster) for path, cluster, _ in table] == expected


def test_each_path_has_a_route_for_safe_methods_before_the_one_for_all() -> None:
    spec = app_of(gateway=_gateway(("/a", "order"))).spec
    _, safe, any_method, _ = _routes(public_routes(spec))
    assert safe["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] == "GET|HEAD|OPTIONS"
    assert "reset," in safe["route"]["retry_policy"]["retry_on"] + ","
    assert "retry_policy" not in any_method["route"], "it takes the virtual host's"
    default = public_routes(spec)["virtual_hosts"][0]["retry_policy"]["retry_on"].split(",")
    assert default == ["connect-failure", "refused-stream", "reset-before-request"]


@pytest.mark.parametrize("host", [0, 1])
def test_every_host_begins_with_the_probe_and_ends_with_404(host: int) -> None:
    routes = _routes(public_routes(app_of(host="shop.example.com").spec), host)
    assert routes[0]["match"] == {"path": "/-/ready"}
    assert routes[-1]["match"] == {"prefix": "/"}
    assert routes[-1]["direct_response"]["status"] == 404


def test_another_host_reaches_no_service() -> None:
    configuration = public_routes(app_of(host="shop.example.com").spec)
    named, other = configuration["virtual_hosts"]
    assert (named["domains"], other["domains"]) == (["shop.example.com"], ["*"])
    assert configuration["ignore_port_in_host_matching"] is True
    assert not [route for route in other["routes"] if "stat_prefix" in route]


def test_only_declared_calls_exist() -> None:
    assert _table(internal_routes(app_of().spec)) == [
        ("/order/payment", "payment", "order__payment"),
        ("/order/product", "product", "order__product"),
    ]


def test_a_call_to_a_service_that_is_not_there_has_no_route() -> None:
    assert _table(internal_routes(app_of({"order": ["gone"]}).spec)) == []


def test_a_callee_sees_the_path_behind_the_call() -> None:
    (_, first, *_) = _routes(internal_routes(app_of().spec))
    assert first["route"]["regex_rewrite"] == {
        "pattern": {"regex": "^/order/payment/?"},
        "substitution": "/",
    }


def test_the_order_of_services_changes_nothing() -> None:
    other = dict(reversed(list(SHOP.items())))
    assert internal_routes(app_of().spec) == internal_routes(app_of(other).spec)
    assert public_routes(app_of().spec) == public_routes(app_of(other).spec)
