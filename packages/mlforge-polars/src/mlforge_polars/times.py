"""Timestamps: times, dates and text become instants in UTC microseconds, or an error that shows the first bad value."""

from __future__ import annotations

import re

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge_polars.edge import edge
from mlforge_polars.types import INSTANT

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LOCAL = rf"{_DATE}[T ][0-9]{{2}}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_FORMS = (_DATE, _LOCAL, _LOCAL + _ZONE)  # a column has one of them
_DIRECTIVE = re.compile(r"%[-_0#]?[.:]*[0-9]?([A-Za-z%+])")
_WHOLE_DAY = frozenset("Fcvs+")  # directives that fix a day alone
_WEEKDAY = "aAuw"
_DAYS = (("Y", "mbBh", "de"), ("Y", "j"), ("Y", "UW", _WEEKDAY), ("G", "V", _WEEKDAY))  # one of each fix a day
_DETECTED = "Detected, one a column: 2026-01-31, 2026-01-31T12:00:00.123456, 2026-01-31 12:00:00+02:00."


def instants(column: pl.Series, timestamp: Timestamp) -> pl.Series:
    """A timestamp column as instants; nulls stay null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column that is neither.
    """
    match column.dtype:
        case pl.Datetime():
            return _complete(column, column.cast(INSTANT, strict=False), "is out of range", "Mend or drop such rows.")
        case pl.Date():
            return column.cast(INSTANT)
        case pl.String() | pl.Categorical() | pl.Enum():
            text = column.cast(pl.String)
            return _formatted(text, timestamp.format) if timestamp.format else _detected(text)
        case pl.Null():
            return column.cast(INSTANT)
        case _:
            raise _no_time(column)


def without_nulls(column: pl.Series) -> pl.Series:
    """The same column. Raises `Invalid` with the count of its nulls where it has any."""
    if nulls := column.null_count():
        raise Invalid(
            f"Timestamp {column.name!r} is null in {nulls:,} of {len(column):,} rows.",
            hint="Drop or fill these rows in the function.",
        )
    return column


def _no_time(column: pl.Series) -> Invalid:
    number = column.dtype.is_numeric()
    hint = f'pl.from_epoch("{column.name}", time_unit="s") makes times of numbers.' if number else "Cast it to a time."
    return Invalid(f"Timestamp {column.name!r} is {column.dtype}, not a time, a date or text.", hint=hint)


def _detected(text: pl.Series) -> pl.Series:
    """Text in the ISO 8601 form of its first value."""
    first = next(iter(text.drop_nulls().head(1)), None)
    if first is None:
        return text.cast(INSTANT)
    form = next((f for f in _FORMS if re.fullmatch(f, first)), None)
    if form is None:
        raise _unlike(text, text.is_not_null(), "is not a time")
    fits = text.str.contains(f"^(?:{form})$")
    if not fits.all():
        raise _unlike(text, ~fits, f"is not of the form of {first!r}")
    return _parsed(text, "%Y-%m-%d") if form == _DATE else _parsed(*_with_format(text))


def _with_format(text: pl.Series) -> tuple[pl.Series, str]:
    """Dates with a time, and the cheapest format that reads them all."""
    if not text.str.contains("^.{16}:").all():
        text = text.str.replace("^(.{16})([^:]|$)", "${1}:00${2}")
    if not (text.str.slice(10, 1) == "T").all():
        text = text.str.replace("^(.{10})T", "${1} ")
    separator = text.drop_nulls()[0][10]
    fraction = "%.f" if text.str.contains(".", literal=True).any() else ""
    zone = ("Z" if text.str.ends_with("Z").all() else "%#z") if text.str.contains(f"{_ZONE}$").any() else ""
    return text, f"%Y-%m-%d{separator}%H:%M:%S{fraction}{zone}"


def _formatted(text: pl.Series, pattern: str) -> pl.Series:
    if "%Z" in pattern.replace("%%", ""):
        raise Invalid(
            f"The format {pattern!r} of timestamp {text.name!r} has %Z, but a zone's name does not tell its offset.",
            hint="Use %z for an offset such as +0200, or write the zone's name as it stands.",
        )
    if not _fixes_a_day(pattern):
        raise Invalid(
            f"The format {pattern!r} of timestamp {text.name!r} does not fix a day.",
            hint="Make one text of year, month and day in the function, and read it with a format such as %Y-%m-%d.",
        )
    chrono = re.sub(r"(?<!%)((?:%%)*)\.%f", r"\1%.f", pattern)
    chrono = re.sub(r"(?<!%)((?:%%)*)%f", r"\1%6f", chrono)
    if re.search(r"%[HI]", chrono) and not re.search(r"%[MTRXc]", chrono):
        return _parsed(text, f"{chrono} %M", minutes=" 00")
    return _parsed(text, chrono)


def _fixes_a_day(pattern: str) -> bool:
    """Whether a time that fits has a year, and a day of it."""
    found = set(_DIRECTIVE.findall(pattern))
    return bool(found & _WHOLE_DAY) or any(all(found & set(part) for part in day) for day in _DAYS)


def _parsed(text: pl.Series, pattern: str, minutes: str = "") -> pl.Series:
    """Text as instants. Polars reads no hour without `minutes`."""
    with edge(f"Timestamp {text.name!r} cannot be read with the format {pattern!r}", "See strftime for the patterns."):
        parsed = (text + minutes if minutes else text).str.strptime(pl.Datetime("us"), pattern, strict=False)
    return _complete(text, parsed.cast(INSTANT), f"does not fit {pattern!r}", "Mend the value, or give another format.")


def _complete(given: pl.Series, made: pl.Series, why: str, hint: str) -> pl.Series:
    """What was made. Raises `Invalid` with the first value that became null."""
    if made.null_count() > given.null_count():
        row = (made.is_null() & given.is_not_null()).arg_true()[0]
        raise Invalid(f"Timestamp {given.name!r}: {_shown(given, row)} in row {row:,} {why}.", hint=hint)
    return made


def _shown(column: pl.Series, row: int) -> str:
    """A value as text; a time out of Python's range as its number."""
    return repr(column[row]) if column.dtype == pl.String else str(column.to_physical()[row])


def _unlike(text: pl.Series, bad: pl.Series, why: str) -> Invalid:
    row = bad.arg_true()[0]
    return Invalid(
        f"Timestamp {text.name!r}: {text[row]!r} in row {row:,} {why}.",
        hint=f'Name the form: Timestamp("{text.name}", format="%d.%m.%Y"). {_DETECTED}',
    )
