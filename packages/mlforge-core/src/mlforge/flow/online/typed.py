"""What values that are kept online are: of a column's type or not, one or two."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from mlforge.model.schema import is_float, is_integer, limits_of
from mlforge.plugin.engine.types import digits, is_decimal, is_list

Fits = Callable[[Any], bool]
KINDS: dict[str, type] = {
    "Boolean": bool, "String": str, "Binary": bytes, "Date": date, "Datetime": datetime, "Time": time,
    "Duration": timedelta,
}  # fmt: skip
"""What values of a type are in Python, where it has no sizes and no parts."""


def fitting(dtype: str) -> Fits:
    """Whether a value, which may be null, is one of a type.

    Example:
        >>> fits = fitting("List(Int8)")
        >>> fits([1, None]), fits(None), fits([128]), fits(["1"])
        (True, True, False, False)
    """
    fits = _fitting(dtype)
    return lambda value: value is None or fits(value)


def identical(one: Any, other: Any) -> bool:
    """Whether two values are one: of the same type, and NaN equal to NaN.

    Example:
        >>> identical([float("nan")], [float("nan")]), identical(1, 1.0)
        (True, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return bool(one == other)


def _fitting(dtype: str) -> Fits:
    if is_list(dtype):
        each = fitting(dtype[len("List(") : -1])
        return lambda value: type(value) is list and all(map(each, value))
    if is_decimal(dtype):
        most, places = digits(dtype)
        return lambda value: type(value) is Decimal and _has(value, most, places)
    if is_integer(dtype):
        least, most = limits_of(dtype)
        return lambda value: type(value) is int and least <= value <= most
    kind = float if is_float(dtype) else KINDS.get(dtype)
    return lambda value: kind is None or type(value) is kind  # a type of a later mlforge is its own affair


def _has(value: Decimal, most: int, places: int) -> bool:
    """Whether it has so many digits at most, and so many of them behind the point."""
    _, shown, exponent = value.as_tuple()
    return exponent == -places and len(shown) <= most
