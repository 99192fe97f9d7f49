"""Entries of an online store: any values, any keys, change points before and after the epoch."""

from __future__ import annotations

import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from mlforge.model.keys import KeyValue, surrogate_key
from mlforge.plugin import Entry, Point
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.keys import key_values

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    *(0.5, 1.0, 1e16, 5e-324, -0.0, math.nan, math.inf, -math.inf),
    *("", "é", "𝄞", "None", "NaN", "2024-02-29", "\x00", b"", b"\x00\xff", [], [1, None]),
    *(date(1969, 12, 31), date(1, 1, 1), time(23, 59, 59, 999_999), instant(-1), instant(1_709_164_800_000_001)),
    *(timedelta(microseconds=-1), timedelta(days=400, microseconds=7), Decimal("1.250"), Decimal("-99999999.99")),
)
COLUMNS = ("a", "amount__sum__7d", "né", "")


def points(width: int) -> st.SearchStrategy[tuple[Point, ...]]:
    """Values from one instant on, then from later ones; or values without time; or none at all."""
    values = st.tuples(*[st.sampled_from(VALUES)] * width)
    stamps = st.lists(st.integers(-(10**15), 2 * 10**15), min_size=1, max_size=3, unique=True).map(sorted)
    timed = stamps.flatmap(lambda s: st.tuples(*(st.builds(Point, st.just(t), values) for t in s)))
    timeless = st.builds(Point, st.none(), values).map(lambda p: (p,))
    return st.one_of(timed, timed, timeless, st.just(()))


def entries() -> st.SearchStrategy[Entry]:
    """An entry of one of two features, at one of a few keys or at any; some are tombstones."""
    few: st.SearchStrategy[list[KeyValue]] = st.sampled_from([[1], ["a"], [None, "a"]])
    keys = st.one_of(few, few, few, st.lists(key_values(), min_size=1, max_size=2))
    return st.integers(0, len(COLUMNS)).flatmap(
        lambda width: st.builds(
            Entry,
            feature=st.sampled_from(["user_spend", "user_plan"]),
            key=keys.map(lambda k: surrogate_key(*k)),
            version=st.sampled_from(["1.0.0", "1.10.0"]),
            as_of=st.integers(-5, 5).map(lambda n: n * 86_400_000_000),
            until=st.sampled_from([None, 0, 2**53 + 1]),
            columns=st.just(COLUMNS[:width]),
            points=points(width),
        ).map(without_columns_where_gone)
    )


def without_columns_where_gone(entry: Entry) -> Entry:
    """A tombstone has no values, so no names for them."""
    return entry if entry.points else Entry(entry.feature, entry.key, entry.version, entry.as_of, entry.until)
