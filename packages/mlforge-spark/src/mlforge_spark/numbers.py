"""Numbers of a fixed type as Spark's constants, and powers of two."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def long(number: int) -> Column:
    """An integer of 64 bits."""
    return F.lit(number).cast("long")


def real(number: float) -> Column:
    """A float of 64 bits."""
    return F.lit(float(number))


def decimal(number: int) -> Column:
    """A whole number of as many digits as it has."""
    return F.lit(Decimal(number)).cast(f"decimal({max(1, len(str(abs(number))))},0)")


def times_power(number: Column, exponent: int) -> Column:
    """A float times a power of two; exact unless it leaves the range of floats."""
    if not exponent:
        return number
    if abs(exponent) > 1000:  # 2.0 ** 1024 is not a float
        half = int(math.copysign(1000, exponent))
        return times_power(number * real(2.0**half), exponent - half)
    return number * real(2.0**exponent)
