"""Expressions of any kinds: operations on whatever there is, most of which nobody should ever compute."""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.expr import (
    CASTS,
    OPERATIONS,
    PARTS,
    Agg,
    AsType,
    At,
    Call,
    Col,
    Expr,
    IsIn,
    Lit,
    Matches,
    TimePart,
)
from mlforge.model.schema import Column, Schema
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
KINDS: dict[str, tuple[str, tuple[Any, Any]]] = {
    "i8": ("Int8", (1, -3)),
    "i": ("Int64", (2, 1)),
    "u": ("UInt64", (3, 1)),
    "f": ("Float64", (0.5, 2.0)),
    "f32": ("Float32", (1.5, -1.0)),
    "dec": ("Decimal(10, 2)", (Decimal("1.25"), Decimal("-0.50"))),
    "b": ("Boolean", (True, False)),
    "s": ("String", ("a", "1")),
    "x": ("Binary", (b"a", b"")),
    "day": ("Date", (date(2024, 2, 29), date(1970, 1, 1))),
    "at": ("Datetime", (NOON, instant(0))),
    "clock": ("Time", (time(12), time(0))),
    "long": ("Duration", (timedelta(hours=1), timedelta(0))),
    "l": ("List(Int64)", ([1, 2], [])),
    "ls": ("List(String)", (["a"], ["b"])),
}
CONSTANTS: tuple[Any, ...] = (
    *(0, 1, 1, 2**63, 2**64, 0.5, 2.0, True, "a", "1", b"a", None, None),
    *(date(2024, 2, 29), NOON, NOON.replace(tzinfo=None), timedelta(hours=1), Decimal("1.25"), time(12)),
)
SETS = (
    (0, 1),
    (1, 2.0, 0.5),
    ("a",),
    (True,),
    (1, "a"),
    (None,),
    (None, 1),
    (),
    (NOON, date(2024, 2, 29)),
    (b"a", b""),
)


def mixed_table() -> Table:
    """A column of every kind, two tame values and a null in each, numbered in `id`."""
    columns = [Column(name, dtype) for name, (dtype, _) in KINDS.items()]
    values = [{name: pair[i] for name, (_, pair) in KINDS.items()} for i in (0, 1)]
    rows = [{"id": i, "k": 1, "ts": instant(i), **row} for i, row in enumerate([*values, {}])]
    return Table.of(Schema((Column("id", "Int64"), Column("k", "Int64"), Column("ts", "Datetime"), *columns)), rows)


@functools.cache
def mixtures(depth: int, asked: bool = False) -> st.SearchStrategy[Expr]:
    """Any operation on anything, so deep; with `at()` where an instant is asked about."""
    columns = st.sampled_from([Col(name) for name in KINDS])
    constants = st.sampled_from([*map(Lit, CONSTANTS), *([At(), At()] if asked else [])])
    leaf: st.SearchStrategy[Expr] = st.one_of(columns, columns, constants)
    if depth <= 0:
        return leaf
    below = mixtures(depth - 1, asked)
    parts = st.builds(TimePart, below, st.sampled_from(PARTS), st.sampled_from([None, None, "Europe/Zurich"]))
    sets, called = st.sampled_from(SETS), st.sampled_from(list(OPERATIONS)).flatmap(lambda op: _calls(op, below))
    return st.one_of(
        *(called, called, called, called, leaf, st.builds(IsIn, below, sets), st.builds(Matches, below, st.just("^a"))),
        *(parts, st.builds(AsType, below, st.sampled_from(CASTS))),
    )


def _calls(op: str, below: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    most = OPERATIONS[op]
    return st.lists(below, min_size=most or 1, max_size=most or 3).map(lambda args: Call(op, tuple(args)))


UNASKING = sorted(set(AGGREGATIONS) - {"percentile", "first_n", "last_n", "top_k"})
"""The aggregations that ask for nothing besides values."""


COMMON = ("count", "sum", "mean", "std", "min", "max", "median")


def _weighted(functions: Collection[str]) -> list[str]:
    """Those of the aggregations that ask for nothing besides values, the common ones more often."""
    return [f for f in (*UNASKING, *COMMON, *COMMON, *COMMON) if f in functions]


def mixed_metrics(functions: Collection[str] = UNASKING) -> st.SearchStrategy[Expr]:
    """An aggregation of anything; or an operation on a few of them, constants, and what was never aggregated.

    It is mostly of a column: most other things are refused before anybody asks whether there is such an aggregation.
    """
    column = st.sampled_from([Col(name) for name in KINDS])
    of, rarely = st.one_of(column, column, column, mixtures(1)), [st.none()] * 7
    one = st.builds(Agg, st.sampled_from(_weighted(functions)), of, where=st.one_of(*rarely, of))
    part = st.one_of(one, one, one, one, st.sampled_from([Lit(1), Lit(None), Lit(True), Col("i")]))
    return st.one_of(one, one, st.sampled_from(list(OPERATIONS)).flatmap(lambda op: _calls(op, part)))
