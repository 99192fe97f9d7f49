"""Timestamps: times, dates and text as instants, or an error that shows the first bad value.

All of it is arithmetic on integers: neither the session's time zone nor its ANSI mode is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid
from mlforge.model.span import EPOCH
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.times import FIRST, LAST, Form, Formatted, Iso, detected, no_time, out_of_range
from mlforge.plugin.engine.zones import clock, has_own_zone, nonexistent
from mlforge_spark.edge import refusing
from mlforge_spark.order import first_row
from mlforge_spark.types import DAY, HOUR, MINUTE, column, plain, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DAYS = 2 * DAY  # further than any zone is from UTC
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instants(frame: DataFrame, timestamp: Timestamp) -> Column:
    """A timestamp column as instants; nulls stay null. Text is looked through first.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column that is neither.
    """
    return F.timestamp_micros(micros(frame, timestamp))


def micros(frame: DataFrame, timestamp: Timestamp) -> Column:
    """As `instants`, in microseconds since the Unix epoch."""
    name = timestamp.column
    dtype = frame.schema[name].dataType
    if isinstance(dtype, T.NullType):
        return F.lit(None).cast(T.LongType())
    made = _as_utc(frame, dtype, timestamp)
    return made if timestamp.timezone is None else _in_zone(frame, made, timestamp)


def _as_utc(frame: DataFrame, dtype: T.DataType, timestamp: Timestamp) -> Column:
    name = timestamp.column
    match word := words_of(frame)[name]:
        case "Datetime" if timestamp.timezone and isinstance(dtype, T.TimestampType):
            raise has_own_zone(timestamp)
        case "Datetime":
            return F.unix_micros(plain(column(name), dtype))
        case "Date":
            return _midnight(F.unix_date(column(name)).cast(T.LongType()))
        case "String":
            return _read(frame, timestamp)
        case _:
            number = word.startswith(("Int", "UInt", "Float", "Decimal"))
            raise no_time(name, word, f'F.timestamp_seconds("{name}")' if number else None)


def _midnight(days: Column) -> Column:
    """The microseconds of days; of days that microseconds do not hold, such as infinite ones, some beyond all years."""
    far = F.when(days < F.lit(0), F.lit(-(2**62))).otherwise(F.lit(2**62))
    return F.when(days.between(FIRST // DAY, LAST // DAY), days * F.lit(DAY)).when(days.isNotNull(), far)


def within_years(label: Column, timestamp: Timestamp) -> Column:
    """Label times, in microseconds; an error, in the row that asks for one, for those outside the years 1 to 9999."""
    refusal = refusing(
        Invalid(
            f"Column {timestamp.column!r}: a label time is out of range: times lie in the years 1 to 9999.",
            hint=f'Leave such rows out: F.year("{timestamp.column}").between(1, 9999).',
        )
    )
    return F.when(label.between(FIRST, LAST) | label.isNull(), label).otherwise(refusal.cast(T.LongType()))


def _in_zone(frame: DataFrame, local: Column, timestamp: Timestamp) -> Column:
    """The instants at which clocks in the timestamp's zone show what is given as if it were UTC."""
    first, last = frame.select(F.min(local), F.max(local)).collect()[0]
    if first is None:
        return F.lit(None).cast(T.LongType())
    table = clock(str(timestamp.timezone), first, last)
    made = local - _looked_up(local, table.starts, table.ahead)
    if timestamp.nonexistent == "raise" and any(first < start and gap <= last for start, gap in table.skipped):
        _refuse_skipped(frame, local, local >= _looked_up(local, table.starts, table.gaps), timestamp)
    is_near_an_end = first < FIRST + _DAYS or last > LAST - _DAYS
    if is_near_an_end and (beyond := first_row(frame, ~made.between(FIRST, LAST), local)):
        raise out_of_range(timestamp.column, beyond[0], str(EPOCH + timedelta(microseconds=int(beyond[1]))))
    return made


def _refuse_skipped(frame: DataFrame, local: Column, skipped: Column, timestamp: Timestamp) -> None:
    count = frame.where(skipped).count()
    if count and (first := first_row(frame, skipped, local)):
        raise nonexistent(timestamp, count, first[0], int(first[1]))


