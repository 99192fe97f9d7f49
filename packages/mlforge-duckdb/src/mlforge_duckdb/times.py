"""Timestamps: times, dates and text as microseconds since the Unix epoch, or an error that shows the first bad value.

All of it is arithmetic on integers: neither the time zone of the process nor that of the connection is asked.
"""

from __future__ import annotations

import re

import duckdb

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge_duckdb.edge import edge
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, is_null, micros, quoted, text, word

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LOCAL = rf"{_DATE}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_FORMS = (_DATE, _LOCAL, _LOCAL + _ZONE)  # a column has one of them
_LOOSE = _LOCAL.replace("(?:[01][0-9]|2[0-3])", "[0-9]{2}")
_DETECTED = "Detected, one a column: 2026-01-31, 2026-01-31T12:00:00.123456, 2026-01-31 12:00:00+02:00."


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
            column = f"CAST({quoted(name)} AS VARCHAR)"
            return _formatted(frame, column, timestamp) if timestamp.format else _detected(frame, column, name)
        case kind:
            raise _no_time(name, dtype, kind)


def null_times(name: str, nulls: int, rows: int) -> Invalid:
    """The error for rows without a time."""
    return Invalid(
        f"Timestamp {name!r} is null in {nulls:,} of {rows:,} rows.", hint="Drop or fill these rows in the function."
    )


def _no_time(name: str, dtype: Type, kind: str) -> Invalid:
    number = kind.startswith(("Int", "UInt", "Float", "Decimal"))
    hint = f"make_timestamp({name} * 1000000) makes times of seconds." if number else "Cast it to a time."
    return Invalid(f"Timestamp {name!r} is {dtype}, not a time, a date or text.", hint=hint)


def _detected(frame: duckdb.DuckDBPyRelation, column: str, name: str) -> str:
    """Text in the ISO 8601 form of its first value."""
    found = asked(frame, f"SELECT {column} AS v FROM frame WHERE {column} IS NOT NULL LIMIT 1").fetchall()
    if not found:
        return "NULL::BIGINT"
    first = found[0][0]
    form = next((f for f in _FORMS if re.fullmatch(f.replace(_LOCAL, _LOOSE), first)), None)
    if form is None:
        raise _unlike(name, _first_bad(frame, column, "true"), "is not a time")
    made = _of_date(column) if form == _DATE else _of_local(column)
    made = f"{made} - {_offset(column)}" if form.endswith(_ZONE) else made
    fits = f"regexp_full_match({column}, {text(form)})"
    if bad := _first_bad(frame, column, f"NOT {fits} OR ({made}) IS NULL"):
        loose = re.fullmatch(form.replace(_LOCAL, _LOOSE), bad[1])
        raise _unlike(name, bad, "is not a time" if loose else f"is not of the form of {first!r}")
    return f"({made})"


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


def _formatted(frame: duckdb.DuckDBPyRelation, column: str, timestamp: Timestamp) -> str:
    pattern, name = timestamp.format or "", timestamp.column
    if "%Z" in pattern.replace("%%", ""):
        raise Invalid(
            f"The format {pattern!r} of timestamp {name!r} has %Z, but a zone's name does not tell its offset.",
            hint="Use %z for an offset such as +0200, or write the zone's name as it stands.",
        )
    made = f"epoch_us(try_strptime({column}, {text(pattern)}))"
    if pattern == "%s":
        made = f"TRY_CAST({column} AS BIGINT) * 1000000"
    with edge(f"Timestamp {name!r} cannot be read with the format {pattern!r}", "See strftime for the patterns."):
        bad = _first_bad(frame, column, f"({made}) IS NULL OR {column} <> trim({column})")
    if bad:
        raise Invalid(
            f"Timestamp {name!r}: {bad[1]!r} in row {bad[0]:,} does not fit {pattern!r}.",
            hint="Mend the value, or give another format.",
        )
    return f"({made})"


def _first_bad(frame: duckdb.DuckDBPyRelation, column: str, bad: str) -> tuple[int, str] | None:
    """The row and text of the first value for which `bad` is true."""
    numbered = f"SELECT row_number() OVER () - 1 AS i, {column} AS v, coalesce({bad}, true) AS b FROM frame"
    query = f"SELECT i, v FROM ({numbered}) WHERE v IS NOT NULL AND b ORDER BY i LIMIT 1"
    found: list[tuple[int, str]] = asked(frame, query).fetchall()
    return found[0] if found else None


def _unlike(name: str, bad: tuple[int, str] | None, why: str) -> Invalid:
    row, value = bad or (0, "")
    return Invalid(
        f"Timestamp {name!r}: {value!r} in row {row:,} {why}.",
        hint=f'Name the form: Timestamp("{name}", format="%d.%m.%Y"). {_DETECTED}',
    )
