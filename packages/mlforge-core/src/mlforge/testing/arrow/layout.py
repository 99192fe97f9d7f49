"""How values of each type are laid out in Arrow's buffers, both ways."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from mlforge.errors import Invalid
from mlforge.testing.reference.table import EXACT
from mlforge.testing.reference.times import EPOCH, MICRO, instant, micros

FORMATS = {
    "Boolean": "b",
    "Int8": "c",
    "UInt8": "C",
    "Int16": "s",
    "UInt16": "S",
    "Int32": "i",
    "UInt32": "I",
    "Int64": "l",
    "UInt64": "L",
    "Float32": "f",
    "Float64": "g",
    "String": "u",
    "Binary": "z",
    "Date": "tdD",
    "Datetime": "tsu:UTC",
    "Time": "ttu",
    "Duration": "tDu",
}
DTYPES = {f: d for d, f in FORMATS.items()} | {"U": "String", "vu": "String", "Z": "Binary", "vz": "Binary"}
PACK = {"c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q", "f": "f", "g": "d"}
PER_SECOND = {"s": 1, "m": 10**3, "u": 10**6, "n": 10**9}


def format_of(dtype: str) -> str:
    """Arrow's word for a type."""
    if dtype.startswith("Decimal("):
        return "d:" + dtype[8:-1].replace(" ", "")
    return "+l" if dtype.startswith("List(") else FORMATS[dtype]


def dtype_of(form: str, child: str = "") -> str:
    """The type behind Arrow's word; `child` is the type of a list's items."""
    for prefix, dtype in (("ts", "Datetime"), ("tt", "Time"), ("tD", "Duration")):
        if form.startswith(prefix):
            return dtype
    if form.startswith("d:"):
        precision, scale = form[2:].split(",")[:2]
        return f"Decimal({precision}, {scale})"
    if form in ("+l", "+L"):
        return f"List({child})"
    if form not in DTYPES:
        raise Invalid(f"The kit does not read Arrow's {form!r}.", hint="Export one of the types of mlforge.")
    return DTYPES[form]


def item_of(form: str) -> str:
    """The struct code of one value of a type of fixed width."""
    if form in PACK:
        return PACK[form]
    return "i" if form in ("tdD", "tts", "ttm") else "q"


def to_number(form: str) -> Callable[[Any], Any]:
    """How a value of a type of fixed width becomes a number; a number is one, which Python's types may not reach."""
    if form in PACK:
        return lambda value: value
    written = _to_number(form)
    return lambda value: value if isinstance(value, int) else written(value)


def _to_number(form: str) -> Callable[[Any], Any]:
    if form == "tdD":
        return lambda value: (value - EPOCH.date()).days
    counts: dict[str, Callable[[Any], int]] = {"ts": micros, "tt": micros_of_day, "tD": lambda v: v // MICRO}
    count = counts[form[:2]]
    return lambda value: count(value) * PER_SECOND[form[2]] // 10**6


def from_number(form: str) -> Callable[[Any], Any]:
    """The inverse of `to_number`."""
    if form in PACK:
        return lambda number: number
    if form == "tdD":
        return lambda number: EPOCH.date() + timedelta(days=number)
    makes: dict[str, Callable[[int], Any]] = {"ts": instant, "tt": time_of_day, "tD": lambda n: n * MICRO}
    make = makes[form[:2]]
    if form.startswith("ts") and form.endswith(":"):  # times without a zone
        return lambda number: make(number * 10**6 // PER_SECOND[form[2]]).replace(tzinfo=None)
    return lambda number: make(number * 10**6 // PER_SECOND[form[2]])


def micros_of_day(value: time) -> int:
    """Microseconds since midnight."""
    return (datetime.combine(EPOCH, value, UTC) - EPOCH) // MICRO


def time_of_day(value: int) -> time:
    """The inverse of `micros_of_day`."""
    return (EPOCH + value * MICRO).time()


def bitmap(bits: Sequence[bool]) -> bytes:
    """One bit a value, the first in the lowest place."""
    number = sum(1 << i for i, bit in enumerate(bits) if bit)
    return number.to_bytes(max(8, (len(bits) + 7) // 8), "little")


def decimal_bytes(value: Decimal | None, scale: int) -> bytes:
    """A decimal as 128 bits."""
    number = 0 if value is None else int(EXACT.scaleb(value, scale))
    return number.to_bytes(16, "little", signed=True)


def pack(code: str, numbers: Sequence[Any]) -> bytes:
    """Numbers in one struct code, one after the other."""
    return struct.pack(f"<{len(numbers)}{code}", *numbers)
