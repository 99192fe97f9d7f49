"""The plan of the kernel: when tiles change what, what is known of the inputs, and the aggregates of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import functions as F

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate, Input, Windowed
from mlforge.plugin.engine.sizing import Limbs, bits_of_floats, bits_of_integers
from mlforge.plugin.engine.times import LAST
from mlforge_spark.exact import MOST_MULTIPLIED, limbs_for_products, limbs_for_sums
from mlforge_spark.moments import limbs_for_moments, places

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SUMMED = ("sum", "mean")
MOMENTS = ("skew", "kurtosis")
BOUNDS = ("min", "max")
ENDS = ("first", "last")
RECENT = ("first_n", "last_n")
RANKED = ("median", "percentile")
FREQUENT = ("mode", "top_k")
FOREVER = 2**60
"""In microseconds: no sum of it and an instant overflows, and every one lies after the years that can be asked."""

MOST_LISTED = 2_000
"""Events of an entity whose windows are listed, value by value, where a cheaper way is one of many steps."""

MOST_IN_FRAME = 40
"""Buckets of a window whose tiles are looked at one by one: longer ones, and those without, go by blocks."""

Stay = tuple[int, int | None]
"""How long after an event is known it enters a window, and when it leaves; None: never."""


class Value(NamedTuple):
    """An input and what its data ask for; limbs where anything is added up."""

    name: str
    word: str
    functions: frozenset[str]
    nullable: bool
    special: bool  # there may be NaN or infinities
    sums: Limbs | None
    roots: Limbs | None
    moments: Limbs | None

    @property
    def counted(self) -> str:
        """The partial that counts its values."""
        return f"{self.name}_n" if self.nullable else "n"

    @property
    def summed(self) -> bool:
        return bool(self.functions & set(SUMMED))

    @property
    def squared(self) -> bool:
        return "std" in self.functions and self.roots is not None and self.roots.length <= MOST_MULTIPLIED

    @property
    def limbs(self) -> list[str]:
        """The partials that its sum is made of, the lowest first."""
        return [f"{self.name}_s{i}" for i in range(self.sums.length)] if self.sums else []

    @property
    def root_limbs(self) -> list[str]:
        """The partials of the limbs that are multiplied."""
        return [f"{self.name}_r{i}" for i in range(self.roots.length)] if self.roots else []

    @property
    def square_limbs(self) -> list[str]:
        """The partials of their squares."""
        return [f"{self.name}_q{i}" for i in range(2 * self.roots.length - 1)] if self.roots else []

    @property
    def powers(self) -> list[list[str]]:
        """The partials of the limbs of each power that its moments are made of."""
        if self.moments is None:
            return []
        most = 4 if "kurtosis" in self.functions else 3 if "skew" in self.functions else 0
        return [
            [f"{self.name}_m{power}_{i}" for i in range(places(self.moments, power))] for power in range(1, most + 1)
        ]

    @property
    def unusual(self) -> list[str]:
        """The partials that count NaN and infinities, above and below."""
        return [f"{self.name}_{kind}" for kind in ("nan", "up", "down")] if self.special else []

    @property
    def listed(self) -> str:
        """The column of tiles that lists its values in order."""
        return f"{self.name}_all"


class Plan(NamedTuple):
    """What to compute: how many keys there are, the interval, the values and the aggregates.

    And of shifts at which not all events change a window, the inputs of which those that do have one.
    """

    keys: int
    interval: int | None
    values: Mapping[str, Value]
    aggs: Sequence[Aggregate]
    passing: Mapping[int, Sequence[str]]
    most: int  # events of one entity, where that matters

    @property
    def key_names(self) -> list[str]:
        return [f"k{i}" for i in range(self.keys)]

    @property
    def shifts(self) -> list[int]:
        """How long after a tile it changes an aggregate, from 0 on."""
        found = {shift for a in self.aggs for shift in stay(a) if shift is not None}
        return sorted({0, *found})

    def source(self, shift: int) -> int:
        """The number of a shift."""
        return self.shifts.index(shift)

    @property
    def windows(self) -> list[Stay]:
        return list(dict.fromkeys(map(stay, self.aggs)))

    def value(self, agg: Aggregate) -> Value:
        return self.values[agg.column or ""]

    def is_listed(self, agg: Aggregate) -> bool:
        """Is an aggregate taken of the list of the values of its window?"""
        if agg.column is None or agg.function in (*ENDS, *RECENT, "count_distinct"):
            return False
        if agg.function == "std":
            return not self.value(agg).squared
        return agg.is_ranged and agg.function not in MOMENTS

    @property
    def crowded(self) -> list[Aggregate]:
        """What is found in another way than by listing windows, where entities have too many events for that."""
        return [a for a in self.aggs if a.function in (*RANKED, *FREQUENT)] if self.most > MOST_LISTED else []

    @property
    def ranked(self) -> list[Aggregate]:
        """The order statistics among these."""
        return [a for a in self.crowded if a.function in RANKED]

    @property
    def frequent(self) -> list[Aggregate]:
        """The most frequent values among these."""
        return [a for a in self.crowded if a.function in FREQUENT]

    def in_frame(self, length: int | None) -> bool:
        """Is a window so short that its tiles are looked at one by one?"""
        return length is not None and self.interval is not None and length // self.interval <= MOST_IN_FRAME


def stay(agg: Aggregate) -> Stay:
    """When events enter an aggregate's window and leave it."""
    leaves = None if agg.leaves is None else min(agg.leaves, FOREVER)
    return min(agg.enters, FOREVER), leaves


