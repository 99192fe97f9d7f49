"""When two tables are the same: everything identical, but floats that were summed within 1e-9."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from mlforge.model.schema import Schema
from mlforge.testing.reference import Table

TOLERANCE = 1e-9
"""Relative; the contract's own."""


def assert_same(expected: Table, actual: Table, near: Collection[str] = ()) -> None:
    """Fail unless both have the same columns, types and rows, in order; the columns `near` within the tolerance."""
    assert pairs(actual.schema) == pairs(expected.schema), (
        f"the columns are {pairs(actual.schema)}, expected {pairs(expected.schema)}"
    )
    assert_same_rows(expected.rows, actual.rows, near)


def assert_same_rows(
    expected: Sequence[dict[str, Any]], actual: Sequence[dict[str, Any]], near: Collection[str] = ()
) -> None:
    """Fail unless the rows are the same, naming the first value that is not."""
    assert len(actual) == len(expected), f"{len(actual)} rows, expected {len(expected)}:\n{lines(actual, expected)}"
    for difference in differences(expected, actual, near):
        raise AssertionError(f"{difference}\n{lines(actual, expected)}")


def differences(
    expected: Sequence[dict[str, Any]], actual: Sequence[dict[str, Any]], near: Collection[str]
) -> Iterator[str]:
    """Each value that is not what it should be, in words."""
    for i, (wanted, got) in enumerate(zip(expected, actual, strict=True)):
        for name, value in wanted.items():
            if not same(value, got.get(name), name in near):
                yield f"row {i}: {name!r} is {got.get(name)!r}, expected {value!r}"


def lines(actual: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> str:
    """Both sets of rows, to be read side by side."""
    got, wanted = ("\n".join(f"  {list(row.values())}" for row in rows[:40]) for rows in (actual, expected))
    return f"got\n{got}\nexpected\n{wanted}"


def pairs(schema: Schema) -> list[tuple[str, str]]:
    """Names and types."""
    return [(c.name, c.dtype) for c in schema]


def same(expected: Any, actual: Any, near: bool = False) -> bool:
    """Whether two values are one: of the same type, and NaN equal to NaN."""
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, float):
        return same_float(expected, actual, near)
    if isinstance(expected, datetime):
        return bool(expected == actual and expected.utcoffset() == actual.utcoffset())
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return bool(expected == actual)


def same_float(expected: float, actual: float, near: bool) -> bool:
    """NaN equals NaN; near ones are within the tolerance."""
    if math.isnan(expected) or math.isnan(actual):
        return math.isnan(expected) and math.isnan(actual)
    if not near or math.isinf(expected) or math.isinf(actual):
        return expected == actual
    return abs(actual - expected) <= TOLERANCE * abs(expected)
