"""Expressions of the algebra over a small table: three-valued logic, arithmetic, comparisons, text, times.

Those within predicates are exact, so that nothing depends on the last bit of a logarithm.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from mlforge.model.expr import PARTS, AsType, Call, Col, Expr, IsIn, Lit, Matches, TimePart
from mlforge.model.schema import Schema
from mlforge.model.terms import days, hours
from mlforge.testing.reference import Table
from mlforge.testing.strategies.values import TEXTS

SCHEMA = Schema.of(id="Int64", i="Int64", j="Int32", f="Float64", s="String", b="Boolean", t="Datetime")
PATTERNS = ("", "^$", "a", "^a$", "^[a-z]+$", "a.b", "(?i)^A", "[^a]$", "é|ß", "^.$", "(a|b)+", r"\.", "x{3,}", "[$]")
_INTS = (0, 1, -1, 2, 7, None)
_FLOATS = (0.0, -0.0, 1.0, 0.5, -2.25, 1.75, math.nan, math.inf, -math.inf, None)
_SHORT = (*TEXTS[:10], "abc", "aab", "12", "+0300", "-3.5e2", "1.5", " Σß\n", "ÀÿѢ", "İ\u212aΣ", None)
ZONES = (None, None, "Europe/Zurich", "America/St_Johns", "Asia/Kathmandu", "UTC")
UNKNOWN = Call("if", (Lit(value=False), hours(1), Lit(None)))
"""A length of time that is null."""

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
        leaf,
        calls(("add", "sub", "mul", "mod", "least", "greatest"), below, below),
        calls(("neg", "abs", "sign", "floor", "round"), below),
        choices(below, depth),
        parts(depth - 1),
        casts(("Int8", "UInt16"), st.one_of(below, floats(depth - 1), texts(), predicates(depth - 2))),
    )


@functools.cache
def floats(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth a float."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([Col("f"), Lit(0.5), Lit(-2.25), Lit(math.nan)])
    if depth == 0:
        return leaf
    below, whole = floats(depth - 1), integers(depth - 1)
    mixed = st.one_of(below, whole)
    arithmetic = st.one_of(
        calls(("add", "sub", "mul", "least", "greatest"), below, mixed), calls(("div",), mixed, mixed)
    )
    return st.one_of(
        leaf,
        arithmetic,
        calls(("neg", "abs", "sign", "floor", "round"), below),
        calls(("sqrt",), mixed),
        choices(below, depth),
        casts(("Float64",), st.one_of(whole, texts(), predicates(depth - 2))),
        calls(("div",), lengths(depth - 1), lengths(depth - 1)),
    )


@functools.cache
def near(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth a float whose last bit depends on who computes it."""
    mixed = st.one_of(floats(depth), integers(depth))
    return st.one_of(calls(("log", "exp"), mixed), calls(("pow",), mixed, mixed))


@functools.cache
def moments(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth an instant."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([Col("t"), Col("t"), AsType(AsType(Col("t"), "Date"), "Datetime")])
    if depth <= 0:
        return leaf
    below = moments(depth - 1)
    return st.one_of(
        leaf,
        calls(("add", "sub"), below, lengths(depth - 1)),
        calls(("least", "greatest"), below, below),
        choices(below, depth),
    )


@functools.cache
def lengths(depth: int) -> st.SearchStrategy[Expr]:
    """Expressions worth a length of time."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([hours(1), days(1.5), days(0), days(4_000_000), UNKNOWN])
    below = moments(depth - 1)
    if depth <= 0:
        return st.one_of(leaf, calls(("sub",), below, below))
    return st.one_of(
        leaf,
        calls(("sub",), below, below),
        calls(("add", "sub", "greatest"), lengths(depth - 1), lengths(depth - 1)),
        calls(("neg", "abs"), st.one_of(calls(("sub",), below, below), st.just(hours(5)))),
    )


def parts(depth: int) -> st.SearchStrategy[Expr]:
    """A part of a time: of those that stand in the table only in a zone, of the years in which all know the zones."""
    here = st.builds(TimePart, moments(depth), st.sampled_from(PARTS), st.none())
    dated = st.builds(TimePart, st.just(AsType(Col("t"), "Date")), st.sampled_from(PARTS[:5]), st.none())
    return st.one_of(
        here, dated, st.builds(TimePart, st.just(Col("t")), st.sampled_from(PARTS), st.sampled_from(ZONES))
    )


def casts(dtypes: tuple[str, ...], arg: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """A cast to one of some types."""
    return st.builds(AsType, arg, st.sampled_from(dtypes))


def choices(below: st.SearchStrategy[Expr], depth: int) -> st.SearchStrategy[Expr]:
    """`coalesce` and `if` of values of one kind."""
    return st.one_of(calls(("coalesce",), below, below), calls(("if",), predicates(depth - 1), below, below))


def calls(ops: tuple[str, ...], *args: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """An operation on arguments."""
    return st.builds(Call, st.sampled_from(ops), st.tuples(*args))


@functools.cache
def texts() -> st.SearchStrategy[Expr]:
    """Expressions worth a text."""
    leaf: st.SearchStrategy[Expr] = st.sampled_from([Col("s"), Col("s"), Lit("a"), Lit(""), Lit("ßA \t")])
    said: st.SearchStrategy[Expr] = st.sampled_from([Col("i"), Col("j"), Col("b"), AsType(Col("t"), "Date"), Col("s")])
    return st.one_of(
        leaf,
        st.just(Call("coalesce", (Col("s"), Lit("a")))),
        calls(("lower", "upper", "strip"), leaf),
        calls(("least", "greatest"), leaf, leaf),
        casts(("String",), said),
    )


@functools.cache
def atoms(depth: int) -> st.SearchStrategy[Expr]:
    """Predicates without connectives."""
    whole, real, text = integers(depth), floats(depth), texts()
    anything = st.one_of(whole, real, near(depth), text, moments(depth), lengths(depth), st.just(Col("b")))
    columns: st.SearchStrategy[Expr] = st.sampled_from([Col(n) for n in SCHEMA.names[1:]])
    return st.one_of(
        st.just(Col("b")),
        calls(COMPARISONS, whole, whole),
        calls(COMPARISONS, real, real),
        calls(COMPARISONS, text, text),
        calls(COMPARISONS, moments(depth), moments(depth)),
        calls(COMPARISONS, lengths(depth), lengths(depth)),
        calls(("contains", "starts_with", "ends_with"), text, text),
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
