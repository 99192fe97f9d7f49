"""Values of each type, the ordinary and the odd."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from mlforge.testing.reference.times import instant

PLAIN = tuple(n / 8 for n in (-800, -20, -1, 0, 1, 8, 9, 26, 804, 2**20))
MOST, LEAST = sys.float_info.max, 5e-324
FLOATS: dict[str, tuple[float, ...]] = {
    "plain": PLAIN,
    "special": (*PLAIN[2:7], math.nan, math.inf, -math.inf, -0.0),
    "cancelling": (1e16, 1.0, -1e16, 0.1, 0.2, -0.3, 1e-9, 1 / 3, -1 / 3),
    "shifted": (1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16, 1e12 + 0.25, 1e12 + 0.5, 0.1),
    "ends": (1.7e308, -1.7e308, MOST, -MOST, 2.0**970, 2.0**980, 1.1e-154, 1.0, 0.0, 1e-310, LEAST, -LEAST, 3 * LEAST),
    "huge": (1.7e308, -1.7e308, MOST, -MOST, 2.0**1023, 2.0**980, -(2.0**970), 0.0),
    "tiny": (LEAST, -LEAST, 2 * LEAST, 3 * LEAST, 0.0, 1e-310, -1e-310, 2.0**-1022, 2.0**-1020, -(2.0**-1023)),
}
"""Pools of floats. `plain` sums without rounding; `cancelling` sums lose digits when summed naively; the spread of
`shifted` ones is lost when squares are subtracted; steps with those of `ends`, `huge` and `tiny` overflow or underflow
though the answer does not."""

INTEGERS = (0, 1, -1, 2, 3, 5, -5, 100, 2**53 + 1, -(2**53) - 1, 2**59)
"""A dozen of them sum within 64 bits."""

TEXTS = ("", " ", "a", "A", "b", "B", "é", "e\u0301", "ß", "日本", "𝄞", "None", "null", "a\n", "a,b", '"', "x" * 40)
INSTANTS = (0, -1, 1, 1_709_164_800_000_000, 1_709_164_800_000_001, -34_560_000_000_001, 253_402_300_799_999_999)
DATES = (date(1970, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(1900, 3, 1), date(9999, 12, 31))
POOLS: dict[str, tuple[Any, ...]] = {
    "Boolean": (True, False),
    "Int8": (0, 1, -1, 7, 127, -128),
    "Int16": (0, 1, -1, 7, 2**15 - 1, -(2**15)),
    "Int32": (0, 1, -1, 7, 2**31 - 1, -(2**31)),
    "Int64": INTEGERS,
    "UInt8": (0, 1, 7, 255),
    "UInt16": (0, 1, 7, 2**16 - 1),
    "UInt32": (0, 1, 7, 2**32 - 1),
    "UInt64": (0, 1, 7, 2**53 + 1, 2**59),
    "Float32": (0.0, 0.5, -0.125, 3.25, 1.0, -100.5),
    "Float64": PLAIN,
    "String": TEXTS,
    "Binary": (b"", b"\x00", b"\xff\xfe", b"a", b"b" * 40),
    "Date": DATES,
    "Datetime": tuple(map(instant, INSTANTS)),
    "Time": (time(0), time(23, 59, 59, 999_999), time(12, 30, 0, 1)),
    "Duration": (timedelta(0), timedelta(microseconds=-1), timedelta(days=400, microseconds=7)),
    "Decimal(10, 2)": (Decimal("0.00"), Decimal("-1.25"), Decimal("99999999.99")),
    "Decimal(38, 4)": (
        Decimal("0.0001"),
        Decimal("-0.0003"),
        Decimal(f"{'9' * 32}.9999"),
        Decimal(f"-{'7' * 32}.5001"),
    ),
    "List(Int64)": ([], [1], [1, 2, 3], [2**53 + 1]),
    "List(String)": ([], [""], ["a", "é"]),
}
DTYPES = tuple(POOLS)
NUMBERS = ("Int64", "Int8", "UInt64", "Float64", "Float32", "Boolean", "Decimal(10, 2)", "Decimal(38, 4)")
ORDERED = ("String", "Date", "Datetime")


def dtypes() -> st.SearchStrategy[str]:
    """Every type of `mlforge.model.schema`."""
    return st.sampled_from(DTYPES)


def values(dtype: str, floats: str = "plain", nulls: bool = True) -> st.SearchStrategy[Any]:
    """A value of a type; floats from a pool of `FLOATS`; null one time in a few."""
    pool = FLOATS[floats] if dtype == "Float64" else POOLS[dtype]
    if dtype == "Float32" and floats == "special":
        pool = (*pool, math.nan, math.inf)
    return st.sampled_from((*pool, None, None) if nulls else pool)


def aware(micros: int, hours: int) -> datetime:
    """An instant as a clock shows it some hours east of Greenwich."""
    return instant(micros).astimezone(timezone(timedelta(hours=hours)))
