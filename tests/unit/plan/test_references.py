"""Specs that only the operator can see to be wrong, each with the message it gives."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.api.app import ConsumerApp
from consumerapp_operator.plan.compose import plan
from consumerapp_operator.plan.model import Plan
from consumerapp_operator.plan.references import problems
from tests.unit.plan.world import app, snapshot

A: dict[str, Any] = {"name": "a"}
LONG = "a-service-with-a-name-this-lon"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            app({"name": "order", "calls": ["stock"]}, {"name": "user"}),
            ["spec.services[0].calls[0]: there is no service stock; name one of user, or add stock to spec.services"],
        ),
        (
            app({"name": "order", "calls": ["payment"]}, {"name": "payment", "calls": ["order"]}),
            ["spec.services[1].calls[0]: the calls order → payment → order form a circle; remove one of them"],
        ),
        (
            app({"name": "a", "calls": ["b"]}, {"name": "b", "calls": ["c"]}, {"name": "c", "calls": ["b"]}),
            ["spec.services[2].calls[0]: the calls b → c → b form a circle; remove one of them"],
        ),
        (
            app({"name": "a", "calls": ["a"]}),
            ["spec.services[0].calls[0]: a service does not call itself; remove it"],
        ),
        (
            app({"name": "a", "calls": ["database"]}, {"name": "database"}),
            [
                "spec.services[0].calls[0]: the address of database would be DATABASE_URL, which is taken; "
                "rename the service database"
            ],
        ),
        (
            app(A, {"name": "b"}, gateway={"routes": [{"path": "/x", "service": "c"}]}),
            ["spec.gateway.routes[0].service: there is no service c; name one of a, b"],
        ),
        (
            app(A, gateway={"routes": [{"path": "/x", "service": "a"}, {"path": "/x/", "service": "a"}]}),
            ["spec.gateway.routes[1].path: /x/ is the same as spec.gateway.routes[0].path; remove one of them"],
        ),
        (
            app({"name": "a", "calls": ["b"], "env": [{"name": "B_URL", "value": "x"}]}, {"name": "b"}),
            ["spec.services[0].env[0].name: B_URL is set by the operator, since a calls b; choose another name"],
        ),
        (
            app({"name": "a", "env": [{"name": "PORT", "value": "1"}]}),
            ["spec.services[0].env[0].name: PORT is set by the operator; choose another name"],
        ),
        (
            app({"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "X", "value": "2"}]}),
            [
                "spec.services[0].env[0].name: X is given 2 times; keep one",
                "spec.services[0].env[1].name: X is given 2 times; keep one",
            ],
        ),
        (
            app(A, A),
            [
                "spec.services[0].name: there are 2 services named a; rename one",
                "spec.services[1].name: there are 2 services named a; rename one",
            ],
        ),
        (
            app({"name": "a", "egress": [{"cidr": "10.0.0.300/8", "port": 443}]}),
            ["spec.services[0].egress[0].cidr: 10.0.0.300/8 is no address range; write it as 10.0.0.0/8 or 0.0.0.0/0"],
        ),
        (
            app({"name": "a", "egress": [{"cidr": "10.1.0.0/8", "port": 443}]}),
            ["spec.services[0].egress[0].cidr: 10.1.0.0/8 is not the beginning of its range; write 10.0.0.0/8"],
        ),
        (
            app(A, cache={"memory": "8Mi"}),
            ["spec.cache.memory: 8Mi is too little for Redis to run; give it at least 16Mi"],
        ),
        (
            app({"name": "a", "database": {"maxConnections": 400}}),
            [
                "spec.services[0].database.maxConnections: 400 connections need 1153Mi of memory and a member has "
                "512Mi; raise database.resources.limits.memory or lower maxConnections"
            ],
        ),
        (
            app({"name": "a", "database": {"storage": {"size": "100Mi"}}}),
            ["spec.services[0].database.storage.size: 100Mi does not hold an empty database; give it at least 256Mi"],
        ),
        (
            app({"name": "a", "database": {"replicas": 5, "scaling": {"min": 1, "max": 3}}}),
            [
                "spec.services[0].database.replicas: 5 is not between scaling.min 1 and scaling.max 3; "
                "it is the count to begin with"
            ],
        ),
        (
            app({"name": "a", "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}}),
            [
                "spec.services[0].resources.requests.memory: 1Gi is more than limits.memory 512Mi; "
                "raise the limit or ask for less"
            ],
        ),
        (
            app({"name": "a", "resources": {"limits": {"cpu": "0"}}}),
            ["spec.services[0].resources.limits.cpu: nothing runs with 0; give it more or remove the limit"],
        ),
        (
            app({"name": "a", "scaling": {"min": 5, "max": 2}}),
            ["spec.services[0].scaling.min: 5 is more than max 2; raise max or lower min"],
        ),
        (
            app({"name": "a", "scaling": {"targets": [{"type": "Latency", "value": "soon"}]}}),
            ["spec.services[0].scaling.targets[0].value: 'soon' is not a duration; write it as in 250ms, 30s or 1h30m"],
        ),
        (
            app({"name": "a", "scaling": {"targets": [{"type": "Concurrency", "value": "many"}]}}),
            ["spec.services[0].scaling.targets[0].value: 'many' is no number; write it as 20 or 2.5"],
        ),
        (
            app(A, defaults={"scaling": {"targets": [{"type": "Latency", "value": "0ms"}]}}),
            ["spec.defaults.scaling.targets[0].value: 0ms must be greater than zero"],
        ),
        (
            app({"name": LONG, "database": {"migrate": {"command": ["up"]}}}).model_copy(
                update={"name": "a-very-long-app-name"}
            ),
            ["may have 63; shorten the name of the service or of the app by 5"],
        ),
        (
            app({"name": LONG, "database": {}}).model_copy(update={"name": "a-very-long-app-name"}),
            ["has 54 characters and may have 52; shorten the name of the service or of the app by 2"],
        ),
        (
            app({"name": "a", "database": {}}, {"name": "a-db-members"}),
            [
                "spec.services[1].name: shop-a-db-members, made of it, belongs to service a already; "
                "rename one of the two"
            ],
        ),
    ],
)
def test_a_problem_names_the_field_and_says_what_to_do(subject: ConsumerApp, expected: list[str]) -> None:
    found = problems(subject)
    assert len(found) == len(expected), found
    for line, part in zip(found, expected, strict=True):
        assert part in line
        assert line.startswith("spec.")


def test_with_a_problem_nothing_else_is_planned() -> None:
    wanted = plan(snapshot(app({"name": "order", "calls": ["stock"]})))
    assert wanted == Plan(problems=wanted.problems)
    assert wanted.problems


def test_a_diamond_of_calls_is_no_circle() -> None:
    diamond = app(
        {"name": "a", "calls": ["b", "c"]}, {"name": "b", "calls": ["d"]}, {"name": "c", "calls": ["d"]}, {"name": "d"}
    )
    assert problems(diamond) == ()


def test_calls_that_differ_only_in_hyphens_have_different_variables() -> None:
    assert problems(app({"name": "a", "calls": ["b-c", "bc"]}, {"name": "b-c"}, {"name": "bc"})) == ()
