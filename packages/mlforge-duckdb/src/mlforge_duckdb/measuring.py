"""Figures of columns: exact ones in queries over all rows, the others of a sample that is sorted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from msgspec.structs import replace

from mlforge.model.quality import MOST_EXACT, ColumnQuality, Measuring, Quality, TopValue
from mlforge.model.schema import Column, is_float
from mlforge.plugin.engine.measuring import (
    LOWERED,
    Facts,
    Shape,
    assembled,
    finite,
    kind_of,
    most_frequent,
    shaped,
    to_measure,
)
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import plainly, quoted, schema_of, text, types_of

SKETCH_ERROR = 0.04
"""That of `approx_count_distinct`, as it was measured on 30,000 different values, rounded up."""

_DOUBTFUL = MOST_EXACT * (1 + 6 * SKETCH_ERROR)
"""An estimate up to here may be of a number that has to be exact."""

_TOLD = "row of mlforge"
"""What tells a row of a sample from others."""

_MOST_FIGURES = 128
"""Of one query, whose planning grows by the square of their number."""

_WIDE = 64
"""More columns than these are drawn in a query of their own."""

_AT_ONCE = 128
"""Columns of a file that are measured together: each query is planned for all of them."""

FEW = 4096
"""So many rows are gone through in Python while DuckDB plans what it is asked of their columns."""

_FIRST = 2048
"""So many rows tell a number that may be near a column's mean."""

_FAR = 16
"""How many times the variance squares may be of what values are off a number: more would cost too many digits."""

_ENTITY = "entity of mlforge"

_ALL_HAVE = "count(dictionary_page_offset) = count(*)"


def measured(rows: duckdb.DuckDBPyRelation, ask: Measuring, file: Path | None = None) -> Quality:
    """The figures of the columns that are asked for; of rows that are one file, the ends are those it states."""
    types = types_of(rows)
    columns = list(to_measure(schema_of(types), ask))
    if file is not None and len(columns) > _AT_ONCE:
        return _in_parts(rows, [c.name for c in columns], ask, file)
    names = dict.fromkeys((*(c.name for c in columns), *ask.keys))
    frame = rows.project(", ".join(f"{plainly(n, types[n])} AS {quoted(n)}" for n in names) or "0 AS nothing")
    (count,) = _asked(frame, {"rows": "count(*)"}).values()
    few = set[str]() if file is None else _with_dictionaries(frame, file)
    found, drawn = _facts(frame, columns, ask, count, few, in_file=file is not None)
    facts = {"rows": count} | found
    different = _different(frame, columns, ask.keys, facts)
    made = tuple(_column(i, c, facts, different, drawn, ask) for i, c in enumerate(columns))
    if not ask.keys:
        return Quality(rows=facts["rows"], columns=made)
    entities, error = different[_ENTITY]
    return Quality(rows=facts["rows"], entities=entities, entities_error=error, columns=made)


def is_planned_longer(rows: duckdb.DuckDBPyRelation) -> bool:
    """Whether there are so few rows that planning takes longer than looking at each value."""
    return bool(_asked(rows.limit(FEW + 1), {"rows": "count(*)"})["rows"] <= FEW)


def _in_parts(rows: duckdb.DuckDBPyRelation, names: Sequence[str], ask: Measuring, file: Path) -> Quality:
    """The figures of many columns, some after the others; entities are counted with the first."""
    made = list[Quality]()
    for start in range(0, len(names), _AT_ONCE):
        some, keys = tuple(names[start : start + _AT_ONCE]), () if made else ask.keys
        frame = rows.project(", ".join(map(quoted, dict.fromkeys((*some, *keys)))))
        made.append(measured(frame, replace(ask, columns=some, keys=keys), file))
    return replace(made[0], columns=tuple(column for part in made for column in part.columns))


def _asked(frame: duckdb.DuckDBPyRelation, expressions: Mapping[str, str]) -> dict[str, Any]:
    """Some figures of all rows, each in SQL, so many in a query that planning it does not outweigh it."""
    names, found = list(expressions), dict[str, Any]()
    for some in (names[start : start + _MOST_FIGURES] for start in range(0, len(names), _MOST_FIGURES)):
        (row,) = asked(frame, f"SELECT {', '.join(expressions[n] for n in some)} FROM frame").fetchall()
        found |= zip(some, row, strict=True)
    return found


