"""What the algebra's functions are worth: of numbers, of text, of times, and casts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mlforge.errors import Invalid
from mlforge.testing.reference.times import EPOCH, MICRO, as_utc, midnight

LIMITS = {f"{sign}Int{n}": limits(n) for n in (8, 16, 32, 64) for sign, limits in (
    ("", lambda n: (-(2 ** (n - 1)), 2 ** (n - 1) - 1)), ("U", lambda n: (0, 2**n - 1)))}  # fmt: skip


def beyond_is_infinite(rule: Callable[..., float]) -> Callable[..., float]:
    """A float beyond all floats is infinite."""

    def computed(*args: float) -> float:
        try:
            return rule(*map(float, args))
        except OverflowError:
            return math.inf

    return computed


def logarithm(a: float) -> float | None:
    """`log`: null of what is not above 0."""
    return None if a <= 0 else math.log(a)


def root(a: float) -> float | None:
    """`sqrt`: null of what is below 0."""
    return None if a < 0 else math.sqrt(a)


def power(a: float, b: float) -> float | None:
    """`pow`: null where a division by 0 or the root of what is below 0 is hidden in it."""
    a, b = float(a), float(b)
    if (a == 0 and b < 0) or (a < 0 and math.isfinite(a) and math.isfinite(b) and not b.is_integer()):
        return None
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf


def remainder(a: int, b: int) -> int | None:
    """`mod`: of the sign of the first, null where the second is 0."""
    return None if b == 0 else int(math.copysign(1, a)) * (abs(a) % abs(b))


def floor(a: float) -> float:
    """The greatest whole number that is not greater."""
    return math.floor(a) if math.isfinite(a) else a


def rounded(a: float) -> float:
    """The nearest whole number; of two, the one further from 0."""
    if not math.isfinite(a):
        return a
    whole = math.trunc(a)
    return whole + (math.copysign(1, a) if abs(a - whole) >= 0.5 else 0)


def sign(a: float) -> float:
    """-1, 0 or 1; of NaN NaN."""
    return a if math.isnan(a) else (a > 0) - (a < 0)


def in_case(text: str, change: Callable[[str], str]) -> str:
    """Each letter in its other case, where that is one letter and both are of four old alphabets."""
    return "".join(changed if is_letter(c) and is_letter(changed := change(c)) else c for c in text)


def is_letter(text: str) -> bool:
    """Whether it is one character, of Latin, Greek, Cyrillic or Armenian."""
    return len(text) == 1 and ("A" <= text <= "\u0587" or "\u1e00" <= text <= "\u1eff")


def strip(text: str) -> str:
    """Without the blanks at both ends."""
    return re.sub(r"\A[ \t\n\r\v\f]+|[ \t\n\r\v\f]+\Z", "", text)


def part(value: date | None, name: str, zone: str | None) -> int | None:
    """A part of a time on the clocks of a zone; of UTC without one."""
    if value is None:
        return None
    if isinstance(value, datetime) and zone:
        return _part_on_clock(as_utc(value), name, ZoneInfo(zone))
    in_utc = as_utc(value) if isinstance(value, datetime) else value
    if name == "weekday":
        return in_utc.isoweekday()
    return (in_utc.month + 2) // 3 if name == "quarter" else int(getattr(in_utc, name))


def _part_on_clock(value: datetime, name: str, clock: ZoneInfo) -> int | None:
    """A part of an instant on a clock, which may show the year 0 or 10000: Python knows none of these."""
    try:
        return part(value.astimezone(clock).replace(tzinfo=None), name, None)
    except OverflowError:
        sign = 1 if value.year == 1 else -1
        ahead = (value + sign * timedelta(days=2)).astimezone(clock).utcoffset() or timedelta(0)
        shown = part(value + sign * timedelta(days=146_097) + ahead, name, None)
        return (shown or 0) - 400 * sign if name == "year" else shown


def cast(value: Any, dtype: str) -> Any:
    """A value as one of another type; null where that does not hold it."""
    if value is None:
        return None
    if dtype in LIMITS:
        return as_integer(value, *LIMITS[dtype])
    if dtype == "Float64":
        real = r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
        return float(value) if not isinstance(value, str) or re.fullmatch(real, value) else None
    if dtype == "String":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if dtype == "Date":
        return as_utc(value).date() if isinstance(value, datetime) else value
    if dtype == "Datetime":
        return value if isinstance(value, datetime) else midnight(value)
    return value


def as_integer(value: Any, least: int, greatest: int) -> int | None:
    """A value without what is behind its point, within limits."""
    if isinstance(value, str):
        wanted = "[+-]?[0-9]+" if least < 0 else "[+]?[0-9]+"
        if not re.fullmatch(wanted, value) or len(value) > 4000:
            return None
    elif not math.isfinite(value):
        return None
    whole = int(value)
    return whole if least <= whole <= greatest else None


def is_time(value: Any) -> bool:
    """Whether it is an instant, a date or a length of time."""
    return isinstance(value, date | timedelta)


def moved(op: str, *args: Any) -> Any:
    """Arithmetic with times and lengths of time, of their microseconds."""
    counts = [count(a) for a in args]
    lengths = [isinstance(a, timedelta) for a in args]
    if op == "div":
        return None if counts[1] == 0 else float(counts[0]) / float(counts[1])
    if op == "neg":
        return length(-counts[0])
    if op == "abs":
        return length(abs(counts[0]))
    result = counts[0] + counts[1] if op == "add" else counts[0] - counts[1]
    return length(result) if all(lengths) or not any(lengths) else moment(result)


def count(value: Any) -> int:
    """The microseconds of a length of time, or of an instant since the Unix epoch."""
    if isinstance(value, timedelta):
        return value // MICRO
    return (as_utc(value if isinstance(value, datetime) else midnight(value)) - EPOCH) // MICRO


def length(micros: int) -> timedelta:
    """A length of time. Raises `Invalid` beyond 64 bits."""
    if not -(2**63) <= micros < 2**63:
        raise Invalid(f"{micros} microseconds do not fit 64 bits.", hint="Compute with shorter lengths of time.")
    return micros * MICRO


def moment(micros: int) -> datetime | None:
    """An instant; null beyond the years 1 to 9999. Raises `Invalid` beyond 64 bits."""
    length(micros)
    try:
        return EPOCH + micros * MICRO
    except OverflowError:
        return None
