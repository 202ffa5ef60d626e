"""Fields that differ: the smallest, by name where a list has names."""

from __future__ import annotations

from typing import Any

import pytest

from consumerapp_operator.cli.fields import Field, changed_fields


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Field("a.b", "1", "2")]),
        ({}, {"a": "x"}, [Field("a", None, "x")]),
        ({"a": True}, {}, [Field("a", "true", None)]),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]},
            [Field("env[B].value", "2", "3")],
        ),
        ({"calls": ["a", "b"]}, {"calls": ["a"]}, [Field("calls", '["a", "b"]', '["a"]')]),
        ({"file": "a\n" * 40}, {"file": "b\n" * 41}, [Field("file", "(80 characters)", "(82 characters)")]),
        # Two items of one name cannot be told apart by it.
        (
            {"x": [{"name": "a"}, {"name": "a"}]},
            {"x": [{"name": "a"}]},
            [Field("x", '[{"name": "a"}, {"name": "a"}]', '[{"name": "a"}]')],
        ),
    ],
)
def test_the_smallest_fields(before: Any, after: Any, expected: list[Field]) -> None:
    assert list(changed_fields(before, after)) == expected


def test_a_long_value_is_shortened() -> None:
    (field,) = changed_fields({"a": "x" * 100}, {})
    assert field.before is not None
    assert len(field.before) == 60
