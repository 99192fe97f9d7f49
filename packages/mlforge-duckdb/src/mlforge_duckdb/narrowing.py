"""Fewer rows: those in a span of time, those found elsewhere, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from mlforge.model.expr import Call, Col, Expr
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Extent
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.expressions import condition as typed_condition
from mlforge_duckdb import times
from mlforge_duckdb.compile import compiled, words_of
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import Type, is_null, quoted, types_of, word

_ROW, _AT, _TRUE = "row of mlforge", "at of mlforge", "true of mlforge"
_PLAIN = ("timestamp", "timestamp with time zone")  # microseconds; the session's time zone is UTC


def within(rows: duckdb.DuckDBPyRelation, timestamp: Timestamp, span: Span) -> duckdb.DuckDBPyRelation:
    """The rows whose time lies in the span, and those without a time.

    A time is compared as it stands where it can be: then files tell what of them need not be read.
    """
    at, dtype = f"({_micros(rows, timestamp)})", types_of(rows)[timestamp.column]
    plain = timestamp.timezone is None and dtype.id in _PLAIN
    time = quoted(timestamp.column) if plain else at
    inside = [
        f"{time} {sign} {f'CAST(make_timestamp({end}) AS {dtype})' if plain else end}"
        for sign, end in ((">=", span.since), ("<", span.until))
        if end is not None
    ]
    return rows.filter(f"{' AND '.join(inside)} OR {time} IS NULL") if inside else rows


def looks(rows: duckdb.DuckDBPyRelation, timestamp: Timestamp) -> bool:
    """Whether times have to be looked at before they can be compared: texts, and those of clocks."""
    types = types_of(rows)
    need_columns([timestamp.column], types, "The frame")
    dtype = types[timestamp.column]
    return not is_null(dtype) and (timestamp.timezone is not None or word(dtype, timestamp.column) == "String")


def where(rows: duckdb.DuckDBPyRelation, condition: Expr, timestamp: Timestamp | None) -> duckdb.DuckDBPyRelation:
    """The rows for which a condition is true, in order.

    One about each row as it stands is a filter, and files tell what of them need not be read.
    """
    around = any(isinstance(e, Call) and e.op == "duplicated" for e in condition.walk())
    if timestamp is None and not around:
        return rows.filter(_true(condition, types_of(rows)))
    seen = rows.project(f"*, row_number() OVER () AS {quoted(_ROW)}")
    if timestamp is not None:
        at = f"make_timestamptz({_micros(rows, timestamp)})"
        seen = seen.project(f"*, {at} AS {quoted(_AT)}")
        name = timestamp.column
        condition = condition.replace(lambda e: Col(_AT) if isinstance(e, Col) and e.name == name else e)
    flagged = (
        seen.project(f"*, {_true(condition, types_of(seen))} AS {quoted(_TRUE)}")
        .filter(quoted(_TRUE))
        .order(quoted(_ROW))
    )
    return flagged.project(", ".join(map(quoted, rows.columns)))


def _true(condition: Expr, types: Mapping[str, Type]) -> str:
    return compiled(typed_condition(condition, words_of(types)), types)


def matching(
    rows: duckdb.DuckDBPyRelation,
    others: Sequence[duckdb.DuckDBPyRelation],
    columns: Sequence[str],
    session: Session,
    *,
    absent: bool,
) -> duckdb.DuckDBPyRelation:
    """The rows whose values are found in another relation, or in none."""
    if not others:
        return rows if absent else rows.limit(0)
    names = ", ".join(map(quoted, columns))
    found = [session.store(other, f"SELECT DISTINCT {names} FROM frame") for other in others]
    everywhere = " UNION ".join(f"SELECT {names} FROM {table}" for table in found)
    kind = "ANTI" if absent else "SEMI"
    answer = session.keep(rows, f"SELECT * FROM frame {kind} JOIN ({everywhere}) USING ({names})")
    session.drop(*found)
    return answer


def extent(rows: duckdb.DuckDBPyRelation, timestamp: Timestamp | None) -> Extent:
    """How many rows there are, and their first and last time."""
    at = _micros(rows, timestamp) if timestamp else "NULL::BIGINT"
    (found,) = asked(rows, f"SELECT count(*), min({at}), max({at}) FROM frame").fetchall()
    return Extent(*found)


def _micros(rows: duckdb.DuckDBPyRelation, timestamp: Timestamp) -> str:
    types = types_of(rows)
    need_columns([timestamp.column], types, "The frame")
    return times.instants(rows, types[timestamp.column], timestamp)
