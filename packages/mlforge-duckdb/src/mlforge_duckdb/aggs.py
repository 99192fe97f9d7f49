"""The plan of a kernel's queries: the windows, what the inputs ask for, and the aggregates of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge.plugin.engine.sizing import MOST_SQUARED, Limbs
from mlforge_duckdb.types import floored

SUMMED = ("sum", "mean")
BOUNDS = ("min", "max")
_UNCOUNTED = {"sum", *BOUNDS}  # what needs no number of values

Stay = tuple[int, int | None]
"""How long after an event is known it enters a window, and when it leaves; None: never."""


class Value(NamedTuple):
    """An input and what its data ask for."""

    name: str
    word: str
    functions: frozenset[str]
    nullable: bool
    special: bool  # there are NaN or infinities
    sums: Limbs
    squares: Limbs

    @property
    def events(self) -> str:
        """The partial that counts its values."""
        return f"{self.name}_n" if self.nullable else "n"

    @property
    def counted(self) -> bool:
        """Do its aggregates need how many values there are?"""
        return self.nullable and not self.functions <= _UNCOUNTED

    @property
    def summed(self) -> bool:
        return bool(self.functions & set(SUMMED))

    @property
    def squared(self) -> bool:
        return "std" in self.functions and self.squares.length <= MOST_SQUARED

    @property
    def finite(self) -> str:
        """Its value where that is finite, else 0, in SQL."""
        if self.word == "Boolean":
            return f"CAST({self.name} AS INTEGER)"
        if not is_float(self.word):
            return self.name
        column = f"CAST({self.name} AS DOUBLE)"
        return f"CASE WHEN isfinite({column}) THEN {column} WHEN {column} IS NOT NULL THEN 0.0 END"

    @property
    def unusual(self) -> dict[str, str]:
        """The partials that count NaN and infinities, and what they count."""
        if not self.special:
            return {}
        counted = {"nan": f"isnan({self.name})", "up": f"{self.name} = 'inf'", "down": f"{self.name} = '-inf'"}
        return {f"{self.name}_{kind}": f"count(*) FILTER (WHERE {is_one})" for kind, is_one in counted.items()}

    @property
    def limbs(self) -> list[str]:
        """The partials that its sum is made of, the lowest first."""
        return [f"{self.name}_s{i}" for i in range(self.sums.length)]

    @property
    def roots(self) -> list[str]:
        """The partials of the limbs that are squared."""
        return [f"{self.name}_r{i}" for i in range(self.squares.length)]

    @property
    def pairs(self) -> dict[str, tuple[int, int]]:
        """The partials of products of two roots, and which two."""
        return {f"{self.name}_p{i}{j}": (i, j) for i, j in self.squares.pairs}


class Bound(NamedTuple):
    """A least or greatest value: the tiles' column, the length of its windows and the slot it stands in.

    A length of None is that of windows without end.
    """

    function: str
    value: str
    length: int | None
    slot: str

    @property
    def tile(self) -> str:
        return f"{self.value}_{self.function}"


class Plan(NamedTuple):
    """What to compute: how many keys there are, the interval, the distinct windows, the values and the aggregates.

    And of shifts at which not all events change a window, the inputs of which those that do have one.
    """

    keys: int
    interval: int | None
    windows: Sequence[Stay]
    values: Mapping[str, Value]
    aggs: Sequence[Aggregate]
    passing: Mapping[int, Sequence[str]]

    def of(self, aggs: Sequence[Aggregate]) -> Plan:
        """The plan of some of the aggregates. It has the same change points."""
        names = dict.fromkeys(a.column for a in aggs if a.column is not None)
        return self._replace(values={name: self.values[name] for name in names}, aggs=aggs)

    @property
    def shifts(self) -> list[int | None]:
        """How long after a tile it changes an aggregate, from 0 on; None, at the end of time, where some never end."""
        shifts = {shift for agg in self.aggs for shift in stay(agg)}
        return [*sorted({0, *(s for s in shifts if s is not None)}), *([None] if None in shifts else [])]

    @property
    def elsewhere(self) -> list[int]:
        """The other shifts at which there are change points: those of aggregates that another plan has."""
        shifts = {shift for window in self.windows for shift in window if shift is not None}
        return sorted(shifts - set(self.shifts))

    @property
    def key_names(self) -> list[str]:
        return [f"k{i}" for i in range(self.keys)]

    @property
    def bounds(self) -> list[Bound]:
        found = dict.fromkeys((a.function, a.column, length(a)) for a in self.aggs if a.function in BOUNDS)
        return [Bound(f, c or "", w, f"slot{i}") for i, (f, c, w) in enumerate(found)]

    def bound(self, agg: Aggregate) -> Bound:
        """The least or greatest value that an aggregate is made of."""
        wanted = (agg.function, agg.column, length(agg))
        return next(b for b in self.bounds if b[:3] == wanted)

    def bounds_at(self, shift: int) -> tuple[list[Bound], list[Bound]]:
        """Those whose windows a tile enters at a shift, and those whose windows it leaves."""
        asked = [a for a in self.aggs if a.function in BOUNDS]
        entered = dict.fromkeys(self.bound(a) for a in asked if a.enters == shift)
        left = dict.fromkeys(self.bound(a) for a in asked if a.leaves == shift and self.blocked(length(a)))
        return list(entered), list(left)

    @property
    def ranged(self) -> list[Aggregate]:
        """The aggregates that are taken of runs of values, out of SQL."""
        return [a for a in self.aggs if self._is_ranged(a)]

    @property
    def looked_at(self) -> list[str]:
        """The inputs whose values are looked at themselves."""
        return list(dict.fromkeys(a.column or "" for a in self.ranged))

    @property
    def quick(self) -> list[Aggregate]:
        return [a for a in self.aggs if not self._is_ranged(a)]

    def _is_ranged(self, agg: Aggregate) -> bool:
        if agg.function == "std":
            return not self.values[agg.column or ""].squared
        return agg.is_ranged

    def blocked(self, length: int | None) -> bool:
        """Is a window longer than one tile?"""
        return length != self.interval or length is None

    def window(self, agg: Aggregate) -> int:
        """The number of an aggregate's window."""
        return self.windows.index(stay(agg))


def stay(agg: Aggregate) -> Stay:
    """When events enter an aggregate's window and leave it."""
    return agg.enters, agg.leaves


def length(agg: Aggregate) -> int | None:
    """The length of an aggregate's window; None: it has no end."""
    return None if agg.leaves is None else agg.leaves - agg.enters


def block_start(length: int, time: str) -> str:
    """Where the block of a window's length begins that an instant lies in, in SQL."""
    return f"({floored(time, length)} * {length})"


def reached(value: Value, shift: int | None, plan: Plan) -> str:
    """The column of the change points that says how many values of an input, of all entities, came to a shift."""
    return f"at{plan.shifts.index(shift)}_{value.events}"


def columns(*parts: Sequence[str]) -> str:
    """Some lists of columns as one, in SQL."""
    return ", ".join(column for part in parts for column in part)
