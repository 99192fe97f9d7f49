"""Entries of an online store: any values, any keys, change points before and after the epoch."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from hypothesis import strategies as st

from mlforge.model.keys import KeyValue, surrogate_key
from mlforge.plugin import Entry, Point
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.keys import key_values

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**53 + 1, 2**63 - 1, 0.5, math.nan, math.inf),
    *("", "é", "𝄞", "None", b"", b"\x00\xff", date(1969, 12, 31), instant(-1), instant(1_709_164_800_000_001)),
)


def feature_values() -> st.SearchStrategy[dict[str, Any]]:
    """The values of an entity, by column."""
    return st.dictionaries(st.sampled_from(["a", "amount__sum__7d", "né", ""]), st.sampled_from(VALUES), max_size=3)


def points() -> st.SearchStrategy[tuple[Point, ...]]:
    """Values from one instant on, then from later ones; or values without time."""
    stamps = st.lists(st.integers(-(10**15), 2 * 10**15), min_size=1, max_size=3, unique=True).map(sorted)
    timed = stamps.flatmap(lambda s: st.tuples(*(st.builds(Point, st.just(t), feature_values()) for t in s)))
    return st.one_of(timed, st.builds(Point, st.none(), feature_values()).map(lambda p: (p,)))


def entries() -> st.SearchStrategy[Entry]:
    """An entry of one of two features, at one of a few keys or at any."""
    few: st.SearchStrategy[list[KeyValue]] = st.sampled_from([[1], ["a"], [None, "a"]])
    keys = st.one_of(few, few, few, st.lists(key_values(), min_size=1, max_size=2))
    return st.builds(
        Entry,
        feature=st.sampled_from(["user_spend", "user_plan"]),
        key=keys.map(lambda k: surrogate_key(*k)),
        version=st.sampled_from(["1.0.0", "1.10.0"]),
        as_of=st.integers(-5, 5).map(lambda n: n * 86_400_000_000),
        points=points(),
    )
