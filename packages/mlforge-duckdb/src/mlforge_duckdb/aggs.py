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
    """A least or greatest value: the tiles' column, the window's number and the slot it stands in."""

    function: str
    value: str
    window: int
    slot: str

    @property
    def tile(self) -> str:
        return f"{self.value}_{self.function}"


class Plan(NamedTuple):
    """What to compute: how many keys there are, the interval, the distinct windows, the values and the aggregates.

    And how many bytes a query may take for it.
    """

    keys: int
    interval: int | None
    windows: Sequence[int]
    values: Mapping[str, Value]
    aggs: Sequence[Aggregate]
    memory: int

    @property
    def key_names(self) -> list[str]:
        return [f"k{i}" for i in range(self.keys)]

    @property
    def bounds(self) -> list[Bound]:
        found = dict.fromkeys((a.function, a.column, a.leaves) for a in self.aggs if a.function in BOUNDS)
        return [Bound(f, c or "", self.windows.index(w), f"slot{i}") for i, (f, c, w) in enumerate(found)]

    @property
    def slow(self) -> list[Aggregate]:
        """The aggregates that look at the events themselves."""
        return [a for a in self.aggs if self._is_slow(a)]

    @property
    def quick(self) -> list[Aggregate]:
        return [a for a in self.aggs if not self._is_slow(a)]

    def _is_slow(self, agg: Aggregate) -> bool:
        return agg.function == "median" or (agg.function == "std" and not self.values[agg.column or ""].squared)

    def blocked(self, window: int) -> bool:
        """Is a window longer than one tile?"""
        return self.windows[window] != self.interval

    def block(self, window: int, time: str) -> str:
        return floored(time, self.windows[window])

    def block_start(self, window: int, time: str) -> str:
        return f"({self.block(window, time)} * {self.windows[window]})"


def held(agg: Aggregate, plan: Plan) -> str:
    """The column of the change points that says how many values a slow aggregate's window holds."""
    return f"w{plan.windows.index(agg.leaves)}_{plan.values[agg.column or ''].events}"


def ended(value: Value) -> str:
    """The column of the change points that says how many of an input's values have entered, in the order of events."""
    return f"all_{value.name}"


def frames(plan: Plan) -> str:
    """The windows as frames `in{i}` over events and change points, in SQL."""
    named = (
        f"in{i} AS (PARTITION BY e ORDER BY t RANGE BETWEEN {w - 1} PRECEDING AND CURRENT ROW)"
        for i, w in enumerate(plan.windows)
    )
    return f"WINDOW {', '.join(named)}"


def columns(*parts: Sequence[str]) -> str:
    """Some lists of columns as one, in SQL."""
    return ", ".join(column for part in parts for column in part)
