from decimal import Decimal

import pytest

from consumerapp_operator.api.quantity import parse_duration_seconds, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("250m", "0.25"),
        ("2", "2"),
        ("1.5", "1.5"),
        ("1Ki", "1024"),
        ("2Gi", str(2 * 2**30)),
        ("1k", "1000"),
    ],
)
def test_quantity(text: str, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "m", "-1", "1 Gi", "1KiB", "1e3"])
def test_not_a_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30), ("1h30m", 5400), ("1m5s", 65), ("2s500ms", 2.5)]
)
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "1s1m", "-1s", "1d"])
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_seconds(text)
