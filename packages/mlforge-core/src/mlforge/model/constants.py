"""Values that expressions compute with: those of plain Python, and those of numpy and pandas that stand for one."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

from mlforge.errors import Invalid

Scalar = bool | int | float | str | bytes | date | datetime | timedelta | None

_PLAIN = frozenset({bool, int, float, str, bytes, date, datetime, timedelta, type(None)})


def constant(value: object) -> Scalar:
    """A value as plain Python has it. Raises `Invalid` for one that no expression computes with.

    Example:
        >>> import numpy as np
        >>> constant(np.int64(3)), constant(np.datetime64("2026-01-05T12:00"))
        (3, datetime.datetime(2026, 1, 5, 12, 0))
        >>> constant(["refund", "sale"])
        Traceback (most recent call last):
        mlforge.errors.Invalid: list is no kind of value to compute with. Give one value, or ask for one of several: ...
    """
    given: Any = native(value)
    if type(given) in _PLAIN:
        return given  # type: ignore[no-any-return]
    if isinstance(given, int | float | bytes):
        kind: Any = next(k for k in (int, float, bytes) if isinstance(given, k))
        return kind(given)  # type: ignore[no-any-return]
    if isinstance(given, date | timedelta) and given == given:  # noqa: PLR0124 - pandas' NaT is a datetime, too
        with contextlib.suppress(ValueError, NotImplementedError):  # pandas' times go beyond the year 9999
            return _exact(given)
    raise _none(value)


def native(value: Any) -> Any:
    """A number, text or time of numpy, or of a kind of one's own, as plain Python has it; anything else as it is.

    Example:
        >>> import numpy as np
        >>> native(np.float32(0.5)), native(np.str_("a"))
        (0.5, 'a')
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # an Enum's own str() gives its name
    if not _is_single(value) or getattr(value, "mask", False):
        return value
    return _time(value) if _is_time(value) else value.item()


def natives(value: Any) -> Any:
    """The same of each of several values: of a list, a tuple, a dict, an array, a Series or an Index.

    Example:
        >>> import numpy as np
        >>> natives(["a", np.str_("b")]), natives(np.array(["a", "b"]))
        (['a', 'b'], ['a', 'b'])
    """
    kind = type(value)
    if kind is list or kind is tuple:
        return kind(map(natives, value))
    if kind is dict:
        return {native(key): natives(one) for key, one in value.items()}
    if hasattr(kind, "tolist") and getattr(value, "ndim", 0) == 1:
        return natives(value.tolist())
    return native(value)


def to_the_microsecond(value: Any) -> Any:
    """A time of numpy as plain Python has it, what is finer than a microsecond being cut off; else as `native` does.

    Example:
        >>> import numpy as np
        >>> to_the_microsecond(np.datetime64("2026-01-05T12:00:00.000000001", "ns"))
        datetime.datetime(2026, 1, 5, 12, 0)
    """
    found = native(value)
    if found is value and _is_single(value) and _is_time(value):
        with contextlib.suppress(TypeError):
            return native(value.astype(f"{value.dtype.kind}8[us]"))
    return found


def _is_single(value: Any) -> bool:
    """Whether it is one value of numpy, or of a library that does as numpy does."""
    return type(value) not in _PLAIN and hasattr(type(value), "dtype") and getattr(value, "shape", None) == ()


def _is_time(value: Any) -> bool:
    return getattr(value.dtype, "kind", "") in ("m", "M")


def _time(value: Any) -> Any:
    """The time; the value itself where Python has none that is equal."""
    try:
        exact = value.astype(f"{value.dtype.kind}8[us]")
        if exact != value or exact.astype(value.dtype) != value:
            return value  # finer than a microsecond, beyond 64 bits of them, or no time at all
    except TypeError:  # lengths of months and years
        return value
    coarse = value.item()
    found = exact.item() if isinstance(coarse, int) else coarse
    return value if isinstance(found, int) else found  # Python's times end with the year 9999


def _exact(time: Any) -> date | timedelta:
    if getattr(time, "nanosecond", 0) or getattr(time, "nanoseconds", 0):
        raise Invalid(f"{time!r} is finer than a microsecond.", hint="Round it: value.round('us').")
    if isinstance(time, timedelta):
        return timedelta(time.days, time.seconds, time.microseconds)
    if not isinstance(time, datetime):
        return date(time.year, time.month, time.day)
    return datetime.combine(
        date(time.year, time.month, time.day), clock(time.hour, time.minute, time.second, time.microsecond), time.tzinfo
    ).replace(fold=time.fold)


def _none(value: object) -> Invalid:
    several = isinstance(value, list | tuple | dict | set | frozenset | bytearray) or getattr(value, "shape", None)
    return Invalid(
        f"{type(value).__name__} is no kind of value to compute with.",
        hint='Give one value, or ask for one of several: col("kind").is_in(["refund", "sale"]).'
        if several
        else "Constants are numbers (decimals as floats), text, bytes, dates, times and lengths of time; None is null.",
    )
