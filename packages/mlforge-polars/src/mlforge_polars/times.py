"""Timestamps: times, dates and text become instants in UTC microseconds, or an error that shows the first bad value."""

from __future__ import annotations

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import (
    FIRST,
    FIRST_DAY,
    LAST,
    LAST_DAY,
    ZONE,
    Form,
    Formatted,
    Iso,
    detected,
    no_time,
    null_times,
    out_of_range,
)
from mlforge.plugin.engine.zones import clock, has_own_zone, nonexistent
from mlforge_polars.edge import edge
from mlforge_polars.types import INSTANT

_BOUNDS = {"us": (FIRST, LAST), "ms": (FIRST // 1000, LAST // 1000), "d": (FIRST_DAY, LAST_DAY)}
_UNITS = {"us": "µs", "ms": "ms", "d": "days"}
_INFINITE = (2**63 - 1, -(2**63) + 1, 2**31 - 1, -(2**31) + 1)  # as Postgres and DuckDB write it
_PERCENT = "\u2030"  # stands for the sign where Polars would take it and a letter for a directive


def instants(column: pl.Series, timestamp: Timestamp) -> pl.Series:
    """A timestamp column as instants; nulls stay null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column that is neither.
    """
    made = _as_utc(column, timestamp)
    return made if timestamp.timezone is None else _in_zone(made, timestamp)


def _as_utc(column: pl.Series, timestamp: Timestamp) -> pl.Series:
    match column.dtype:
        case pl.Datetime() | pl.Date():
            if timestamp.timezone and isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
                raise has_own_zone(timestamp)
            return in_range(column).cast(INSTANT)
        case pl.Null():
            return column.cast(INSTANT)
        case pl.String() | pl.Categorical() | pl.Enum():
            return _read(column.cast(pl.String), timestamp)
        case dtype:
            number = f'pl.from_epoch("{column.name}", time_unit="s")' if dtype.is_numeric() else None
            raise no_time(column.name, dtype, number)


def without_nulls(column: pl.Series) -> pl.Series:
    """The same column. Raises `Invalid` with the count of its nulls where it has any."""
    if nulls := column.null_count():
        raise null_times(column.name, nulls, len(column))
    return column


def in_range(column: pl.Series) -> pl.Series:
    """The same column. Raises `Invalid` with its first time outside the years 1 to 9999 where there is one."""
    bounds = _BOUNDS.get(getattr(column.dtype, "time_unit", "d"))
    if bounds is None or not isinstance(column.dtype, pl.Date | pl.Datetime):
        return column
    at = column.to_physical()
    if (beyond := ~at.is_between(*bounds)).any():
        row = beyond.fill_null(value=False).arg_true()[0]
        raise out_of_range(column.name, row, _shown(at[row], getattr(column.dtype, "time_unit", "d")))
    return column


def _shown(number: int, unit: str) -> str:
    return "infinity" if number in _INFINITE else f"{number} {_UNITS[unit]} after 1970"


def _in_zone(local: pl.Series, timestamp: Timestamp) -> pl.Series:
    """The instants at which clocks in the timestamp's zone show what is given as if it were UTC."""
    shown = local.to_physical()
    first, last = shown.min(), shown.max()
    if first is None:
        return local
    table = clock(str(timestamp.timezone), first, last)  # type: ignore[arg-type]  # the physical type is Int64
    place = pl.Series(table.starts, dtype=pl.Int64).search_sorted(shown.fill_null(0), side="right") - 1
    made = shown - pl.Series(table.ahead, dtype=pl.Int64).gather(place)
    bad = (shown >= pl.Series(table.gaps, dtype=pl.Int64).gather(place)).fill_null(value=False)
    if timestamp.nonexistent == "raise" and bad.any():
        row = bad.arg_true()[0]
        raise nonexistent(timestamp, int(bad.sum()), row, shown[row])
    beyond = (~made.is_between(FIRST, LAST)).fill_null(value=False)
    if beyond.any():
        row = beyond.arg_true()[0]
        raise out_of_range(timestamp.column, row, str(local[row]))
    return made.cast(INSTANT).alias(local.name)


def _read(text: pl.Series, timestamp: Timestamp) -> pl.Series:
    if text.null_count() == len(text):
        return text.cast(INSTANT)
    form = Formatted(timestamp.format) if timestamp.format else _detected(text)
    if timestamp.timezone and isinstance(form, Iso) and form.has_zone:
        raise has_own_zone(timestamp)
    fits = text.str.contains(f"^(?:{form.regex})$")
    if not fits.all():
        raise _misread(text, ~fits, form)
    with edge(f"Timestamp {text.name!r} cannot be read", "Look at its texts."):
        parsed = _parsed(text, form).cast(INSTANT)
    at = parsed.to_physical()
    if parsed.null_count() > text.null_count() or at.min() < FIRST or at.max() > LAST:  # type: ignore[operator]
        raise _misread(text, ~at.is_between(FIRST, LAST).fill_null(value=False) & text.is_not_null(), form)
    return parsed


def _detected(text: pl.Series) -> Iso:
    row = text.is_not_null().arg_true()[0]
    return detected(text.name, row, text[row])


def _misread(text: pl.Series, bad: pl.Series, form: Form) -> Invalid:
    row = bad.arg_true()[0]
    return form.misread(text.name, row, text[row])


def _parsed(text: pl.Series, form: Form) -> pl.Series:
    """Texts that fit a form, as times; null where a number is too great."""
    if isinstance(form, Iso):
        text, pattern = (text, "%Y-%m-%d") if not form.has_time else _with_iso_format(text)
    elif form.letters == ("s",):
        return text.cast(pl.Int64) * 1_000_000
    else:
        text, pattern = _with_format(text, form)
    return text.str.strptime(pl.Datetime("us"), pattern, strict=False)


def _with_iso_format(text: pl.Series) -> tuple[pl.Series, str]:
    """Dates with a time, and the cheapest format that reads them all."""
    if not text.str.contains("^.{16}:").all():
        text = text.str.replace("^(.{16})([^:]|$)", "${1}:00${2}")
    if not (text.str.slice(10, 1) == "T").all():
        text = text.str.replace("^(.{10})T", "${1} ")
    separator = text.drop_nulls()[0][10]
    fraction = "%.f" if text.str.contains(".", literal=True).any() else ""
    zone = ("Z" if text.str.ends_with("Z").all() else "%#z") if text.str.contains(f"{ZONE}$").any() else ""
    return text, f"%Y-%m-%d{separator}%H:%M:%S{fraction}{zone}"


def _with_format(text: pl.Series, form: Formatted) -> tuple[pl.Series, str]:
    """Texts and a format as Polars reads them: a fraction after a point, minutes with an hour, an hour with a zone."""
    if "%%" in form.spelled():  # a letter behind it would be a directive
        text = text.str.replace_all("%", _PERCENT, literal=True)
        form = Formatted(form.spelled().replace("%%", _PERCENT))
    gap = " " if form.before("f") == "number" else ""  # or the fraction would take its digits
    pattern = form.spelled({"f": f"%.f{gap}", "z": "%#z"})
    if form.before("z") == "text":  # or it would be taken for the minutes of a zone of hours alone
        short = text.str.replace(form.around("z"), "${2}").str.contains("^[+-][0-9]{2}$")
        text = text.str.replace(form.around("z"), "${1}${2}:00${3}").zip_with(short, text)
    if "f" in form.letters:
        point = "" if ".%.f" in pattern else "."
        pattern = pattern.replace(".%.f", "%.f")
        text = text.str.replace(form.around("f"), f"${{1}}{point}${{2}}{gap}${{3}}") if point or gap else text
    if "M" in form.letters or not {"H", "I", "z"} & set(form.letters):
        return text, pattern
    lacking = ("00", "%M") if {"H", "I"} & set(form.letters) else ("00:00", "%H:%M")
    return f"{lacking[0]} " + text, f"{lacking[1]} {pattern}"  # not behind a zone, which would read it as its minutes
