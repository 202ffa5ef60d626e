"""Quantities as the API server writes them, and what all pods share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumerapp_operator.api.components import ResourceList, Resources
from consumerapp_operator.api.quantity import parse_quantity
from consumerapp_operator.plan.pods import canonical_quantity, mebibytes, metadata, resources
from tests.unit.plan.world import app


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1000m", "1"), ("0.5", "500m"), ("100m", "100m"), ("1500m", "1500m"), ("1000", "1k"), ("0", "0"),
        ("0m", "0"), ("0.0001", "100u"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1536Ki", "1536Ki"),
        ("0.5Ki", "512"), ("1.5Ki", "1536"), ("1000M", "1G"), ("2500M", "2500M"), ("1E", "1E"),
        ("128974848", "128974848"),
    ],
)  # fmt: skip
def test_a_quantity_is_written_as_the_server_does(text: str, canonical: str) -> None:
    assert canonical_quantity(text) == canonical


@given(st.integers(0, 10**6), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_a_canonical_quantity_is_the_same_amount_and_stays(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    canonical = canonical_quantity(text)
    assert parse_quantity(canonical) == parse_quantity(text)
    assert canonical_quantity(canonical) == canonical


def test_what_is_no_quantity_is_named() -> None:
    with pytest.raises(ValueError, match="'lots' is not a quantity"):
        canonical_quantity("lots")


def test_mebibytes_are_whole() -> None:
    assert (mebibytes("1Gi"), mebibytes("1500Ki"), mebibytes("100M")) == (1024, 1, 95)


def test_a_lone_limit_is_requested_too() -> None:
    wanted = Resources(limits=ResourceList(memory="1024Mi"), requests=ResourceList(cpu="0.1"))
    assert resources(wanted) == {"requests": {"memory": "1Gi", "cpu": "100m"}, "limits": {"memory": "1Gi"}}
    assert resources(Resources()) == {}


def test_what_outlives_the_app_has_no_owner() -> None:
    subject = app({"name": "a"})
    (owner,) = metadata(subject, "service", "a", "shop-a")["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == ("uid-of-shop", True, False)
    assert "ownerReferences" not in metadata(subject, "service", "a", "shop-a", owned=False)
