"""Expressions of the algebra over a small table: three-valued logic, arithmetic, comparisons, text."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from mlforge.model.expr import Call, Col, Expr, IsIn, Lit, Matches
from mlforge.model.schema import Schema
from mlforge.testing.reference import Table
from mlforge.testing.strategies.values import TEXTS

SCHEMA = Schema.of(id="Int64", i="Int64", j="Int32", f="Float64", s="String", b="Boolean", t="Datetime")
PATTERNS = ("", "^$", "a", "^a$", "^[a-z]+$", "a.b", "(?i)^A", "[^a]$", "é|ß", "^.$", "(a|b)+", r"\.", "x{3,}", "[$]")
_INTS = (0, 1, -1, 2, 7, None)
_FLOATS = (0.0, -0.0, 1.0, 0.5, -2.25, math.nan, math.inf, -math.inf, None)
_SHORT = (*TEXTS[:10], "abc", "aab", None)
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


def small_tables() -> st.SearchStrategy[Table]:
    """Up to eight rows, numbered in `id`, of a column of each kind."""
    from mlforge.testing.strategies.values import POOLS

    times = (*POOLS["Datetime"][:4], None)
    pools = {"i": _INTS, "j": _INTS, "f": _FLOATS, "s": _SHORT, "b": (True, False, None), "t": times}
    row = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in pools.items()})
    return st.lists(row, max_size=8).map(numbered)


def numbered(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of the small table, numbered in `id`."""
    return Table.of(SCHEMA, [{"id": i, **row} for i, row in enumerate(rows)])


@functools.cache
def integers(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth an integer."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([Col("i"), Col("j"), Lit(2), Lit(-1), Call("length", (Col("s"),))])
    if depth == 0:
        return leaf
    below = integers(depth - 1)
    return st.one_of(
        leaf, calls(("add", "sub", "mul"), below, below), calls(("neg", "abs"), below), choices(below, depth)
    )


@functools.cache
def floats(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth a float."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([Col("f"), Lit(0.5), Lit(-2.25), Lit(math.nan)])
    if depth == 0:
        return leaf
    below, whole = floats(depth - 1), integers(depth - 1)
    mixed = st.one_of(below, whole)
    arithmetic = st.one_of(calls(("add", "sub", "mul"), below, mixed), calls(("div",), mixed, mixed))
    return st.one_of(leaf, arithmetic, calls(("neg", "abs"), below), choices(below, depth))


def choices(below: st.SearchStrategy[Expr], depth: int) -> st.SearchStrategy[Expr]:
    """`coalesce` and `if` of values of one kind."""
    return st.one_of(calls(("coalesce",), below, below), calls(("if",), predicates(depth - 1), below, below))


def calls(ops: tuple[str, ...], *args: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """An operation on arguments."""
    return st.builds(Call, st.sampled_from(ops), st.tuples(*args))


@functools.cache
def texts() -> st.SearchStrategy[Expr]:
    """Expressions worth a text."""
    return st.sampled_from([Col("s"), Lit("a"), Lit(""), Call("coalesce", (Col("s"), Lit("a")))])


@functools.cache
def atoms(depth: int) -> st.SearchStrategy[Expr]:
    """Predicates without connectives."""
    whole, real, text = integers(depth), floats(depth), texts()
    anything = st.one_of(whole, real, text, st.just(Col("t")), st.just(Col("b")))
    columns: st.SearchStrategy[Expr] = st.sampled_from([Col(n) for n in SCHEMA.names[1:]])
    return st.one_of(
        st.just(Col("b")),
        calls(COMPARISONS, whole, whole),
        calls(COMPARISONS, real, real),
        calls(COMPARISONS, text, text),
        calls(COMPARISONS, st.just(Col("t")), columns.map(lambda _: Col("t"))),
        calls(("is_null",), anything),
        calls(("is_nan",), real),
        calls(("duplicated",), columns),
        st.builds(IsIn, whole, st.sampled_from([(0, 1), (7,), (), (1, None)])),
        st.builds(IsIn, real, st.sampled_from([(0.0, 0.5), (math.nan,), (math.inf, 1.0)])),
        st.builds(IsIn, text, st.sampled_from([("a", ""), ("é",), ("日本", "b")])),
        st.builds(Matches, text, st.sampled_from(PATTERNS)),
    )


@functools.cache
def predicates(depth: int = 2) -> st.SearchStrategy[Expr]:
    """Boolean expressions, as deep as asked."""
    if depth <= 0:
        return atoms(0)
    below = predicates(depth - 1)
    return st.one_of(atoms(depth - 1), calls(("and", "or"), below, below), calls(("not",), below))
