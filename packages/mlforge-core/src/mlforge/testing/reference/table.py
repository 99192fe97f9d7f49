"""The reference's frame: a schema and rows as dicts."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.schema import Column, Schema, is_integer, limits_of
from mlforge.testing.reference.times import as_utc

Row = dict[str, Any]
EXACT = Context(prec=100)
"""Python's own decimals round to 28 digits."""

HELD: dict[str, type | tuple[type, ...]] = {
    "Boolean": bool,
    "Float32": (float, int),
    "Float64": (float, int),
    "String": str,
    "Binary": bytes,
    "Date": date,
    "Datetime": datetime,
    "Time": time,
    "Duration": timedelta,
    "Decimal": (Decimal, int),
}
"""What Python has for the values of a type."""


class Table(msgspec.Struct, frozen=True):
    """Rows of plain values, the columns they have, and which of these came with times without a zone."""

    schema: Schema
    rows: list[Row]
    local: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schema: Schema, rows: Iterable[Mapping[str, Any]]) -> Table:
        """A table of any rows: missing columns are null, values take their column's type."""
        return cls(schema, [{c.name: plain(row.get(c.name), c.dtype) for c in schema} for row in rows])

    @property
    def names(self) -> tuple[str, ...]:
        return self.schema.names

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def select(self, names: Sequence[str]) -> Table:
        """These columns, in this order."""
        columns = tuple(Column(n, self.schema.dtype(n)) for n in names)
        return Table(Schema(columns), [{n: row[n] for n in names} for row in self.rows])

    def where(self, keep: Callable[[Row], bool]) -> Table:
        return Table(self.schema, [row for row in self.rows if keep(row)], self.local)

    def with_column(self, name: str, dtype: str, values: Sequence[Any]) -> Table:
        """The table with a column more, or one replaced where it stands."""
        if name in self.schema:
            columns = tuple(Column(name, dtype) if c.name == name else c for c in self.schema)
        else:
            columns = (*self.schema, Column(name, dtype))
        rows = [{**row, name: value} for row, value in zip(self.rows, values, strict=True)]
        return Table(Schema(columns), rows)

    def without(self, names: Iterable[str]) -> Table:
        gone = set(names)
        return self.select([n for n in self.names if n not in gone])


def plain(value: Any, dtype: str) -> Any:
    """A value as its type keeps it: instants in UTC, single floats rounded to singles."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return as_utc(value)
    if dtype == "Float32":
        return single(float(value))
    if dtype == "Float64":
        return float(value)
    if dtype.startswith("Decimal"):
        return EXACT.quantize(Decimal(value), Decimal(1).scaleb(-int(dtype[:-1].split(",")[1])))
    if dtype.startswith("List("):
        return [plain(v, dtype[5:-1]) for v in value]
    return value


def need_fitting(rows: Sequence[Mapping[str, Any]], schema: Schema) -> None:
    """Raise `Invalid` for the first value that is not of its column's type."""
    for number, row in enumerate(rows):
        for name, dtype in ((c.name, c.dtype) for c in schema):
            if not fits(row.get(name), dtype):
                said = f"{name} in row {number} does not: {row[name]!r}"
                there = ", ".join(f"{c.name} {c.dtype}" for c in schema)
                raise Invalid(f"The rows do not fit their schema; {said}.", hint=f"The schema: {there}.")


def fits(value: Any, dtype: str) -> bool:
    """Whether a column of some type can hold a value."""
    if value is None:
        return True
    if dtype.startswith("List("):
        return isinstance(value, list) and all(fits(v, dtype[5:-1]) for v in value)
    if is_integer(dtype):
        least, greatest = limits_of(dtype)
        return isinstance(value, int) and least <= value <= greatest
    return isinstance(value, HELD[dtype.partition("(")[0]])


def single(value: float) -> float:
    """The nearest Float32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])