def _with_dictionaries(frame: duckdb.DuckDBPyRelation, file: Path) -> set[str]:
    """The columns of a file that have a dictionary in every row group: so few different values that each is counted."""
    query = f"SELECT path_in_schema FROM parquet_metadata({text(str(file))}) GROUP BY ALL HAVING {_ALL_HAVE}"
    return {name for (name,) in asked(frame, query).fetchall()}


def _facts(
    frame: duckdb.DuckDBPyRelation, columns: Sequence[Column], ask: Measuring, rows: int, few: Collection[str], *,
    in_file: bool,
) -> tuple[dict[str, Any], pl.DataFrame]:  # fmt: skip
    """Nulls, ends and moments of all rows, and a sample; once more of those columns in which not all are usual.

    Of columns with `few` different values these are not estimated.
    """
    numbers = [i for i, c in enumerate(columns) if kind_of(c.dtype) == "number"]
    near = _near(frame, {i: columns[i] for i in numbers})
    asks = {f"{name}{i}": sql for i, c in enumerate(columns) for name, sql in _fact(c, near.get(i), few)}
    ends = {f"{name}{i}": sql for i, c in enumerate(columns) for name, sql in _ends(quoted(c.name), c)}
    alone = ends if in_file else {}  # DuckDB looks at rows where anything else is asked for, too
    asks |= _entities(ask.keys, columns) | ({} if in_file else ends)
    found, drawn = _asked_and_drawn(frame, asks, columns, ask, rows)
    found |= _asked(frame, alone)
    moments = {i: _moments(found[f"sum{i}"], found[f"squares{i}"], rows - found[f"nulls{i}"]) for i in numbers}
    for i, (mean, std) in ((i, m) for i, m in moments.items() if m):
        found |= {f"mean{i}": near[i] + mean, f"std{i}": std}
    odd = {i: columns[i] for i in numbers if found[f"nulls{i}"] < rows and not moments[i]}
    return found | _odd_facts(_beside(frame, odd), odd), drawn


def _near(frame: duckdb.DuckDBPyRelation, columns: Mapping[int, Column]) -> dict[int, float]:
    """Of numbers, something that is near their mean, if they have one: the mean of the first."""
    values = {i: f"CAST({quoted(c.name)} AS DOUBLE)" for i, c in columns.items()}
    asks = {str(i): f"avg({v}) FILTER (WHERE isfinite({v}))" for i, v in values.items()}
    found = _asked(frame.limit(_FIRST), asks)
    return {i: finite(found[str(i)]) or 0.0 for i in columns}


def _moments(sum_: float | None, squares: float | None, count: int) -> tuple[float, float | None] | None:
    """Mean and standard deviation, by the sums of what numbers are off one that is near; None where it was not near."""
    if sum_ is None or squares is None or not isfinite(sum_) or not isfinite(squares):
        return None
    mean = sum_ / count
    spread = squares - mean * sum_
    if not isfinite(mean * sum_) or spread < squares / _FAR:
        return None
    return mean, sqrt(spread / (count - 1)) if count > 1 else None


def _beside(frame: duckdb.DuckDBPyRelation, columns: Mapping[int, Column]) -> duckdb.DuckDBPyRelation:
    """The rows, and beside each column of floats its finite values: a filter at each aggregate costs five times it."""
    names = [(i, quoted(c.name)) for i, c in columns.items() if is_float(c.dtype)]
    usable = (f"CASE WHEN isfinite({n}) THEN {n} END AS {_finite(i)}" for i, n in names)
    return frame.project(", ".join(("*", *usable)))


def _finite(i: int) -> str:
    return quoted(f"finite values of mlforge {i}")


def _fact(column: Column, near: float | None, few: Collection[str]) -> Iterator[tuple[str, str]]:
    value = quoted(column.name)
    yield "nulls", f"count(*) - count({value})"
    if _is_counted(column) and column.name not in few:
        yield "distinct", f"approx_count_distinct({value})"
    if near is not None:
        off = f"(CAST({value} AS DOUBLE) - CAST({near!r} AS DOUBLE))"
        yield "sum", f"sum({off})"
        yield "squares", f"sum({off} * {off})"