def length(agg: Aggregate) -> int | None:
    """The length of an aggregate's window; None: it has no end."""
    enters, leaves = stay(agg)
    return None if leaves is None else leaves - enters


def total(agg: Aggregate, partial: str, plan: Plan) -> str:
    """The column of change points with the total of a partial over an aggregate's window."""
    return f"w{plan.windows.index(stay(agg))}_{partial}"


def plan_of(keys: int, interval: int | None, windowed: Windowed, values: Mapping[str, Value], most: int) -> Plan:
    """The plan of what is asked for."""
    aggs = windowed.aggregates
    passing: dict[int, list[str]] = {}
    for shift in {shift for a in aggs for shift in stay(a) if shift}:
        conditions = dict.fromkeys(a.passes for a in aggs if shift in stay(a))
        some = [c for c in conditions if c is not None]
        if len(some) == len(conditions):
            passing[shift] = some
    return Plan(keys, interval, values, aggs, passing, most)


def most_of(events: DataFrame, keys: Sequence[str], windowed: Windowed) -> int:
    """How many events one entity has at the most, where any aggregate costs more the more there are."""
    dear = (*RANKED, *FREQUENT)
    if not any(a.function in dear or (a.function in RECENT and a.options[1]) for a in windowed.aggregates):
        return 0
    each = events.groupBy(*keys).agg(F.count(F.lit(1)).alias("n"))
    return int(each.agg(F.max("n")).first()[0] or 0)  # type: ignore[index]


def values_of(events: DataFrame, windowed: Windowed) -> dict[str, Value]:
    """What is known of each input: of those that are added up by looking at all of them once."""
    added = [i for i in windowed.inputs if windowed.functions_of(i.name) & {*SUMMED, *MOMENTS, "std"}]
    facts: dict[str, Any] = {}
    if added:
        asked = [F.count(F.lit(1)).alias("total")] + [f for i in added for f in _facts(i)]
        facts = events.agg(*asked).first().asDict()  # type: ignore[union-attr]
    return {i.name: _value(i, windowed.functions_of(i.name), facts, i in added) for i in windowed.inputs}


def _facts(column: Input) -> list[Column]:
    """How many values there are, and of those that are finite and not 0 the least and greatest size."""
    name, value = column.name, F.col(column.name)
    found = [F.count(value).alias(f"{name}_count")]
    if is_float(column.word):
        size = F.abs(value.cast("double"))
        there = F.when((size > F.lit(0.0)) & (size < F.lit(float("inf"))), size)
        odd = F.when(F.isnan(value) | (size == F.lit(float("inf"))), value)
        return [*found, F.min(there).alias(f"{name}_least"), F.max(there).alias(f"{name}_most"),
                F.count(odd).alias(f"{name}_odd")]  # fmt: skip
    whole = value.cast("long") if column.word == "Boolean" else value
    return [*found, F.min(whole).alias(f"{name}_least"), F.max(whole).alias(f"{name}_most")]


def _value(column: Input, functions: frozenset[str], facts: Mapping[str, Any], added: bool) -> Value:
    name, word = column.name, column.word
    if not added:
        return Value(name, word, functions, True, is_float(word), None, None, None)
    total, least, most = facts["total"], facts[f"{name}_least"], facts[f"{name}_most"]
    if is_float(word):
        low, bits = bits_of_floats(least, most)
    else:
        low, bits = bits_of_integers(max(abs(int(least or 0)), abs(int(most or 0))))
    sums, roots = limbs_for_sums(low, bits, total), limbs_for_products(low, bits, total)
    moments = limbs_for_moments(low, bits, total)
    nullable, odd = facts[f"{name}_count"] != total, bool(facts.get(f"{name}_odd"))
    return Value(name, word, functions, nullable, odd, sums, roots, moments)


def known_by_the_end(time: Column) -> Column:
    """Whether an instant lies within the years that can be asked about."""
    return time <= F.lit(LAST)
