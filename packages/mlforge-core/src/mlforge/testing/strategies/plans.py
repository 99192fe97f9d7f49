"""Window plans: both clocks, windows of odd lengths, aggregations plain and combined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hypothesis import strategies as st

from mlforge.model.duration import Duration
from mlforge.model.expr import MERGEABLE, Agg, Call, Col, Expr, Lit
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import is_float, is_numeric
from mlforge.testing.reference.dtypes import takes

LENGTHS = ("1s", "90s", "1h", "6h", "1d", "2d", "7d", "1w", "2w")


def plans(
    columns: Mapping[str, str],
    functions: Collection[str] = tuple(MERGEABLE),
    clocks: Sequence[bool] = (True, False),
    combined: bool = True,
) -> st.SearchStrategy[WindowPlan]:
    """A plan over some columns; `clocks` says whether with an interval (True), without (False), or either."""
    exprs = aggregates(columns, functions)
    if combined and "sum" in functions and "count" in functions:
        exprs = st.one_of(exprs, exprs, combinations(columns, functions))
    return intervals(clocks).flatmap(lambda i: _plan(i, exprs))


def _plan(interval: Duration | None, exprs: st.SearchStrategy[Expr]) -> st.SearchStrategy[WindowPlan]:
    pairs = st.lists(st.tuples(windows(interval), exprs), min_size=1, max_size=4)
    return pairs.map(lambda found: WindowPlan(interval, tuple(_output(i, w, e) for i, (w, e) in enumerate(found))))


def _output(number: int, window: Duration, expr: Expr) -> MetricColumn:
    return MetricColumn(f"m{number}", window, expr, expr.function if isinstance(expr, Agg) else "combined")


def intervals(clocks: Sequence[bool] = (True, False)) -> st.SearchStrategy[Duration | None]:
    """Lengths, None, or both as often."""
    lengths = tuple(map(Duration.parse, LENGTHS))
    return st.sampled_from([*(lengths if True in clocks else ()), *([None] * len(lengths) if False in clocks else ())])


def windows(interval: Duration | None) -> st.SearchStrategy[Duration]:
    """Any length, or whole multiples of the interval."""
    if interval is None:
        return st.sampled_from(tuple(map(Duration.parse, LENGTHS)))
    number, unit = int(interval.text[:-1]), interval.text[-1]
    return st.sampled_from((1, 1, 2, 3, 7)).map(lambda k: Duration.parse(f"{number * k}{unit}"))


def aggregates(columns: Mapping[str, str], functions: Collection[str]) -> st.SearchStrategy[Expr]:
    """One aggregation of one column that has it, or a count of events."""
    fitting: list[Expr] = [Agg(f, Col(c)) for f in sorted(functions) for c, d in columns.items() if takes(f, d)]
    return st.sampled_from([*fitting, *([Agg("count")] if "count" in functions else [])])


def combinations(columns: Mapping[str, str], functions: Collection[str]) -> st.SearchStrategy[Expr]:
    """Expressions over aggregations, and aggregations of expressions."""
    numbers = [c for c, d in columns.items() if is_numeric(d)]
    if not numbers:
        return aggregates(columns, functions)
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
    """Whether its values are compared within a tolerance: all but counts, extremes and sums of integers."""
    return is_float(dtypes[column.name]) and any(a.function not in ("count", "min", "max") for a in column.aggs)
