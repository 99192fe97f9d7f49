"""Windowed aggregates at their change points: one exchange, and nothing through the driver but a row of facts.

Rows go to the partition of their keys' range, and stay there: events become tiles, one per entity and instant they are
known from; every tile makes a row at each shift, so long after it is known it enters windows, or leaves them; and what
windows hold follows in the order of time. So the change points come out sorted, partition after partition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from mlforge.errors import Unsupported
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Input, Output, Windowed, windowed
from mlforge.plugin.engine.rows import need_stamp
from mlforge_spark.beside import with_crowds
from mlforge_spark.bounds import with_bounds
from mlforge_spark.distinct import with_neighbours
from mlforge_spark.expressions import compiled, evaluate
from mlforge_spark.frequent import with_frequent
from mlforge_spark.lists import with_lists
from mlforge_spark.moments import MOST_BITS
from mlforge_spark.plans import MOMENTS, Value, most_of, plan_of, values_of
from mlforge_spark.ranks import with_ranked
from mlforge_spark.recent import with_recent
from mlforge_spark.results import CAST, finished
from mlforge_spark.running import at_change_points
from mlforge_spark.tiles import tiles_of
from mlforge_spark.types import column, dtype_of, floor_div, named, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def change_points(frame: DataFrame, shape: Shape, plan: WindowPlan) -> DataFrame:
    """One row per entity and instant at which an event enters or leaves a window, sorted by keys and stamp."""
    stamp = need_stamp(shape)
    asked = windowed(plan, words_of(frame), CAST)
    events = _events(frame, shape, plan, asked)
    values = values_of(events, asked)
    _refuse_wide(values, asked)
    names = events.columns[: len(shape.keys)]
    most, interval = most_of(events, names, asked), plan.interval.micros if plan.interval else None
    kernel = plan_of(len(shape.keys), interval, asked, values, most)
    spread = events.repartitionByRange(*kernel.key_names) if kernel.keys else events.coalesce(1)
    spread = with_crowds(with_neighbours(spread, kernel), kernel)
    tiles = tiles_of(with_frequent(with_ranked(spread, kernel), kernel), kernel)
    tiles = with_lists(with_recent(with_bounds(tiles, kernel), kernel), kernel)
    points = finished(at_change_points(tiles, kernel), kernel, asked)
    points = points.sortWithinPartitions(*kernel.key_names, "at")
    words = words_of(frame)
    keys = [named(F.col(n), key, words[key]) for n, key in zip(kernel.key_names, shape.key_names, strict=True)]
    outputs = [named(_output(o), o.name, o.source.word) for o in asked.outputs]
    return points.select(*keys, F.timestamp_micros(F.col("at")).alias(stamp), *outputs)


def _refuse_wide(values: Mapping[str, Value], asked: Windowed) -> None:
    """Raise `Unsupported` for moments of numbers so far apart that their powers are beyond floats."""
    for agg in asked.aggregates:
        if agg.function in MOMENTS and values[agg.column or ""].moments is None:
            outputs = ", ".join(asked.outputs_of([agg.name]))
            raise Unsupported(
                f"{outputs}: the Spark engine computes {agg.function} of numbers whose sizes are up to"
                f" 2 ** {MOST_BITS - 53} apart, and these are further.",
                hint='Compute the feature with another engine, engine="polars", or leave out what is next to 0.',
            )


def _events(frame: DataFrame, shape: Shape, plan: WindowPlan, asked: Windowed) -> DataFrame:
    """The events as keys, when they `happened`, the instant `t` they are known from, and the inputs."""
    names = [f"k{i}" for i in range(len(shape.keys))]
    happened = F.unix_micros(column(need_stamp(shape)))
    known = happened
    if plan.interval is not None:
        length, origin = plan.interval.micros, plan.interval.origin
        known = (floor_div(happened - F.lit(origin), length) + F.lit(1)) * F.lit(length) + F.lit(origin)
    keys = [column(key).alias(name) for key, name in zip(shape.key_names, names, strict=True)]
    inputs = [_input(i, frame).alias(i.name) for i in asked.inputs]
    events = frame.select(*keys, happened.alias("happened"), known.alias("t"), *inputs)
    return events.dropna(subset=names) if names else events


def _input(source: Input, frame: DataFrame) -> Column:
    """A value to aggregate; of floats there is one zero."""
    value = evaluate(source.source, frame)
    return value + F.lit(0.0).cast(dtype_of(source.word)) if is_float(source.word) else value


def _output(output: Output) -> Column:
    return compiled(output.source, {}).cast(dtype_of(output.source.word))
