"""Fewer rows: those in a span of time, and those found elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import polars as pl

from mlforge.model.expr import Expr
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Extent
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.expressions import condition as typed_condition
from mlforge_polars import times
from mlforge_polars.compile import compiled, words_of
from mlforge_polars.types import INSTANT

F = TypeVar("F", pl.DataFrame, pl.LazyFrame)


def within(
    frame: pl.DataFrame | pl.LazyFrame,
    timestamp: Timestamp,
    span: Span,
    collect: Callable[[pl.LazyFrame], pl.DataFrame],
) -> pl.DataFrame | pl.LazyFrame:
    """The rows whose time lies in the span, and those without one; lazy where they are and their times need no look."""
    name, schema = timestamp.column, frame.collect_schema()
    need_columns([name], schema, "The frame")
    if timestamp.timezone is None and isinstance(schema[name], pl.Datetime | pl.Date):
        return frame.filter(_inside(pl.col(name).cast(INSTANT, strict=False), span))
    rows = frame if isinstance(frame, pl.DataFrame) else collect(frame)
    at = times.instants(rows[name], timestamp).alias("at")
    return rows.filter(at.to_frame().select(_inside(pl.col("at"), span)).to_series())


def where(rows: pl.DataFrame, condition: Expr, timestamp: Timestamp) -> pl.DataFrame:
    """The rows for which a condition that sees their times is true, as they are."""
    need_columns([timestamp.column], rows.columns, "The frame")
    at = times.instants(rows[timestamp.column], timestamp).alias(timestamp.column)
    timed = rows.with_columns(at)
    verdicts = compiled(typed_condition(condition, words_of(timed.schema)), timed.schema)
    return rows.filter(timed.select(verdicts).to_series())


def _inside(at: pl.Expr, span: Span) -> pl.Expr:
    inside = pl.lit(value=True)
    if span.since is not None:
        inside &= at >= pl.lit(span.since).cast(INSTANT)
    if span.until is not None:
        inside &= at < pl.lit(span.until).cast(INSTANT)
    return inside | at.is_null()


def matching(
    rows: pl.DataFrame, others: Sequence[pl.DataFrame], columns: Sequence[str], *, absent: bool
) -> pl.DataFrame:
    """The rows whose values are found in another frame, or in none."""
    if not others:
        return rows if absent else rows.clear()
    if len(others) == 1 and _same(rows.select(columns), others[0].select(columns)):
        return rows.clear() if absent else rows
    found = pl.concat(others).unique()
    return rows.join(found, on=list(columns), how="anti" if absent else "semi", maintain_order="left")


def _same(rows: pl.DataFrame, others: pl.DataFrame) -> bool:
    """Whether each row finds itself, as a glance tells; a null finds none."""
    return rows.equals(others) and not any(column.null_count() for column in rows)


def extent(rows: pl.DataFrame, timestamp: Timestamp | None) -> Extent:
    """How many rows there are, and their first and last time."""
    if timestamp is None:
        return Extent(rows.height)
    need_columns([timestamp.column], rows.columns, "The frame")
    return Extent(rows.height, *ends(times.instants(rows[timestamp.column], timestamp)))


def ends(instants: pl.Series) -> tuple[int | None, int | None]:
    """The first and the last of some instants."""
    micros = instants.to_physical()
    return micros.min(), micros.max()  # type: ignore[return-value]  # the physical type is Int64
