"""Between two order statistics, in proportion: right to the last digits also where the two all but cancel."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge.plugin.engine.types import digits, is_decimal

if TYPE_CHECKING:
    from pyspark.sql import Column

_WHOLE = 38  # digits of a decimal
_CHUNK = 24  # bits of a weight which, times half of a float, is a float
_SPLIT = 2.0**27 + 1
_GREAT = 2.0**900


def real_column(number: float) -> Column:
    """A float of 64 bits."""
    return F.lit(float(number))


def decimal_column(number: int) -> Column:
    """A whole number of as many digits as it has."""
    return F.lit(Decimal(number)).cast(f"decimal({max(1, len(str(abs(number))))},0)")


def interpolated(low: Column, high: Column, part: Column, bottom: int, word: str) -> Column:
    """The value a part of the way from one value to another: `part` of `bottom`, whole numbers, as a float."""
    if (size := _digits_of(word)) + len(str(bottom)) + 1 <= _WHOLE:
        return _of_whole(low.cast(f"decimal({size},0)"), high.cast(f"decimal({size},0)"), part, bottom)
    return _of_floats(low.cast("double"), high.cast("double"), part, bottom)


def _digits_of(word: str) -> int:
    """How many digits a whole number has; more than any decimal for floats."""
    if is_float(word):
        return _WHOLE
    return digits(word)[0] if is_decimal(word) else 20


def _of_whole(low: Column, high: Column, part: Column, bottom: int) -> Column:
    return (low * (decimal_column(bottom) - part) + high * part).cast("double") / real_column(bottom)


def _of_floats(low: Column, high: Column, part: Column, bottom: int) -> Column:
    infinite = real_column(float("inf"))
    unknown = F.isnan(low) | (F.abs(low) == infinite) & (F.isnan(high) | (F.abs(high) == infinite))
    return (
        F.when(low.isNull(), low)
        .when((low == high) & ~F.isnan(low), low)
        .when(unknown, real_column(float("nan")))
        .when(F.abs(low) == infinite, low)
        .when(F.isnan(high) | (high == infinite), high)
        .when(
            (low < real_column(0.0)) & (high > real_column(0.0)) & F.lit(bottom != 2), _opposed(low, high, part, bottom)
        )
        .otherwise(_alike(low, high, part, bottom))
    )


def _alike(low: Column, high: Column, part: Column, bottom: int) -> Column:
    """Of two numbers of one sign, or halfway between any two: nothing cancels, or it is rounded once."""
    is_wide = F.greatest(F.abs(low), F.abs(high)) > real_column(_GREAT)
    scale = F.when(is_wide, real_column(2.0**-100)).otherwise(real_column(1.0))
    if bottom == 2:
        return F.when(is_wide, low / real_column(2.0) + high / real_column(2.0)).otherwise(
            (low + high) / real_column(2.0)
        )
    rest = (decimal_column(bottom) - part).cast("double")
    return (low * scale * rest + high * scale * part.cast("double")) / real_column(bottom) / scale


def _opposed(low: Column, high: Column, part: Column, bottom: int) -> Column:
    """Of two numbers that may cancel: of exact products, whose errors are carried on when they are added."""
    power = F.greatest(F.lit(-1074), F.least(F.lit(1023), F.floor(F.log2(F.greatest(-low, high))).cast("int")))

    def computed(unit: Column) -> Column:
        terms = [*_products(low / unit, decimal_column(bottom) - part), *_products(high / unit, part)]
        left = F.array(*terms)
        for _ in range(2):
            left = _distilled(left)
        return F.aggregate(left, real_column(0.0), lambda total, x: total + x) / real_column(bottom) * unit

    return F.transform(F.array(F.pow(real_column(2.0), power)), computed)[0]


def _products(number: Column, weight: Column) -> list[Column]:
    """Floats whose sum is a float times a whole number of up to 72 bits, without any rounding."""
    high = number * real_column(_SPLIT) - (number * real_column(_SPLIT) - number)
    chunk = decimal_column(2**_CHUNK)
    weights = [weight % chunk, _divided(weight, 2**_CHUNK) % chunk, _divided(weight, 2 ** (2 * _CHUNK))]
    return [
        half * w.cast("double") * real_column(2.0 ** (_CHUNK * i))
        for i, w in enumerate(weights)
        for half in (high, number - high)
    ]


def _divided(number: Column, by: int) -> Column:
    return F.call_function("div", number, decimal_column(by)).cast("decimal(19,0)")


def _distilled(terms: Column) -> Column:
    """As many floats with the same sum: what is lost of each sum so far, and at last the sum itself."""
    start = F.struct(real_column(0.0).alias("sum"), F.array().cast("array<double>").alias("lost"))
    return F.aggregate(terms, start, _added, lambda found: F.concat(found["lost"], F.array(found["sum"])))


def _added(found: Column, x: Column) -> Column:
    total = found["sum"] + x
    back = total - found["sum"]
    lost = (found["sum"] - (total - back)) + (x - back)
    return F.struct(total.alias("sum"), F.concat(found["lost"], F.array(lost)).alias("lost"))