def _ends(value: str, column: Column) -> Iterator[tuple[str, str]]:
    if kind_of(column.dtype) in ("number", "time", "choice"):
        yield "min", f"min({value})"
        yield "max", f"max({value})"


def _odd_facts(frame: duckdb.DuckDBPyRelation, odd: Mapping[int, Column]) -> dict[str, Any]:
    found = _asked(frame, {f"{name}{i}": sql for i, c in odd.items() for name, sql in _odd_fact(i, c)})
    beyond = [i for i in odd if not isfinite(found[f"mean{i}"] or 0.0)]
    means = _asked(frame, {f"mean{i}": f"avg(CAST({_finite(i)} AS DOUBLE) * {LOWERED!r})" for i in beyond})
    return found | {name: mean / LOWERED for name, mean in means.items()}


def _odd_fact(i: int, column: Column) -> Iterator[tuple[str, str]]:
    """What is asked of a column once more: of its finite values alone, and by functions that lose no digits."""
    value = quoted(column.name)
    usable = _finite(i) if is_float(column.dtype) else value
    if is_float(column.dtype):
        yield "nans", f"count(*) FILTER (WHERE isnan({value}))"
        yield "infinite", f"count(*) FILTER (WHERE isinf({value}))"
    yield from _ends(usable, column)
    yield "mean", f"avg(CAST({usable} AS DOUBLE))"
    yield "std", f"stddev_samp(CAST({usable} AS DOUBLE))"


def _apart(column: Column) -> str:
    """A value as it is told from others: -0.0 is 0.0."""
    value = quoted(column.name)
    return f"({value} + 0.0)" if is_float(column.dtype) else value


def _is_counted(column: Column) -> bool:
    """Whether it is told how many different values a column has."""
    return kind_of(column.dtype) != "list"


