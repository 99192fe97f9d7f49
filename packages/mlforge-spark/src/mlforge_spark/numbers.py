"""Numbers of a fixed type in Spark's SQL, and powers of two.

The kernels are written as SQL: a Column costs a call to the JVM for every step it is made of.
"""

from __future__ import annotations

import math

NAN, UP, DOWN = (f"CAST('{name}' AS DOUBLE)" for name in ("NaN", "Infinity", "-Infinity"))
ZERO = "CAST(0 AS BIGINT)"


def long(number: int) -> str:
    """An integer of 64 bits."""
    return f"CAST({number} AS BIGINT)" if abs(number) < 2**31 else f"CAST('{number}' AS BIGINT)"


def real(number: float) -> str:
    """A float of 64 bits."""
    return f"CAST('{float(number)!r}' AS DOUBLE)"


def decimal(number: int) -> str:
    """A whole number of as many digits as it has."""
    return f"CAST('{number}' AS DECIMAL({max(1, len(str(abs(number))))}, 0))"


def times_power(number: str, exponent: int) -> str:
    """A float times a power of two; exact unless it leaves the range of floats."""
    if not exponent:
        return number
    if abs(exponent) > 1000:  # 2.0 ** 1024 is not a float
        half = int(math.copysign(1000, exponent))
        return times_power(f"({number} * {real(2.0**half)})", exponent - half)
    return f"({number} * {real(2.0**exponent)})"


def floored(number: str, by: int) -> str:
    """A quotient of 64-bit integers, rounded down."""
    return f"(({number} - pmod({number}, {long(by)})) DIV {long(by)})"


def added(terms: list[str]) -> str:
    """A sum of terms."""
    return f"({' + '.join(terms)})"