def _looked_up(shown: Column, starts: Sequence[int], values: Sequence[int]) -> Column:
    """The value of the last start that is not after a time: halves of halves."""
    if len(starts) == 1:
        return F.lit(values[0]).cast(T.LongType())
    half = len(starts) // 2
    before, after = _looked_up(shown, starts[:half], values[:half]), _looked_up(shown, starts[half:], values[half:])
    return F.when(shown < F.lit(starts[half]), before).otherwise(after)


def refuse_beyond(frame: DataFrame, names: Sequence[str]) -> None:
    """Raise `Invalid` for the first time outside the years 1 to 9999 in columns of times and dates."""
    words, fields = words_of(frame), frame.schema
    for name in names:
        value = count_of(column(name), fields[name].dataType, words[name])
        if bad := first_row(frame, beyond(value, words[name]), value):
            raise out_of_range(name, bad[0], str(bad[1]))


def count_of(value: Column, dtype: T.DataType, word: str) -> Column:
    """A time as its microseconds, a date as its days."""
    return F.unix_date(value).cast(T.LongType()) if word == "Date" else F.unix_micros(plain(value, dtype))


def beyond(count: Column, word: str) -> Column:
    """Whether a time lies outside the years 1 to 9999."""
    first, last = (FIRST // DAY, LAST // DAY) if word == "Date" else (FIRST, LAST)
    return ~count.between(first, last)


def _read(frame: DataFrame, timestamp: Timestamp) -> Column:
    name = timestamp.column
    text = plain(column(name), frame.schema[name].dataType)
    first = first_row(frame, text.isNotNull(), text)
    if first is None:
        return F.lit(None).cast(T.LongType())
    form: Form = Formatted(timestamp.format) if timestamp.format else detected(name, *first)
    if timestamp.timezone and isinstance(form, Iso) and form.has_zone:
        raise has_own_zone(timestamp)
    made = of_text(text, form)
    if bad := first_row(frame, text.isNotNull() & made.isNull(), text):
        raise form.misread(name, *bad)
    return made


def of_text(text: Column, form: Form) -> Column:
    """The microseconds that a text means; null where it does not fit the form, or is beyond the years 1 to 9999."""
    fitting = F.when(F.regexp_like(text, F.lit(f"^(?:{form.regex})\\z")), text)
    made = _of_iso(fitting, form) if isinstance(form, Iso) else _of_format(fitting, form)
    return F.when(made.between(FIRST, LAST), made)


def _number(text: Column, at: int, length: int) -> Column:
    return F.substring(text, at, length).cast(T.LongType())


def _digits(text: Column) -> Column:
    """A number in text; null where there is none."""
    return F.when(F.length(text) > F.lit(0), text).cast(T.LongType())


def _fraction(digits: Column) -> Column:
    """Digits behind a point as microseconds; what is finer is cut off."""
    return F.rpad(F.substring(digits, 1, 6), 6, "0").cast(T.LongType())


def _of_iso(text: Column, form: Iso) -> Column:
    date = _day_of(_number(text, 1, 4), _number(text, 6, 2), _number(text, 9, 2)) * F.lit(DAY)
    if not form.has_time:
        return date
    seconds = _digits(F.regexp_extract(text, "^.{16}:([0-9]{2})", 1))
    clocked = date + _number(text, 12, 2) * F.lit(HOUR) + _number(text, 15, 2) * F.lit(MINUTE)
    fraction = _fraction(F.regexp_extract(text, "[.]([0-9]+)", 1))
    clocked = clocked + F.coalesce(seconds, F.lit(0)) * F.lit(1_000_000) + fraction
    return clocked - _offset(text) if form.has_zone else clocked


def _offset(text: Column) -> Column:
    """How far a time's zone, at its end, is ahead of UTC, in microseconds."""
    sign, hours, minutes = (F.regexp_extract(text, "([+-])([0-9]{2}):?([0-9]{2})?$", i) for i in (1, 2, 3))
    ahead = F.coalesce(_digits(hours), F.lit(0)) * F.lit(60) + F.coalesce(_digits(minutes), F.lit(0))
    return ahead * F.when(sign == F.lit("-"), F.lit(-MINUTE)).otherwise(F.lit(MINUTE))


def _day_of(year: Column, month: Column, day: Column) -> Column:
    """The days from 1970-01-01 to a day; null where the calendar has no such day."""
    first = _days_before(year, F.when(month.between(1, 12) & (year >= F.lit(1)), month))
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    short = F.when(month.isin(4, 6, 9, 11), F.lit(30)).when(month == 2, F.when(leap, F.lit(29)).otherwise(F.lit(28)))
    return F.when(day.between(F.lit(1), F.coalesce(short, F.lit(31))), first + day - F.lit(1))


def _days_before(year: Column, month: Column) -> Column:
    """The days from 1970-01-01 to the first of a month that there is."""
    date = F.make_date(F.coalesce(year, F.lit(1970)).cast("int"), F.coalesce(month, F.lit(1)).cast("int"), F.lit(1))
    return F.when(month.isNotNull() & year.isNotNull(), F.unix_date(date).cast(T.LongType()))


def _of_format(text: Column, form: Formatted) -> Column:
    said = {letter: F.regexp_extract(text, f"^(?:{form.around(letter)[1:-1]})\\z", 2) for letter in form.letters}
    if "s" in said:
        return _digits(said["s"]) * F.lit(1_000_000)
    number = {letter: _digits(value) for letter, value in said.items() if letter not in "bBaApz"}
    day = _told_day(said, number)
    for told in _weekdays(said, number):
        day = F.when(told == F.pmod(day + F.lit(3), F.lit(7)) + F.lit(1), day)
    hour = _hour(said, number)
    made = day * F.lit(DAY) + hour * F.lit(HOUR)
    for letter, length in (("M", MINUTE), ("S", 1_000_000)):
        if letter in number:
            made = made + F.when(number[letter] < F.lit(60), number[letter]) * F.lit(length)
    if "f" in said:
        made = made + _fraction(said["f"])
    return made - _offset(said["z"]) if "z" in said else made


def _told_day(said: dict[str, Column], number: dict[str, Column]) -> Column:
    if "G" in said:
        return _iso_day(number["G"], number["V"], number["u"])
    if "j" in said:
        made = _days_before(number["Y"], F.lit(1)) + number["j"] - F.lit(1)
        after = _days_before(number["Y"] + F.lit(1), F.lit(1))
        return F.when(number["Y"].between(1, 9999) & (number["j"] >= F.lit(1)) & (made < after), made)
    months = [_place(said[x], _MONTHS) for x in "bB" if x in said]
    return _day_of(number["Y"], months[0] if months else number["m"], number["d"])


def _iso_day(year: Column, week: Column, weekday: Column) -> Column:
    """The day of a week of a year of weeks, which has 52 of them, or 53."""
    first, following = (_first_week(y) for y in (year, year + F.lit(1)))
    made = first + (week - F.lit(1)) * F.lit(7) + weekday - F.lit(1)
    there = (week >= F.lit(1)) & weekday.between(1, 7) & (first + week * F.lit(7) <= following)
    return F.when(year.between(1, 9999) & there, made)


def _first_week(year: Column) -> Column:
    """The Monday of the week that holds January 4."""
    fourth = _days_before(year, F.lit(1)) + F.lit(3)
    return fourth - F.pmod(fourth + F.lit(3), F.lit(7))


def _place(text: Column, names: Sequence[str]) -> Column:
    """Which of some names, from 1, a text begins with."""
    short = F.lower(F.substring(text, 1, 3))
    return F.call_function("array_position", F.array(*map(F.lit, names)), short).cast(T.LongType())


def _weekdays(said: dict[str, Column], number: dict[str, Column]) -> list[Column]:
    """The days of the week that are told, from 1 for Monday."""
    named = [_place(said[x], _WEEKDAYS) for x in "aA" if x in said]
    told = [number["u"]] if "u" in number else []
    sunday_first = [
        F.when(n < F.lit(7), F.when(n == F.lit(0), F.lit(7)).otherwise(n)) for x, n in number.items() if x == "w"
    ]
    return [*named, *told, *sunday_first]


def _hour(said: dict[str, Column], number: dict[str, Column]) -> Column:
    if "I" not in said:
        hour = number.get("H", F.lit(0).cast(T.LongType()))
        return F.when(hour < F.lit(24), hour)
    half: Callable[[Column], Column] = F.lower
    later = F.when(half(said["p"]) == F.lit("pm"), F.lit(12)).otherwise(F.lit(0))
    return F.when(number["I"].between(1, 12), number["I"] % F.lit(12) + later)
