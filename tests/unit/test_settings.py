"""Settings come from the environment, and a wrong one is named."""

from __future__ import annotations

import pytest
from kopf._cogs.structs.references import Resource

from consumerapp_operator.settings import InvalidSettings, kopf_settings, read

IMAGES = {"IMAGE_GATEWAY": "g", "IMAGE_POSTGRES": "p", "IMAGE_REDIS": "r", "IMAGE_NATS": "n"}


def test_defaults() -> None:
    settings = read(IMAGES)
    assert settings.images.postgres == "p"
    assert settings.namespace == "consumerapp-system"
    assert settings.watch_namespaces == ()
    assert settings.scale_interval_seconds == 5


def test_values() -> None:
    settings = read({**IMAGES, "WATCH_NAMESPACES": "a,b", "SCALE_INTERVAL_SECONDS": "1.5", "POD_NAME": "me"})
    assert settings.watch_namespaces == ("a", "b")
    assert settings.scale_interval_seconds == 1.5
    assert settings.identity == "me"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "IMAGE_GATEWAY must be set"),
        ({**IMAGES, "WORKERS": "many"}, "WORKERS='many' is not a number"),
        ({**IMAGES, "WORKERS": "0"}, "WORKERS='0' must lie between 1 and 256"),
        ({**IMAGES, "LOG_LEVEL": "loud"}, "LOG_LEVEL='LOUD' must be"),
    ],
)
def test_a_wrong_one_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        read(environment)


@pytest.mark.parametrize(
    ("operator_class", "apps"),
    [("", "!consumerapp.io/operator-class"), ("canary", "consumerapp.io/operator-class=canary")],
)
def test_only_labelled_children_are_asked_for_and_apps_of_the_class(operator_class: str, apps: str) -> None:
    selectors = kopf_settings(operator_class).watching.label_selectors
    children = "app.kubernetes.io/managed-by=consumerapp-operator,app.kubernetes.io/part-of"
    assert selectors.collect(Resource("", "v1", "pods")) == [children]
    assert selectors.collect(Resource("apps", "v1", "deployments")) == [children]
    assert selectors.collect(Resource("consumerapp.io", "v1alpha1", "consumerapps")) == [apps]
    assert selectors.collect(Resource("", "v1", "nodes")) == []
