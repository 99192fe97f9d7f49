"""Order statistics of the windows of crowded entities, which are too long to be listed.

Values are numbered in their order, and the numbers are read digit by digit. How many values of a window begin with the
digits found so far, and go on with each digit, are running totals in the order of time: they tell the next digit of the
value that is asked for. So a window of any length costs as many steps as there are digits.

Each event of such an entity makes two rows for a window, where it enters and where it leaves, and two for each value
that is asked for then; they go into tiles like events, and into nothing that is counted there.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark import plans
from mlforge_spark.numbers import ZERO, decimal, long
from mlforge_spark.plans import Plan, Stay, stay

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, WindowSpec

_DIGIT = 4
"""Bits of a digit: each costs a sort of the rows, and each value of one a running total."""


class _Window(NamedTuple):
    """An input over a window, and the percentiles of it."""

    number: int
    column: str
    stay: Stay
    aggs: list[Aggregate]


class _Asked(NamedTuple):
    """A value that is asked for: the lower or upper of an aggregate, where a tile enters (0) or leaves (1)."""

    number: int
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
    rows = _ranked(_beside(events, plan), plan)
    for place in range(_DIGIT * (_digits(plan) - 1), -1, -_DIGIT):
        rows = _one_digit(rows, plan, place)
    found = F.max("x").over(_rows(plan, "node"))
    return rows.select("*", found.alias("found"))


def results(plan: Plan) -> dict[str, Column]:
    """The columns of tiles that have what was found, and whether there was anything to find."""
    found = {
        a.name: F.first(F.when(F.col("asked") == F.lit(a.number), F.col("found")), ignorenulls=True)
        for a in _asked(plan)
    }
    rests = {
        _rest(a): F.first(F.when(F.col("asked") == F.lit(a.number), F.col("rest")), ignorenulls=True)
        for a in _asked(plan)
        if not a.upper
    }
    return found | rests | ({"crowded": F.max("crowded")} if plan.ranked else {})


def _rest(asked: _Asked) -> str:
    return f"{asked.name}_rest"


def parts_of(agg: Aggregate, side: str) -> tuple[str, str, str]:
    """The columns of tiles of an aggregate: the value below, that above, and how far between them it is."""
    return f"{agg.name}_{side}_lower", f"{agg.name}_{side}_upper", f"{agg.name}_{side}_lower_rest"


def fraction_of(agg: Aggregate) -> Fraction:
    """The part of the values that are below a percentile."""
    return Fraction(repr(float(*agg.options))) if agg.options else Fraction(1, 2)


def _windows(plan: Plan) -> list[_Window]:
    groups: dict[tuple[str, Stay], list[Aggregate]] = {}
    for agg in plan.ranked:
        groups.setdefault((agg.column or "", stay(agg)), []).append(agg)
    return [_Window(i, column, when, aggs) for i, ((column, when), aggs) in enumerate(groups.items())]


def _asked(plan: Plan) -> Iterator[_Asked]:
    number = 0
    for window in _windows(plan):
        for agg in window.aggs:
            for side in range(1 if window.stay[1] is None else 2):
                for upper in (False, True):
                    yield _Asked(number, agg, side, upper)
                    number += 1


def _digits(plan: Plan) -> int:
    return max(1, -(-plan.most.bit_length() // _DIGIT))


def _beside(events: DataFrame, plan: Plan) -> DataFrame:
    """The events, and rows for each window: `sign` says whether an event comes or goes, `asked` what is asked for."""
    entity = Window.partitionBy(*plan.key_names)
    opens = F.coalesce(F.lag("t").over(entity.orderBy("t")) < F.col("t"), F.lit(True))
    events = events.select("*", opens.alias("opens"))
    events = events.select("*", (F.count(F.lit(1)).over(entity) > F.lit(plans.MOST_LISTED)).alias("crowded"))
    event, asked = ["named_struct('window', -1, 'sign', 0, 'asked', -1, 'shift', " + ZERO + ")"], []
    moving: list[str] = []
    for window in _windows(plan):
        for side, shift in enumerate(window.stay):
            if shift is not None:
                moving.append(_row(window, -1 if side else 1, -1, shift))
    windows = {a.name: w for w in _windows(plan) for a in w.aggs}
    for one in _asked(plan):
        window = windows[one.agg.name]
        asked.append(_row(window, 0, one.number, window.stay[one.side] or 0))
    some, all_ = ", ".join([*event, *moving]), ", ".join([*event, *moving, *asked])
    sides = f"CASE WHEN NOT crowded THEN array({', '.join(event)}) WHEN opens THEN array({all_}) ELSE array({some}) END"
    rows = events.select("*", F.explode(F.expr(sides)).alias("side"))
    kept = {c: F.expr(f"CASE WHEN side.window = -1 THEN {c} END") for c in _emptied(events, plan)}
    values = " ".join(f"WHEN {w.number} THEN CAST({w.column} AS DOUBLE)" for w in _windows(plan))
    whole = [c for c in events.columns if c not in kept and c != "opens"]
    rows = rows.select(
        *whole,
        *(column.alias(name) for name, column in kept.items()),
        F.expr(f"CASE WHEN side.sign != 0 THEN CASE side.window {values} END END").alias("x"),
        F.col("side.window").alias("window"), F.col("side.sign").alias("sign"), F.col("side.asked").alias("asked"),
        F.expr("CASE WHEN side.window >= 0 THEN t + side.shift END").alias("at"),
    )  # fmt: skip
    return rows.where(F.expr("sign = 0 OR x IS NOT NULL"))


def _row(window: _Window, sign: int, asked: int, shift: int) -> str:
    return f"named_struct('window', {window.number}, 'sign', {sign}, 'asked', {asked}, 'shift', {long(shift)})"


def _emptied(events: DataFrame, plan: Plan) -> list[str]:
    """The columns that count in tiles."""
    return [c for c in events.columns if c not in (*plan.key_names, "t", "opens", "crowded")]


def _rows(plan: Plan, *also: str | Column) -> WindowSpec:
    return Window.partitionBy(*plan.key_names, "window", *also)


def _ranked(rows: DataFrame, plan: Plan) -> DataFrame:
    """The rows with the number `rank` of their value; and of what is asked for, `k`, the number among the window's."""
    rank = F.dense_rank().over(_rows(plan, F.col("sign") != F.lit(0)).orderBy("x")) - F.lit(1)
    rows = rows.select("*", rank.cast("long").alias("rank"))
    held = F.sum(F.col("sign").cast("long")).over(_until(plan))
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


def _until(plan: Plan, *also: str) -> WindowSpec:
    return _rows(plan, *also).orderBy("at").rangeBetween(Window.unboundedPreceding, Window.currentRow)


def _one_digit(rows: DataFrame, plan: Plan, place: int) -> DataFrame:
    """The rows with one digit more in `node`: of ranks their own, and of what is asked for the one that is found."""
    others = [c for c in rows.columns if c not in ("node", "k")]
    begins = f"CASE WHEN sign != 0 THEN shiftright(rank, {place + _DIGIT}) ELSE node END"
    digit = f"CAST(shiftright(rank, {place}) & {2**_DIGIT - 1} AS INT)"
    rows = rows.select(*others, "k", F.expr(begins).alias("node"), F.expr(digit).alias("digit"))
    until = _until(plan, "node")
    totals = [
        F.sum(F.expr(f"CASE WHEN digit <= {d} THEN CAST(sign AS BIGINT) ELSE {ZERO} END")).over(until).alias(f"upto{d}")
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
