"""Functions of one value: casts, parts of times, letters."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.letters import BLANK, LOWER, UPPER
from mlforge.plugin.engine.patterns import DOTS, WORD_ENDS, ignores_case, written
from mlforge.plugin.engine.times import FIRST, LAST
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.types import DAY, HOUR, MINUTE, dtype_of, duration, duration_micros, floor_div

if TYPE_CHECKING:
    from pyspark.sql import Column

_CASES = {"lower": LOWER, "upper": UPPER}
_WHOLE_FROM = 2.0**53
"""From here on every float is a whole number."""


def cast(value: Column, word: str, to: str) -> Column:
    """A value of one type as one of another; null where that does not hold it."""
    match word, to:
        case "Datetime", "Int64":
            return F.unix_micros(value)
        case "Duration", "Int64":
            return duration_micros(value)
        case "Datetime", "Date":
            return F.date_from_unix_date(floor_div(F.unix_micros(value), DAY).cast(T.IntegerType()))
        case "Int64", "Datetime":
            return F.timestamp_micros(F.when(value.between(FIRST, LAST), value))
        case "Date", "Datetime":
            return F.timestamp_micros(F.unix_date(value).cast(T.LongType()) * F.lit(DAY))
        case "Int64", "Duration":
            return duration(value)
        case _ if is_integer(to):
            return _integer(value, word, to)
        case _:
            return value.cast(dtype_of(to))


def _integer(value: Column, word: str, to: str) -> Column:
    """A value without what is behind its point, where it fits."""
    dtype, (low, high) = dtype_of(to), _bounds(to)
    if word == "Boolean":
        return value.cast(dtype)
    if is_float(word):
        above = value >= F.lit(float(low)) if to == "Int64" else value > F.lit(float(low - 1))
        return F.when(above & (value < F.lit(float(high + 1))), _whole(value, to)).cast(dtype)
    if word == "String":
        few = F.length(F.regexp_replace(value, "^[+-]?0*", "")) <= F.lit(38)
        value = F.when(few, value).cast(T.DecimalType(38, 0))
    elif is_decimal(word):  # a cast to fewer digits would round
        value = F.when(value >= F.lit(0), F.floor(value)).otherwise(F.ceil(value))
    fits = (value >= F.lit(Decimal(low))) & (value <= F.lit(Decimal(high)))
    return F.when(fits, value).cast(dtype)


def _bounds(word: str) -> tuple[int, int]:
    bits = int(word.lstrip("UInt"))
    return (0, 2**bits - 1) if word.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _whole(value: Column, to: str) -> Column:
    """A float as an integer; by its halves where 64 bits with a sign do not hold it."""
    if to != "UInt64":
        return value.cast(T.LongType())
    value = F.greatest(value, F.lit(0.0))  # above -1, and cut off towards 0
    high = F.floor(value / F.lit(2.0**32))
    low = (value - high.cast(T.DoubleType()) * F.lit(2.0**32)).cast(T.LongType())
    wide = T.DecimalType(20, 0)
    return (high.cast(T.DecimalType(10, 0)) * F.lit(Decimal(2**32)) + low.cast(T.DecimalType(10, 0))).cast(wide)


def without_point(value: Column, precision: int, scale: int) -> Column:
    """The digits of a decimal as a whole one; by way of its text where a product would have too many."""
    whole = T.DecimalType(precision, 0)
    if precision + scale + 2 <= 38:
        return (value * F.lit(Decimal(10**scale))).cast(whole)
    return F.translate(F.format_number(value, scale), ",.", "").cast(whole)


def with_point(whole: Column, scale: int) -> Column:
    """A whole decimal with its point elsewhere."""
    return F.concat(whole.cast(T.StringType()), F.lit(f"E-{scale}")).cast(T.DecimalType(38, scale))


def part_of(value: Column, part: str, zone: str | None) -> Column:
    """A part of an instant, as the clocks of a zone show it."""
    micros = F.unix_micros(value if zone is None else F.from_utc_timestamp(value, zone))
    if part in _LENGTHS:
        per, of = _LENGTHS[part]
        return floor_div(F.pmod(micros, F.lit(of)), per)
    day = F.date_from_unix_date(floor_div(micros, DAY).cast(T.IntegerType()))
    return _PARTS[part](day).cast(T.LongType())


_LENGTHS = {"hour": (HOUR, DAY), "minute": (MINUTE, HOUR), "second": (1_000_000, MINUTE)}
_PARTS: dict[str, Callable[[Column], Column]] = {
    "year": F.year,
    "quarter": F.quarter,
    "month": F.month,
    "day": F.dayofmonth,
    "weekday": lambda day: F.weekday(day) + F.lit(1),
}


def found(value: Column, pattern: str) -> Column:
    """Whether a pattern is found in a text; a line ends at a line feed alone, and `$` is the end of all of it."""
    if not ignores_case(pattern):
        return F.regexp_like(value, F.lit("(?d)" + in_java(pattern)))
    plain = F.translate(value, *DOTS)
    return F.regexp_like(plain, F.lit("(?du)" + in_java(pattern.translate(str.maketrans(*DOTS)))))


def in_java(pattern: str) -> str:
    r"""A pattern in Java's spelling, whose `$` also stands before a line feed at the end.

    Example:
        >>> print(in_java(r"^a\$[$]$"))
        ^a\$[$]\z
    """
    ends = {r"\Z": r"\z", r"\b": WORD_ENDS}
    if re.search(r"\(\?[a-zA-Z]*m", pattern):  # there `$` is the end of a line, as everywhere
        return written(pattern, ends)
    return written(pattern, {**ends, "$": r"\z"})


def floor(value: Column) -> Column:
    """The whole number below; Spark's own is an integer of 64 bits."""
    return F.when(F.abs(value) < F.lit(_WHOLE_FROM), F.floor(value).cast(T.DoubleType())).otherwise(value)


def power(base: Column, exponent: Column) -> Column:
    """A power; of 1, and of -1 with an infinite exponent, Java's is NaN."""
    endless = F.abs(exponent) == F.lit(float("inf"))
    one = ((base == F.lit(1.0)) & exponent.isNotNull()) | ((base == F.lit(-1.0)) & endless)
    return F.when(one, F.lit(1.0)).otherwise(F.pow(base, exponent))


def in_case(function: str) -> Callable[[Column], Column]:
    """Letters in their other case: those that every engine changes."""
    letters = _CASES[function]
    return lambda value: F.translate(value, "".join(letters), "".join(letters.values()))


def strip(value: Column) -> Column:
    """Text without blanks at its ends."""
    return F.btrim(value, F.lit(BLANK))
