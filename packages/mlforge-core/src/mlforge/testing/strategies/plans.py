"""Window plans: both clocks, windows of odd lengths, offset or without end, of some events, aggregations combined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from hypothesis import strategies as st

from mlforge.model.aggregation import AGGREGATIONS, Options
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Call, Col, Expr, Lit
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import is_float, is_numeric
from mlforge.model.window import Window
from mlforge.testing.reference.dtypes import takes

LENGTHS = ("1s", "90s", "1h", "6h", "1d", "2d", "7d", "1w", "2w")
OPTIONS: Mapping[str, Sequence[Options]] = {
    "percentile": ((0.0,), (0.25,), (0.9,), (1 / 3,), (1.0,)),
    "first_n": ((1, False), (3, False), (2, True)),
    "last_n": ((1, False), (3, False), (2, True)),
    "top_k": ((1,), (2,), (5,)),
}
"""What aggregations may ask for besides values."""

EXACT = ("count", "min", "max", "any", "all", "first", "last", "mode", "count_distinct")
"""The aggregations whose values are the same in every engine, floats included."""


def plans(
    columns: Mapping[str, str],
    functions: Collection[str] = tuple(AGGREGATIONS),
    clocks: Sequence[bool] = (True, False),
    combined: bool = True,
) -> st.SearchStrategy[WindowPlan]:
    """A plan over some columns; `clocks` says whether with an interval (True), without (False), or either."""
    aggs = filtered(aggregates(columns, functions), columns)
    exprs: st.SearchStrategy[Expr] = aggs
    if combined and "sum" in functions and "count" in functions:
        exprs = st.one_of(aggs, aggs, combinations(columns, functions))
    return intervals(clocks).flatmap(lambda i: _plan(i, st.one_of(exprs, exprs, exprs, _formulas(aggs, i, combined))))


def _formulas(aggs: st.SearchStrategy[Agg], interval: Duration | None, combined: bool) -> st.SearchStrategy[Expr]:
    """An aggregation over its own window; whether there is a value of another, too."""
    own = st.builds(lambda a, w: msgspec.structs.replace(a, window=w), aggs, windows(interval))
    both = st.builds(lambda a, b: a.is_null().eq(b.is_null()), own, own)
    return st.one_of(own, both) if combined else own


def filtered(aggs: st.SearchStrategy[Agg], columns: Mapping[str, str]) -> st.SearchStrategy[Agg]:
    """Aggregations, one in a few of some of the events alone."""
    some = st.builds(lambda a, w: msgspec.structs.replace(a, where=w), aggs, conditions(columns))
    return st.one_of(aggs, aggs, some)


def conditions(columns: Mapping[str, str]) -> st.SearchStrategy[Expr]:
    """What is true of some events, false or null of others."""
    found: list[Expr] = [~Col(n).is_null() for n in columns]
    found += [Col(n) > 0 for n, d in columns.items() if is_numeric(d)]
    found += [Col(n) for n, d in columns.items() if d == "Boolean"]
    found += [Col(n).eq("a") | Col(n).eq("b") for n, d in columns.items() if d == "String"]
    return st.sampled_from(found)


def _plan(interval: Duration | None, exprs: st.SearchStrategy[Expr]) -> st.SearchStrategy[WindowPlan]:
    pairs = st.lists(st.tuples(windows(interval), exprs), min_size=1, max_size=4)
    return pairs.map(lambda found: WindowPlan(interval, tuple(_output(i, w, e) for i, (w, e) in enumerate(found))))


def _output(number: int, window: Window, expr: Expr) -> MetricColumn:
    return MetricColumn(f"m{number}", window, expr, expr.function if isinstance(expr, Agg) else "combined")


def intervals(clocks: Sequence[bool] = (True, False)) -> st.SearchStrategy[Duration | None]:
    """Lengths, None, or both as often."""
    lengths = tuple(map(Duration.parse, LENGTHS))
    return st.sampled_from([*(lengths if True in clocks else ()), *([None] * len(lengths) if False in clocks else ())])


def windows(interval: Duration | None) -> st.SearchStrategy[Window]:
    """Any length, or whole multiples of the interval; one in a few without end, or that ends before the instant."""
    lengths = _lengths(interval)
    plain, lasting = lengths.map(Window), st.just(Window("all"))
    offset = st.builds(Window, st.one_of(lengths, lengths, lengths, st.just("all")), lengths)
    return st.one_of(plain, plain, plain, lasting, offset)


def _lengths(interval: Duration | None) -> st.SearchStrategy[Duration]:
    if interval is None:
        return st.sampled_from(tuple(map(Duration.parse, LENGTHS)))
    number, unit = int(interval.text[:-1]), interval.text[-1]
    return st.sampled_from((1, 1, 2, 3, 7)).map(lambda k: Duration.parse(f"{number * k}{unit}"))


def aggregates(columns: Mapping[str, str], functions: Collection[str]) -> st.SearchStrategy[Agg]:
    """One aggregation of one column that has it, or a count of events."""
    fitting = [
        Agg(f, Col(c), options)
        for f in sorted(functions)
        for c, d in columns.items()
        if takes(f, d)
        for options in OPTIONS.get(f, ((),))
    ]
    return st.sampled_from([*fitting, *([Agg("count")] if "count" in functions else [])])


def combinations(columns: Mapping[str, str], functions: Collection[str]) -> st.SearchStrategy[Expr]:
    """Expressions over aggregations, and aggregations of expressions."""
    numbers = [c for c, d in columns.items() if is_numeric(d)]
    if not numbers:
        return st.one_of(aggregates(columns, functions))
    name = st.sampled_from(numbers)
    return st.one_of(name.map(_ratio), name.map(_share_positive), name.map(_filled_sum), name.map(_if_many))


def _ratio(name: str) -> Expr:
    return Agg("sum", Col(name)) / Agg("count", Col(name))


def _share_positive(name: str) -> Expr:
    return Agg("sum", Col(name) > 0) / Agg("count")


def _filled_sum(name: str) -> Expr:
    return Agg("sum", Call("coalesce", (Col(name), Lit(0))))


def _if_many(name: str) -> Expr:
    return Call("if", (Agg("count") > 1, Agg("sum", Col(name)), Lit(None)))


def is_near(column: MetricColumn, dtypes: Mapping[str, str]) -> bool:
    """Whether its values are compared within a tolerance: all that are computed with floats."""
    return is_float(dtypes[column.name]) and any(a.function not in EXACT for a in column.aggs)
