"""Columns and their types, under names that belong to no library.

The types are `Boolean`, `Int8` … `Int64`, `UInt8` … `UInt64`, `Float32`, `Float64`, `String`, `Binary`, `Date`,
`Datetime` (an instant: microseconds, UTC), `Time`, `Duration`, `Decimal(p, s)` and `List(T)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

SIGNED = ("Int8", "Int16", "Int32", "Int64")
UNSIGNED = ("UInt8", "UInt16", "UInt32", "UInt64")
INTEGERS = SIGNED + UNSIGNED
FLOATS = ("Float32", "Float64")
KEY_TYPES = (*INTEGERS, "String", "Boolean", "Date", "Datetime", "Binary")


def is_integer(dtype: str) -> bool:
    """Whether it is one of `Int8` … `UInt64`."""
    return dtype in INTEGERS


def limits_of(dtype: str) -> tuple[int, int]:
    """The least and the greatest integer of a type of integers.

    Example:
        >>> limits_of("Int8"), limits_of("UInt8")
        ((-128, 127), (0, 255))
    """
    bits = int(dtype.lstrip("UInt"))
    return (0, 2**bits - 1) if dtype in UNSIGNED else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def is_float(dtype: str) -> bool:
    """Whether it is `Float32` or `Float64`."""
    return dtype in FLOATS


def same_key_type(a: str, b: str) -> bool:
    """Whether keys of these types join each other: integers of any width do, others need the same type."""
    return a == b or (is_integer(a) and is_integer(b))


def is_numeric(dtype: str) -> bool:
    """Whether it is an integer, a float or a decimal."""
    return dtype in INTEGERS or dtype in FLOATS or dtype.startswith("Decimal")


class Column(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A column: its name, its type and, where a metric made it, how.

    A manifest has tens of thousands, which hold nothing but texts: the garbage collector leaves them alone.
    """

    name: str
    dtype: str
    aggregation: str | None = None
    window: str | None = None
    description: str | None = None
    unit: str | None = None


class Schema(msgspec.Struct, frozen=True):
    """Columns in order.

    Example:
        >>> Schema.of(user_id="Int64", amount="Float64").names
        ('user_id', 'amount')
    """

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, **dtypes: str) -> Schema:
        return cls(tuple(Column(name, dtype) for name, dtype in dtypes.items()))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def get(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    def dtype(self, name: str) -> str:
        """The type of one column. Raises `KeyError` where there is none of that name."""
        column = self.get(name)
        if column is None:
            raise KeyError(name)
        return column.dtype

    def describe(self, details: dict[str, Column]) -> Schema:
        """The same columns, with aggregation, window, description and unit taken from `details`."""
        return Schema(
            tuple(msgspec.structs.replace(details[c.name], dtype=c.dtype) if c.name in details else c for c in self)
        )

    @property
    def hash(self) -> str:
        """128 bits over names and types, whatever the order of the columns."""
        pairs = sorted((c.name, c.dtype) for c in self)
        return hashlib.sha256(msgspec.json.encode(pairs)).hexdigest()[:32]
