"""Timestamps: times, dates and text as microseconds since the Unix epoch, or an error that shows the first bad value.

All of it is arithmetic on integers: neither the time zone of the process nor that of the connection is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import duckdb

from mlforge.errors import Invalid
from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import FIRST, LAST, Form, Formatted, Iso, detected, no_time, out_of_range
from mlforge.plugin.engine.zones import clock, has_own_zone, nonexistent
from mlforge_duckdb.edge import edge
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, holds_nanos, is_a_length, is_null, micros, quoted, text, word

_DAYS = 2 * 86_400_000_000  # further than any zone is from UTC
_ZONED = ("timestamp with time zone", "timestamptz")


def instants(frame: duckdb.DuckDBPyRelation, dtype: Type, timestamp: Timestamp) -> str:
    """A timestamp column as SQL that gives microseconds since the Unix epoch; nulls stay null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column that is neither.
    """
    if is_null(dtype):
        return "NULL::BIGINT"
    made = _as_utc(frame, dtype, timestamp)
    return made if timestamp.timezone is None else _in_zone(frame, made, timestamp)


def _in_zone(frame: duckdb.DuckDBPyRelation, local: str, timestamp: Timestamp) -> str:
    """The instants at which clocks in the timestamp's zone show what is given as if it were UTC, as SQL."""
    (first, last), *_ = asked(frame, f"SELECT min({local}), max({local}) FROM frame").fetchall()
    if first is None:
        return "NULL::BIGINT"
    table = clock(str(timestamp.timezone), first, last)
    made = _each(local, f"t - {_looked_up(table.starts, table.ahead)}")
    if timestamp.nonexistent == "raise" and any(first < start and gap <= last for start, gap in table.skipped):
        _refuse_skipped(frame, local, _each(local, f"t >= {_looked_up(table.starts, table.gaps)}"), timestamp)
    is_near_an_end = first < FIRST + _DAYS or last > LAST - _DAYS
    if is_near_an_end and (beyond := _first(frame, local, f"NOT {made} BETWEEN {FIRST} AND {LAST}")):
        raise out_of_range(timestamp.column, beyond[0], str(EPOCH + timedelta(microseconds=int(beyond[1]))))
    return f"({made})"


def _refuse_skipped(frame: duckdb.DuckDBPyRelation, local: str, skipped: str, timestamp: Timestamp) -> None:
    ((count,),) = asked(frame, f"SELECT count(*) FROM frame WHERE {skipped}").fetchall()
    if count and (first := _first(frame, local, skipped)):
        raise nonexistent(timestamp, count, first[0], int(first[1]))


def _each(local: str, result: str) -> str:
    """A result of a time `t`, which is computed once however often the result names it."""
    return f"list_transform([{local}], lambda t: {result})[1]"


def _looked_up(starts: Sequence[int], values: Sequence[int]) -> str:
    """The value of the last start that is not after `t`: halves of halves, as SQL."""
    if len(starts) == 1:
        return str(values[0])
    half = len(starts) // 2
    before, after = _looked_up(starts[:half], values[:half]), _looked_up(starts[half:], values[half:])
    return f"CASE WHEN t < {starts[half]} THEN {before} ELSE {after} END"


def _as_utc(frame: duckdb.DuckDBPyRelation, dtype: Type, timestamp: Timestamp) -> str:
    name = timestamp.column
    match word(dtype, name):
        case "Datetime" if timestamp.timezone and dtype.id.startswith(_ZONED):
            raise has_own_zone(timestamp)
        case "Datetime" | "Date":
            return micros(quoted(name), dtype)
        case "String":
            return _read(frame, f"CAST({quoted(name)} AS VARCHAR)", timestamp)
        case kind:
            number = kind.startswith(("Int", "UInt", "Float", "Decimal"))
            raise no_time(name, dtype, f"make_timestamp(CAST({name} * 1000000 AS BIGINT))" if number else None)


def refuse_beyond(frame: duckdb.DuckDBPyRelation, columns: Mapping[str, Type]) -> None:
    """Raise `Invalid` for the first time outside the years 1 to 9999 in columns of times and dates."""
    for name, dtype in columns.items():
        if bad := _first(frame, f"CAST({quoted(name)} AS VARCHAR)", f"NOT ({in_range(quoted(name), dtype)})"):
            raise out_of_range(name, *bad)


def refuse_months(frame: duckdb.DuckDBPyRelation, columns: Mapping[str, Type]) -> None:
    """Raise `Invalid` for the first duration that has months in columns of durations, and of lists of them."""
    for name, dtype in columns.items():
        if bad := _first(frame, f"CAST({quoted(name)} AS VARCHAR)", f"NOT ({is_a_length(quoted(name), dtype)})"):
            raise Invalid(
                f"Column {name!r}: {bad[1]} in row {bad[0]:,} is no length of time: months are of 28 to 31 days.",
                hint="Say it in days, or subtract one time from the other, in the function.",
            )


def is_time(dtype: Type) -> bool:
    """Whether a column holds times or dates."""
    return str(dtype.id).startswith(("date", "timestamp"))


def in_range(column: str, dtype: Type) -> str:
    """Whether a time or a date lies in the years 1 to 9999, in SQL; null where it is null."""
    if holds_nanos(dtype):  # a literal beyond their years is no value of theirs
        return f"{micros(column, dtype)} <= {LAST}"
    first, last = ("0001-01-01", "9999-12-31") if dtype.id == "date" else ("0001-01-01", "9999-12-31 23:59:59.999999")
    kind = "DATE" if dtype.id == "date" else "TIMESTAMPTZ" if dtype.id == "timestamp with time zone" else "TIMESTAMP"
    return f"{column} BETWEEN {kind} '{first}' AND {kind} '{last}'"


def _read(frame: duckdb.DuckDBPyRelation, column: str, timestamp: Timestamp) -> str:
    name = timestamp.column
    first = _first(frame, column, "true")
    if first is None:
        return "NULL::BIGINT"
    form = Formatted(timestamp.format) if timestamp.format else detected(name, *first)
    if timestamp.timezone and isinstance(form, Iso) and form.has_zone:
        raise has_own_zone(timestamp)
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
