"""Figures of rows that came and left, put together, are those of the rows that are there."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlforge.flow.building.merging import merged
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Schema
from mlforge.plugin.engine.measuring import measured

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = Schema.of(n="Int64", x="Float64", d="Decimal(9, 2)", t="Datetime", s="String", b="Boolean", l="List(Int64)")
EDGES = {"n": (-50.0, 0.0, 50.0), "x": (-1e3, 0.0, 1e3), "d": (0.0, 1.0), "t": (1.7672e15, 1.7673e15)}
ASK = Measuring(keys=("n",), edges=EDGES, fixed=True, quantiles=())
ROW = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-100, 100),
        "x": st.none() | st.sampled_from([math.nan, math.inf, -math.inf]) | st.floats(-1e6, 1e6),
        "d": st.none() | st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-2)),
        "t": st.none() | st.integers(0, 10**6).map(lambda n: START + timedelta(minutes=n)),
        "s": st.none() | st.sampled_from(["a", "b", "ab", "é", "\U0001f600"]),
        "b": st.none() | st.booleans(),
        "l": st.none() | st.just([1]),
    }
)
SOME = st.lists(ROW, max_size=12)


def figures(rows: list[dict[str, Any]]) -> Quality:
    return measured(iter([rows]), SCHEMA, ASK)


def exact(quality: Quality) -> list[Any]:
    return [
        (c.name, c.count, c.nulls, c.nans, c.infinite, c.min, c.max, c.histogram, c.top, c.std is None)
        for c in quality.columns
    ]


@settings(deadline=None)
@given(stay=SOME, left=SOME, came=SOME)
def test_what_is_put_together_is_what_is_measured(stay, left, came):
    before, after = figures([*stay, *left]), figures([*stay, *came])
    found = merged(before, figures(left), figures(came))
    if found is None:
        return
    assert found.rows == after.rows
    assert exact(found) == exact(after)
    for mine, theirs in zip(found.columns, after.columns, strict=True):
        if theirs.mean is not None:
            assert (mine.mean, mine.std or 0.0) == pytest.approx((theirs.mean, theirs.std or 0.0), rel=1e-9, abs=1e-3)


@settings(deadline=None)
@given(stay=st.lists(ROW, min_size=1, max_size=12), came=SOME)
def test_what_came_alone_can_always_be_put_together(stay, came):
    before = figures(stay)
    found = merged(before, figures([]), figures(came))
    assert found is not None
    assert exact(found) == exact(figures([*stay, *came]))


def rows(*numbers: float) -> list[dict[str, Any]]:
    return [dict.fromkeys(SCHEMA.names) | {"x": x} for x in numbers]


@pytest.mark.parametrize(
    ("left", "came", "told"),
    [((5.0,), (), True), ((0.0,), (), False), ((9.0,), (8.0,), False), ((9.0,), (9.5,), True), ((0.0,), (0.0,), True)],
)
def test_an_end_is_told_unless_it_may_have_left(left, came, told):
    found = merged(figures(rows(0, 4, 5, 6, 9)), figures(rows(*left)), figures(rows(*came)))
    assert (found is not None) == told


def test_an_end_that_left_is_asked_of_the_rows_that_stayed():
    asked = []

    def stayed(column, end):
        asked.append((column.name, end))
        return {"min": 4.0, "max": None}[end]

    least = merged(figures(rows(0, 4, 5, 6, 9)), figures(rows(0)), figures(rows(7)), stayed)
    assert least.columns[1].min == 4.0
    assert merged(figures(rows(0, 4, 5, 6, 9)), figures(rows(9)), figures(rows(7)), stayed) is None
    assert asked == [("x", "min"), ("x", "max")]


def test_a_spread_of_which_most_left_is_not_told():
    far = (-1e6, 1e6, -1e6, 1e6, 0.0)
    assert merged(figures(rows(*far)), figures(rows(-1e6, 1e6)), figures(rows(-1e6, 1e6))) is not None
    crowd = rows(*[1e9, -1e9] * 2000, *[0.0] * 40)
    assert merged(figures(crowd), figures(rows(*[1e9, -1e9] * 1999)), figures(rows(0.0))) is None


@pytest.mark.parametrize("long", ["x" * 65, "y"])
def test_an_end_that_is_cut_is_told_by_no_figures(long):
    before = [dict.fromkeys(SCHEMA.names) | {"s": s} for s in ("a", long)]
    found = merged(figures(before), figures([]), figures([before[0] | {"s": "b"}]))
    assert (found is None) == (len(long) > 64)


def test_other_columns_are_not_put_together():
    one = figures(rows(1.0))
    other = measured(iter([[{"x": 1}]]), Schema.of(x="Int64"), Measuring())
    assert merged(one, figures([]), other) is None
    assert merged(one, measured(iter([[]]), Schema.of(x="Int64"), Measuring()), one) is None


def test_texts_that_begin_alike_are_all_counted():
    def texts(numbers: range) -> Quality:
        return figures([dict.fromkeys(SCHEMA.names) | {"s": s} for n in numbers for s in ("a", f"{'m' * 70}{n}", "z")])

    before, came = texts(range(8)), texts(range(2))
    found = merged(before, figures([]), came)
    assert found is not None
    ((column,), (old,)) = ([c for c in q.columns if c.name == "s"] for q in (found, before))
    assert sum(t.count for t in old.top) == 24
    assert {t.value: t.count for t in column.top} == {"a": 10, "m" * 64 + "…": 10, "z": 10}