def _entities(keys: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """What is asked of entities, where their number is not that of the values of a column."""
    if not keys or (len(keys) == 1 and keys[0] in {c.name for c in columns}):
        return {}
    return {_ENTITY: f"approx_count_distinct({_entity(keys)}){_known(keys)}"}


def _entity(keys: Sequence[str]) -> str:
    """The keys of an entity as one value."""
    return quoted(keys[0]) if len(keys) == 1 else f"row({', '.join(map(quoted, keys))})"


def _known(keys: Sequence[str]) -> str:
    return f" FILTER (WHERE {' AND '.join(f'{quoted(k)} IS NOT NULL' for k in keys)})"


def _different(
    frame: duckdb.DuckDBPyRelation, columns: Sequence[Column], keys: Sequence[str], facts: Mapping[str, Any]
) -> dict[str, tuple[int, float]]:
    """How many different values each column has, and the error of that: none where there are not many.

    Each is counted whose number is estimated to be small, or was not estimated.
    """
    counted = {c.name: (facts.get(f"distinct{i}", 0), _apart(c)) for i, c in enumerate(columns) if _is_counted(c)}
    if _ENTITY in facts:
        counted[_ENTITY] = facts[_ENTITY], _entity(keys)
    exact = {n: f"count(DISTINCT {value})" for n, (estimate, value) in counted.items() if estimate < _DOUBTFUL}
    if _ENTITY in exact:
        exact[_ENTITY] += _known(keys)
    found = _asked(frame, exact)
    told = {n: (found.get(n, estimate), 0.0 if n in found else SKETCH_ERROR) for n, (estimate, _) in counted.items()}
    return told if _ENTITY in told or not keys else told | {_ENTITY: told[keys[0]]}


def _asked_and_drawn(
    frame: duckdb.DuckDBPyRelation, figures: Mapping[str, str], columns: Sequence[Column], ask: Measuring, rows: int
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Some figures of all rows, and the rows, or about as many as a sample has: the same ones each time.

    A row is drawn by its hash, so that one query looks at all of them: reading them costs more than all that is asked.
    But its answer is in memory at once, too much of many columns. Of rows that are alike, all would be drawn or none.
    """
    spread = {c.name: sql for c in columns if (sql := _spread_of(c))}
    if rows <= ask.sample or not spread:
        return _asked(frame, figures), _drawn(frame, spread)
    told = f"hash({', '.join(map(quoted, _telling(frame, columns, ask.keys)))})"
    below = f"{told} < CAST('{int(2**64 * ask.sample / rows)}' AS UBIGINT)"
    row = {_TOLD: told} | spread
    if len(row) > _WIDE:
        found, drawn = _asked(frame, figures), _drawn(frame, row, f" WHERE {below}")
    else:
        found, drawn = _asked_beside(frame, figures, row, below)
    if drawn[_TOLD].n_unique() < 0.9 * max(drawn.height, ask.sample):
        drawn = _drawn(frame, spread, f" USING SAMPLE {100 * ask.sample / rows:.9f} PERCENT (bernoulli, 0)")
    return found, drawn


def _asked_beside(
    frame: duckdb.DuckDBPyRelation, figures: Mapping[str, str], row: Mapping[str, str], condition: str
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Some figures of all rows, and something of each row that a condition holds for."""
    packed = ", ".join(f"{quoted(n)} := {sql}" for n, sql in row.items())
    some = dict(islice(figures.items(), _MOST_FIGURES))
    asks = some | {_TOLD: f"list(struct_pack({packed})) FILTER ({condition})"}
    answer = _drawn(frame, asks)
    found = answer.drop(_TOLD).row(0, named=True) | _asked(frame, {n: figures[n] for n in figures if n not in some})
    return found, answer[_TOLD].explode(empty_as_null=False).struct.unnest()


def _drawn(frame: duckdb.DuckDBPyRelation, columns: Mapping[str, str], part: str = "") -> pl.DataFrame:
    asks = ", ".join(f"{sql} AS {quoted(n)}" for n, sql in columns.items())
    return to_polars(asked(frame, f"SELECT {asks} FROM frame{part}")) if asks else pl.DataFrame()


def _telling(frame: duckdb.DuckDBPyRelation, columns: Sequence[Column], keys: Sequence[str]) -> Sequence[str]:
    """Columns that tell rows apart: keys and times, where there are keys."""
    times = (c.name for c in columns if kind_of(c.dtype) == "time")
    return list(dict.fromkeys((*keys, *times))) if keys else frame.columns


def _spread_of(column: Column) -> str | None:
    """A value whose spread is measured: numbers as they are, times in microseconds, and what there are choices of."""
    value, kind = quoted(column.name), kind_of(column.dtype)
    if kind == "choice":
        return value
    if kind == "time":
        return f"CAST(epoch_us({value}) AS DOUBLE)"
    return f"CAST({value} AS DOUBLE)" if kind == "number" else None


def _column(
    i: int, column: Column, facts: Mapping[str, Any], different: Mapping[str, tuple[int, float]],
    drawn: pl.DataFrame, ask: Measuring,
) -> ColumnQuality:  # fmt: skip
    rows = facts["rows"]
    counts, figures = (
        [facts.get(f"{name}{i}") for name in names]
        for names in (("nulls", "nans", "infinite"), ("min", "max", "mean", "std"))
    )
    seen = Facts(*(n or 0 for n in counts), *different.get(column.name, (None, 0.0)), *figures)
    spread = _spread(drawn[column.name].drop_nulls(), column, ask) if column.name in drawn.columns else _NOTHING
    return assembled(column, rows, seen, *spread, drawn.height if rows > ask.sample else 0)


_NOTHING: tuple[Shape, tuple[TopValue, ...]] = (Shape((), None), ())


def _spread(values: pl.Series, column: Column, ask: Measuring) -> tuple[Shape, tuple[TopValue, ...]]:
    """Quantiles and histogram, or most frequent values, of a sample."""
    if kind_of(column.dtype) == "choice":
        counted = values.alias("value").value_counts(name="count")
        ranked = counted.sort(["count", "value"], descending=[True, False]).head(ask.top)
        return Shape((), None), most_frequent(dict(ranked.iter_rows()), ask.top)
    ordered = values.filter(values.is_finite()).sort()

    def below(edges: Sequence[float]) -> list[int]:
        found: list[int] = ordered.search_sorted(pl.Series(edges, dtype=pl.Float64), side="left").to_list()
        return found

    return shaped(len(ordered), ordered.item, below, column, ask), ()
