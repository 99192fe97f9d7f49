"""Fewer rows: those in a span of time, those for which a condition is true, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.model.expr import Col, Expr
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Extent
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.expressions import condition as typed_condition
from mlforge_spark import times
from mlforge_spark.expressions import evaluate, has_window
from mlforge_spark.order import fresh, numbered
from mlforge_spark.types import column, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def within(frame: DataFrame, timestamp: Timestamp, span: Span) -> DataFrame:
    """The rows whose time lies in the span, and those without a time."""
    need_columns([timestamp.column], frame.columns, "The frame")
    at, inside = times.instants(frame, timestamp), F.lit(True)
    if timestamp.timezone is None and dict(frame.dtypes)[timestamp.column] == "timestamp":
        at = column(timestamp.column)  # as it stands, so that files tell what of them need not be read
    if span.since is not None:
        inside = inside & (at >= _instant(span.since))
    if span.until is not None:
        inside = inside & (at < _instant(span.until))
    return frame.where(inside | at.isNull())


def _instant(micros: int) -> Column:
    return F.timestamp_micros(F.lit(micros).cast("long"))


def where(frame: DataFrame, condition: Expr, timestamp: Timestamp | None) -> DataFrame:
    """The rows for which a condition is true, in order."""
    seen = frame
    if timestamp is not None:
        name, at = timestamp.column, fresh("at of mlforge", frame.columns)
        need_columns([name], frame.columns, "The frame")
        seen = frame.select("*", times.instants(frame, timestamp).alias(at))
        condition = condition.replace(lambda e: Col(at) if isinstance(e, Col) and e.name == name else e)
    node = typed_condition(condition, words_of(seen))
    if not has_window(node):
        return seen.where(evaluate(node, seen)).select(*map(column, frame.columns))
    rows, number = numbered(seen)
    verdict = fresh("true of mlforge", rows.columns)
    kept = rows.select("*", evaluate(node, rows).alias(verdict)).where(column(verdict))
    return kept.orderBy(column(number)).select(*map(column, frame.columns))


def extent(frame: DataFrame, timestamp: Timestamp | None) -> Extent:
    """How many rows there are, and their first and last time."""
    if timestamp is None:
        return Extent(frame.count())
    need_columns([timestamp.column], frame.columns, "The frame")
    at = times.micros(frame, timestamp)
    return Extent(*frame.select(F.count(F.lit(1)), F.min(at), F.max(at)).collect()[0])
