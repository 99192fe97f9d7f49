"""The most frequent values of the windows of crowded entities, which are too long to be listed.

How often a window has a value changes where one comes or goes, and holds until the next of the same value does. The
instants at which a window changes are numbered, and such a stretch of them is put together of blocks of 1, 2, 4, 8 …
instants. Of the values that a block has all through, the most frequent are kept; and an instant asks the blocks that it
lies in, one of each size. So a window of any length costs as many steps as there are sizes of blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_spark.beside import Ask, InWindow, beside, by_window, until, windows_of
from mlforge_spark.plans import Plan

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ASKED, _FOUND = "frequent_asked", "frequent_found"


def with_frequent(events: DataFrame, plan: Plan) -> DataFrame:
    """Events, and beside those of crowded entities the most frequent values at their change points."""
    if not plan.frequent:
        return events
    windows, values = windows_of(plan.frequent), _values(plan)
    held = {name: _among(windows, column) for name, column in values.items()}
    rows = _in_blocks(_stretches(beside(events, plan, windows, _asks(plan), held), plan), plan)
    ordered = by_window(plan, "block", F.col("sign") != F.lit(0)).orderBy(F.desc("often"), *values)
    place = F.row_number().over(ordered)
    most = max(map(k_of, plan.frequent))
    rows = rows.select("*", place.alias("place")).where(F.expr(f"sign = 0 OR place <= {most}"))
    entry = F.when(F.col("sign") != F.lit(0), F.struct((-F.col("often")).alias("seldom"), *values))
    rows = rows.select("*", F.collect_list(entry).over(by_window(plan, "block")).alias(_FOUND))
    return rows.where("sign = 0").select(*events.columns, F.col("asked").alias(_ASKED), _FOUND)


def results(plan: Plan) -> dict[str, Column]:
    """The columns of tiles that list the most frequent values, those first that are asked for first."""
    found = {}
    for ask in _asks(plan):
        blocks = F.collect_list(F.when(F.col(_ASKED) == F.lit(ask.number), F.col(_FOUND)))
        found[_name(ask)] = F.slice(F.array_sort(F.flatten(blocks)), 1, max(map(k_of, ask.window.aggs)))
    return found


def k_of(agg: Aggregate) -> int:
    """How many values are asked for."""
    return int(agg.options[0]) if agg.options else 1


def most_frequent(agg: Aggregate, side: int, plan: Plan) -> Column:
    """The list of an aggregate's values where a tile of a crowded entity has just entered (0) or left (1)."""
    name = next(_name(ask) for ask in _asks(plan) if ask.side == side and agg in ask.window.aggs)
    return F.transform(F.slice(F.col(name), 1, k_of(agg)), lambda entry: entry[_value(agg.column or "")])


def _name(ask: Ask) -> str:
    return f"most{ask.number}"


def _asks(plan: Plan) -> list[Ask]:
    sides = [(window, side) for window in windows_of(plan.frequent) for side in window.sides]
    return [Ask(number, window, side) for number, (window, side) in enumerate(sides)]


def _value(column: str) -> str:
    return f"{column}_held"


def _values(plan: Plan) -> dict[str, str]:
    """The columns that have the value of a row that comes or goes: one for each input, of its type."""
    return {_value(agg.column or ""): agg.column or "" for agg in plan.frequent}


def _among(windows: list[InWindow], column: str) -> str:
    numbers = ", ".join(str(w.number) for w in windows if w.column == column)
    return f"CASE WHEN side.window IN ({numbers}) THEN {column} END"


def _sizes(plan: Plan) -> int:
    """How many sizes of blocks there are: the greatest has all instants of an entity, two for each event."""
    return (2 * plan.most).bit_length() + 1


def _stretches(rows: DataFrame, plan: Plan) -> DataFrame:
    """The rows with the number of their instant, `begins`, and of values `ends`, where that number holds no more."""
    begins = (F.dense_rank().over(by_window(plan).orderBy("at")) - F.lit(1)).cast("long")
    rows = rows.select("*", begins.alias("begins"))
    same = list(_values(plan))
    often = F.sum(F.col("sign").cast("long")).over(until(plan, *same))
    following = F.lead("begins").over(by_window(plan, *same).orderBy("at"))
    never = F.lit(2 ** (_sizes(plan) - 1)).cast("long")
    return rows.select("*", often.alias("often"), F.coalesce(following, never).alias("ends"))


def _in_blocks(rows: DataFrame, plan: Plan) -> DataFrame:
    """A row for each `block` that a stretch is made of, and for each that an instant lies in which is asked for."""
    most = _sizes(plan) - 1
    first, end = "shiftright(begins + shiftleft(1L, i) - 1L, i)", "shiftright(ends, i)"
    block = f"shiftleft(1L, {most} - i) + {{}}"
    left = f"CASE WHEN {first} < {end} AND {first} % 2L = 1L THEN {block.format(first)} END"
    right = f"CASE WHEN {first} < {end} AND {end} % 2L = 1L THEN {block.format(f'{end} - 1L')} END"
    sizes = f"sequence(0, {most})"
    made = f"filter(flatten(transform({sizes}, i -> array({left}, {right}))), b -> b IS NOT NULL)"
    asked = f"transform({sizes}, i -> {block.format('shiftright(begins, i)')})"
    blocks = (
        f"CASE WHEN sign != 0 AND often > 0 THEN {made} WHEN asked >= 0 THEN {asked} WHEN sign = 0 THEN array(0L) END"
    )
    return rows.select("*", F.explode(F.expr(blocks)).alias("block"))
