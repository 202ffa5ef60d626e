"""Reading a resource: defaults, and errors that name the field."""

from typing import Any

import pytest

from consumerapp_operator.api.app import InvalidSpec, read_app


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": "shop", "uid": "u-1", "generation": 3}, "spec": spec}


def test_the_minimal_app_has_every_default() -> None:
    app = read_app(body(services=[{"name": "user", "image": "acme/user:1", "database": {}}]))
    (service,) = app.spec.services
    assert (app.name, app.generation, service.port) == ("shop", 3, 8080)
    assert service.database is not None
    assert service.database.replicas == 1
    assert app.spec.scaling_of(service).min == 2
    assert app.spec.effective_cache is None


def test_a_service_that_wants_a_cache_brings_the_apps_cache() -> None:
    app = read_app(body(services=[{"name": "user", "image": "acme/user:1", "cache": {}}]))
    assert app.spec.effective_cache is not None


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({}, "spec.services"),
        ({"services": [{"name": "user"}]}, "spec.services[0].image"),
        ({"services": [{"name": "User", "image": "a"}]}, "spec.services[0].name"),
        ({"services": [{"name": "user", "image": "a", "prot": 1}]}, "spec.services[0].prot"),
        (
            {"services": [{"name": "user", "image": "a", "database": {"replicas": 99}}]},
            "spec.services[0].database.replicas",
        ),
        (
            {
                "services": [{"name": "user", "image": "a"}],
                "gateway": {"cors": {"allowOrigins": ["shop.example.com/"]}},
            },
            "spec.gateway.cors.allowOrigins[0]",
        ),
    ],
)
def test_an_unreadable_spec_names_the_field(spec: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_app(body(**spec))
    assert any(problem.startswith(f"{path}: ") for problem in caught.value.problems), caught.value.problems
