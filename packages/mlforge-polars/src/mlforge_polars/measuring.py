"""Figures of columns: exact ones in passes over all rows, the others of a sample that is sorted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import polars as pl

from mlforge.model.quality import MOST_EXACT, ColumnQuality, Measuring, Quality, TopValue
from mlforge.model.schema import Column, is_float
from mlforge.plugin.engine.measuring import (
    DAY,
    LOWERED,
    Facts,
    Shape,
    assembled,
    kind_of,
    most_frequent,
    shaped,
    to_measure,
)
from mlforge_polars.types import plainly, schema_of

SKETCH_ERROR = 0.01
"""That of `approx_n_unique`, rounded up: its HyperLogLog has 2 ** 14 registers."""

_DOUBTFUL = MOST_EXACT * (1 + 8 * SKETCH_ERROR)
"""An estimate up to here may be of a number that has to be exact."""

_DEFAULT, _PLAINLY = pl.QueryOptFlags(), pl.QueryOptFlags(comm_subexpr_elim=False)
"""Looking for what expressions have in common takes the square of how many there are."""

_ENTITY = "entity of mlforge"


def measured(rows: pl.DataFrame, ask: Measuring) -> Quality:
    """The figures of the columns that are asked for."""
    schema = rows.schema  # made anew each time it is asked for
    columns = to_measure(schema_of(schema), ask)
    names = dict.fromkeys((*columns.names, *ask.keys))
    frame = rows.select(plainly(n, schema[n]) for n in names)
    drawn = frame if frame.height <= ask.sample else frame.sample(ask.sample, seed=0)
    facts = {"rows": frame.height} | _facts(frame, list(columns))
    different = _different(frame, drawn, list(columns), ask.keys)
    made = tuple(_column(i, c, facts, different, drawn, ask) for i, c in enumerate(columns))
    if not ask.keys:
        return Quality(rows=rows.height, columns=made)
    entities, error = different[_ENTITY]
    return Quality(rows=rows.height, entities=entities, entities_error=error, columns=made)


def _facts(frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, Any]:
    """Counts, ends and moments of all rows; once more of those columns in which not all values are finite."""
    found = _asked(frame, [e for i, c in enumerate(columns) for e in _figures(i, c, pl.col(c.name))], _PLAINLY)
    odd = [(i, c) for i, c in enumerate(columns) if is_float(c.dtype) and not isfinite(found[f"mean{i}"] or 0.0)]
    for i, c in odd:
        value = pl.col(c.name)
        counts = value.is_nan().sum().alias(f"nans{i}"), value.is_infinite().sum().alias(f"infinite{i}")
        found |= _asked(frame, list(_figures(i, c, value.filter(value.is_finite()))))
        found |= _asked(frame, [value.null_count().alias(f"nulls{i}"), *counts])
        if not isfinite(found[f"mean{i}"] or 0.0):
            found[f"mean{i}"] = frame.select((value.filter(value.is_finite()) * LOWERED).mean()).item() / LOWERED
    return found


def _asked(
    frame: pl.DataFrame, expressions: Sequence[pl.Expr], how: pl.QueryOptFlags = _DEFAULT
) -> dict[str, Any]:  # fmt: skip
    return frame.lazy().select(expressions).collect(optimizations=how).row(0, named=True) if expressions else {}


def _counts(frame: pl.DataFrame, expressions: Sequence[pl.Expr]) -> dict[str, int]:
    """Counts are asked for at once: lazily those of many columns take the square of their number."""
    return frame.select(expressions).row(0, named=True) if expressions else {}


def _figures(i: int, column: Column, value: pl.Expr) -> Iterator[pl.Expr]:
    kind = kind_of(column.dtype)
    yield value.null_count().alias(f"nulls{i}")
    if kind in ("number", "time", "choice"):
        yield value.min().alias(f"min{i}")
        yield value.max().alias(f"max{i}")
    if kind == "number":
        yield value.cast(pl.Float64).mean().alias(f"mean{i}")
        yield value.cast(pl.Float64).std().alias(f"std{i}")


def _comparable(column: Column) -> pl.Expr:
    """The values, of a type whose different ones can be estimated."""
    value = pl.col(column.name)
    return value.to_physical() if column.dtype in ("Time", "Duration") or column.dtype.startswith("Decimal") else value


def _different(
    frame: pl.DataFrame, drawn: pl.DataFrame, columns: Sequence[Column], keys: Sequence[str]
) -> dict[str, tuple[int, float]]:
    """How many different values each column has, and the error of that: none where there are not many.

    Where even the rows drawn have more than are counted exactly, there is nothing to count; where they have few, there
    is nothing to estimate. A column between, and one that has more than its rows drawn showed, is looked at twice.
    """
    compared = [c for c in columns if kind_of(c.dtype) != "list"]
    values = {c.name: (_comparable(c), pl.col(c.name).drop_nulls()) for c in compared}
    if len(keys) > 1:
        values[_ENTITY] = (_known(keys).hash(), _known(keys))
    elif keys and keys[0] not in values:
        values[_ENTITY] = (pl.col(keys[0]), pl.col(keys[0]).drop_nulls())
    seen = _counts(drawn, [exactly.n_unique().alias(n) for n, (_, exactly) in values.items()])
    exact, estimate = (seen, seen) if drawn is frame else _counted(frame, values, seen)
    told = {n: (exact[n], 0.0) if n in exact else (estimate[n], SKETCH_ERROR) for n in values}
    return told if _ENTITY in told or not keys else told | {_ENTITY: told[keys[0]]}


def _counted(
    frame: pl.DataFrame, values: Mapping[str, tuple[pl.Expr, pl.Expr]], seen: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Of all rows, how many different values there are exactly where they may be few, and about how many elsewhere.

    Not lazily: then Polars estimates with fewer registers, and is far more off.
    """
    estimated = {n for n in values if seen[n] > MOST_EXACT // 2}
    ways = {
        n: about.approx_n_unique() if n in estimated else exactly.n_unique() for n, (about, exactly) in values.items()
    }
    found = _counts(frame, [way.alias(n) for n, way in ways.items()])
    doubtful = [n for n in estimated if seen[n] <= MOST_EXACT and found[n] <= _DOUBTFUL]
    exact = {n: count for n, count in found.items() if n not in estimated}
    return exact | _counts(frame, [values[n][1].n_unique().alias(n) for n in doubtful]), found


def _known(keys: Sequence[str]) -> pl.Expr:
    """The keys of an entity as one value, where none is null."""
    return pl.struct(keys).filter(pl.all_horizontal(pl.col(keys).is_not_null()))


def _column(
    i: int, column: Column, facts: Mapping[str, Any], different: Mapping[str, tuple[int, float]],
    drawn: pl.DataFrame, ask: Measuring,
) -> ColumnQuality:  # fmt: skip
    told = ("nulls", "nans", "infinite"), ("min", "max", "mean", "std")
    counts, figures = ([facts.get(f"{name}{i}") for name in names] for names in told)
    seen = Facts(*(n or 0 for n in counts), *different.get(column.name, (None, 0.0)), *figures)
    sampled = drawn.height if drawn.height < facts["rows"] else 0
    return assembled(column, facts["rows"], seen, *_spread(drawn[column.name].drop_nulls(), column, ask), sampled)


def _spread(values: pl.Series, column: Column, ask: Measuring) -> tuple[Shape, tuple[TopValue, ...]]:
    """Quantiles, histogram and most frequent values of a sample."""
    kind = kind_of(column.dtype)
    if kind == "choice":
        return Shape((), None), _top(values, ask.top)
    if kind not in ("number", "time"):
        return Shape((), None), ()
    numbers = (values.to_physical() if kind == "time" else values).cast(pl.Float64)
    if column.dtype == "Date":
        numbers = numbers * DAY
    ordered = numbers.filter(numbers.is_finite()).sort()

    def below(edges: Sequence[float]) -> list[int]:
        found: list[int] = ordered.search_sorted(pl.Series(edges, dtype=pl.Float64), side="left").to_list()
        return found

    return shaped(len(ordered), ordered.item, below, column, ask), ()


def _top(values: pl.Series, number: int) -> tuple[TopValue, ...]:
    if values.is_empty():
        return ()
    counted = values.alias("value").value_counts(name="count")
    ranked = counted.sort(["count", "value"], descending=[True, False]).head(number)
    return most_frequent(dict(ranked.iter_rows()), number)
