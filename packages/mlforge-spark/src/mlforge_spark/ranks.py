"""Order statistics of the windows of crowded entities, which are too long to be listed.

Values are numbered in their order, and the numbers are read digit by digit. How many values of a window begin with the
digits found so far, and go on with each digit, are running totals in the order of time: they tell the next digit of the
value that is asked for. So a window of any length costs as many steps as there are digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark.beside import Ask, InWindow, beside, by_window, until, windows_of
from mlforge_spark.numbers import ZERO, decimal
from mlforge_spark.plans import Plan

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DIGIT = 4
"""Bits of a digit: each costs a sort of the rows, and each value of one a running total."""

_ASKED, _FOUND, _REST = "ranked_asked", "ranked_found", "ranked_rest"


class _Asked(NamedTuple):
    """A value that is asked for: the lower or upper of an aggregate, where a tile enters (0) or leaves (1)."""

    number: int
    window: InWindow
    agg: Aggregate
    side: int
    upper: bool

    @property
    def name(self) -> str:
        """The column of tiles that has it."""
        return f"{self.agg.name}_{'out' if self.side else 'in'}_{'upper' if self.upper else 'lower'}"


def with_ranked(events: DataFrame, plan: Plan) -> DataFrame:
    """Events, and beside those of crowded entities the values that are asked for at their change points."""
    if not plan.ranked:
        return events
    windows = windows_of(plan.ranked)
    values = " ".join(f"WHEN {w.number} THEN CAST({w.column} AS DOUBLE)" for w in windows)
    asks = [Ask(one.number, one.window, one.side) for one in _asked(plan)]
    rows = _ranked(beside(events, plan, windows, asks, {"x": f"CASE side.window {values} END"}), plan)
    for place in range(_DIGIT * (_digits(plan) - 1), -1, -_DIGIT):
        rows = _one_digit(rows, plan, place)
    found = F.max("x").over(by_window(plan, "node"))
    named = {"asked": _ASKED, "found": _FOUND, "rest": _REST}
    rows = rows.select("*", found.alias("found")).where("sign = 0")
    return rows.select(*events.columns, *(F.col(name).alias(alias) for name, alias in named.items()))


def results(plan: Plan) -> dict[str, Column]:
    """The columns of tiles that have what was found, and how far it is between the two."""
    found = {a.name: _answered(a, _FOUND) for a in _asked(plan)}
    return found | {_rest(a): _answered(a, _REST) for a in _asked(plan) if not a.upper}


def _answered(asked: _Asked, name: str) -> Column:
    return F.first(F.when(F.col(_ASKED) == F.lit(asked.number), F.col(name)), ignorenulls=True)


def _rest(asked: _Asked) -> str:
    return f"{asked.name}_rest"


def parts_of(agg: Aggregate, side: str) -> tuple[str, str, str]:
    """The columns of tiles of an aggregate: the value below, that above, and how far between them it is."""
    return f"{agg.name}_{side}_lower", f"{agg.name}_{side}_upper", f"{agg.name}_{side}_lower_rest"


def fraction_of(agg: Aggregate) -> Fraction:
    """The part of the values that are below a percentile."""
    return Fraction(repr(float(*agg.options))) if agg.options else Fraction(1, 2)


def _asked(plan: Plan) -> Iterator[_Asked]:
    number = 0
    for window in windows_of(plan.ranked):
        for agg in window.aggs:
            for side in window.sides:
                for upper in (False, True):
                    yield _Asked(number, window, agg, side, upper)
                    number += 1


def _digits(plan: Plan) -> int:
    return max(1, -(-plan.most.bit_length() // _DIGIT))


def _ranked(rows: DataFrame, plan: Plan) -> DataFrame:
    """The rows with the number `rank` of their value; and of what is asked for, `k`, the number among the window's."""
    rank = F.dense_rank().over(by_window(plan, F.col("sign") != F.lit(0)).orderBy("x")) - F.lit(1)
    rows = rows.select("*", rank.cast("long").alias("rank"))
    held = F.sum(F.col("sign").cast("long")).over(until(plan))
    rows = rows.select("*", (held - F.lit(1)).alias("steps"))
    lower, rest = [], []
    for asked in _asked(plan):
        part = fraction_of(asked.agg)
        steps = f"CAST(steps AS DECIMAL(20, 0)) * {decimal(part.numerator)}"
        over = f"({steps}) % {decimal(part.denominator)}"
        lower.append(f"WHEN {asked.number} THEN CAST((({steps}) - {over}) / {decimal(part.denominator)} AS BIGINT)"
                     + (" + 1" if asked.upper else ""))  # fmt: skip
        rest.append(f"WHEN {asked.number} THEN CAST({over} AS DECIMAL(38, 0))")
    k = f"CASE WHEN steps >= 0 THEN least(steps, CASE asked {' '.join(lower)} END) END"
    return rows.select(
        *(c for c in rows.columns if c != "steps"),
        F.expr(k).alias("k"),
        F.expr(f"CASE asked {' '.join(rest)} END").alias("rest"),
        F.expr(f"CASE WHEN sign = 0 AND asked >= 0 AND steps >= 0 THEN {ZERO} END").alias("node"),
    )


def _one_digit(rows: DataFrame, plan: Plan, place: int) -> DataFrame:
    """The rows with one digit more in `node`: of ranks their own, and of what is asked for the one that is found."""
    others = [c for c in rows.columns if c not in ("node", "k")]
    begins = f"CASE WHEN sign != 0 THEN shiftright(rank, {place + _DIGIT}) ELSE node END"
    digit = f"CAST(shiftright(rank, {place}) & {2**_DIGIT - 1} AS INT)"
    rows = rows.select(*others, "k", F.expr(begins).alias("node"), F.expr(digit).alias("digit"))
    totals = [
        F.sum(F.expr(f"CASE WHEN digit <= {d} THEN CAST(sign AS BIGINT) ELSE {ZERO} END"))
        .over(until(plan, "node"))
        .alias(f"upto{d}")
        for d in range(2**_DIGIT - 1)
    ]
    rows = rows.select(*others, "k", "node", "digit", *totals)
    names = [f"upto{d}" for d in range(2**_DIGIT - 1)]
    found = " + ".join(f"CAST({name} <= k AS INT)" for name in names)
    rows = rows.select(*others, "k", "node", F.expr(f"CASE WHEN sign != 0 THEN digit ELSE {found} END").alias("digit"),
                       F.expr(f"CASE WHEN node IS NOT NULL AND sign = 0 THEN array({ZERO}, {', '.join(names)}) END")
                       .alias("below"))  # fmt: skip
    return rows.select(
        *others,
        F.expr(f"node * {2**_DIGIT} + digit").alias("node"),
        F.expr("k - get(below, digit)").alias("k"),
    )
