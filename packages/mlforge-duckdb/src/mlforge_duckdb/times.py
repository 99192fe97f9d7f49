"""Timestamps: times, dates and text as microseconds since the Unix epoch, or an error that shows the first bad value.

All of it is arithmetic on integers: neither the time zone of the process nor that of the connection is asked.
"""

from __future__ import annotations

import duckdb

from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import FIRST, LAST, Form, Formatted, Iso, detected, no_time
from mlforge_duckdb.edge import edge
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, is_null, micros, quoted, text, word


def instants(frame: duckdb.DuckDBPyRelation, dtype: Type, timestamp: Timestamp) -> str:
    """A timestamp column as SQL that gives microseconds since the Unix epoch; nulls stay null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column that is neither.
    """
    name = timestamp.column
    if is_null(dtype):
        return "NULL::BIGINT"
    match word(dtype, name):
        case "Datetime" | "Date":
            return micros(quoted(name), dtype)
        case "String":
            return _read(frame, f"CAST({quoted(name)} AS VARCHAR)", timestamp)
        case kind:
            number = kind.startswith(("Int", "UInt", "Float", "Decimal"))
            raise no_time(name, dtype, f"make_timestamp(CAST({name} * 1000000 AS BIGINT))" if number else None)


def _read(frame: duckdb.DuckDBPyRelation, column: str, timestamp: Timestamp) -> str:
    name = timestamp.column
    first = _first(frame, column, "true")
    if first is None:
        return "NULL::BIGINT"
    form = Formatted(timestamp.format) if timestamp.format else detected(name, *first)
    made = _of_iso(column, form) if isinstance(form, Iso) else _of_format(column, form)
    with edge(f"Timestamp {name!r} cannot be read", "Look at its texts."):
        bad = _first(frame, column, f"NOT ({_fits(column, made, form)})")
    if bad:
        raise form.misread(name, *bad)
    return f"({made})"


def _first(frame: duckdb.DuckDBPyRelation, column: str, asked_for: str) -> tuple[int, str] | None:
    """The row and text of the first value for which something is true, or unknown."""
    numbered = f"SELECT row_number() OVER () - 1 AS i, {column} AS v, coalesce({asked_for}, true) AS b FROM frame"
    query = f"SELECT i, v FROM ({numbered}) WHERE v IS NOT NULL AND b ORDER BY i LIMIT 1"
    found: list[tuple[int, str]] = asked(frame, query).fetchall()
    return found[0] if found else None


def _fits(column: str, made: str, form: Form) -> str:
    fits = f"regexp_full_match({column}, {text(form.regex)}) AND ({made}) BETWEEN {FIRST} AND {LAST}"
    if isinstance(form, Iso) or not form.told_twice:
        return fits
    letter, ahead = form.told_twice, _offset(_part(column, form, "z")) if "z" in form.letters else "0"
    day = f"strftime(make_timestamp({made} + {ahead}), '%{letter}')"
    return f"{fits} AND ltrim(lower({day}), '0') = ltrim(lower({_part(column, form, letter)}), '0')"


def _part(column: str, form: Formatted, letter: str) -> str:
    return f"regexp_extract({column}, {text(form.around(letter))}, 2)"


def _of_iso(column: str, form: Iso) -> str:
    if not form.has_time:
        return _of_date(column)
    return f"{_of_local(column)} - {_offset(column)}" if form.has_zone else _of_local(column)


def _of_date(column: str) -> str:
    return f"epoch_us(TRY_CAST(left({column}, 10) AS DATE))"


def _of_local(column: str) -> str:
    """Digits by their places; seconds and their fraction may be missing, and what is finer than 1 µs is cut off."""
    hours, minutes = (f"TRY_CAST(substr({column}, {at}, 2) AS BIGINT)" for at in (12, 15))
    seconds = f"coalesce(TRY_CAST(regexp_extract({column}, '^.{{16}}:([0-9]{{2}})', 1) AS BIGINT), 0)"
    fraction = f"TRY_CAST(left(rpad(regexp_extract({column}, '[.]([0-9]+)', 1), 6, '0'), 6) AS BIGINT)"
    return f"{_of_date(column)} + (({hours} * 60 + {minutes}) * 60 + {seconds}) * 1000000 + {fraction}"


def _offset(column: str) -> str:
    """How far a time's zone is ahead of UTC, in microseconds."""
    parts = [f"regexp_extract({column}, '([+-])([0-9]{{2}}):?([0-9]{{2}})?$', {i})" for i in (1, 2, 3)]
    hours, minutes = (f"coalesce(TRY_CAST({part} AS BIGINT), 0)" for part in parts[1:])
    return f"(CASE {parts[0]} WHEN '-' THEN -60000000 ELSE 60000000 END * ({hours} * 60 + {minutes}))"


def _of_format(column: str, form: Formatted) -> str:
    if form.letters == ("s",):
        return f"TRY_CAST({column} AS BIGINT) * 1000000"
    if "z" not in form.letters:
        return f"epoch_us(try_strptime({column}, {text(form.spelled())}))"
    apart = f"regexp_replace({column}, {text(form.around('z'))}, '\\1|\\3')"  # or a : behind it would be a part of it
    return f"epoch_us(try_strptime({apart}, {text(form.spelled({'z': '|'}))})) - {_offset(_part(column, form, 'z'))}"
