"""Computing one entity anew: what a feature's function over its source gives now, by the version's own definition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

from mlforge.errors import MlforgeError, NotFound
from mlforge.flow.explaining.key_values import source_values
from mlforge.flow.explaining.origin import Origin
from mlforge.flow.failure import Failure, failure_of
from mlforge.flow.rows import Row, rows_of
from mlforge.flow.versions.fingerprints import recipe_of
from mlforge.model.duration import Duration
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Feature, Shape
from mlforge.model.keys import KeyValue
from mlforge.model.meta import Recipe
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.span import micros_of, moment_of
from mlforge.model.timestamp import Timestamp
from mlforge.model.window import newest_change
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine

TOLERANCE = 1e-9
KeyValues = Mapping[str, KeyValue]


class Again(NamedTuple):
    """The entity computed anew: the rows its function returns, and the feature's row that the instant sees."""

    events: list[Row]
    row: Row
    schema: Schema
    plan: WindowPlan | None
    stamp: int | None
    words: Mapping[str, str] = {}


def recomputed(origin: Origin, entity: KeyValues, given: Mapping[str, Any], at: int) -> Again | Failure:
    """The entity computed anew, or why that cannot be: the source is gone, the function fails."""
    try:
        return _computed(origin, entity, given, at)
    except MlforgeError as error:
        return failure_of(error)


def _computed(origin: Origin, entity: KeyValues, given: Mapping[str, Any], at: int) -> Again:
    """By the version's own keys, time, interval and metrics: only function and source are those of today."""
    engine, config = origin.engine, origin.meta.config
    shape, plan = _shape(config), _plan(config, origin.feature)
    held = engine.conform(_only(origin, entity, given), shape).frame
    events = rows_of(engine, held)
    if stamp_name := shape.stamp:
        events.sort(key=lambda row: row[stamp_name])
    made = engine.settle(held, shape) if plan is None else engine.aggregate(held, shape, plan)
    schema, words = engine.schema(made), {c.name: c.dtype for c in engine.schema(held)}
    filtered = plan is not None and plan.is_filtered
    stamp = _last(engine, made, shape, at) if filtered else _newest(events, shape, plan, at)
    if shape.stamp is not None and stamp is None:
        return Again(events, {}, schema, plan, None, words)
    here = made if stamp is None else engine.where(made, is_({str(shape.stamp): moment_of(stamp)}))
    return Again(events, next(iter(rows_of(engine, here)), {}), schema, plan, stamp, words)


def _only(origin: Origin, entity: KeyValues, given: Mapping[str, Any]) -> Frame:
    """The function's rows of one entity, found by its keys, or by what they are made of where they are not there."""
    engine, keys = origin.engine, origin.meta.keys
    made = [k for k in keys if k.sources and k.name not in origin.schema]
    if any(s not in given for k in made for s in k.sources):
        return engine.where(engine.with_surrogates(origin.result, keys), is_(entity))
    there = {k.name: entity[k.name] for k in keys if k not in made}
    sources = {s: v for k in made for s, v in source_values(k, given, origin.types).items()}
    return engine.where(origin.result, is_(there | sources))


def _last(engine: Engine, made: Frame, shape: Shape, at: int) -> int | None:
    """The last stamp up to an instant, where it takes the conditions of the metrics to tell."""
    stamp = str(shape.stamp)
    rows = engine.rows(engine.where(made, Col(stamp) <= moment_of(at)))
    return max((micros_of(row[stamp]) for batch in rows for row in batch), default=None)


def _newest(events: Iterable[Row], shape: Shape, plan: WindowPlan | None, at: int) -> int | None:
    """The stamp of the row that an instant sees, by the contract."""
    if shape.stamp is None:
        return None
    times = [micros_of(e[shape.stamp]) for e in events]
    return newest_change(times, at, plan.windows if plan else (), plan.interval if plan else None)


def _shape(config: Recipe) -> Shape:
    """The shape a version was built with."""
    stamp, column = config.timestamp, config.timestamp_column
    if stamp is None:
        return Shape(config.keys, None, config.tie_break)
    alias, zone = stamp if column else None, config.timestamp_zone
    timestamp = Timestamp(column or stamp, config.timestamp_format, alias, zone, config.timestamp_nonexistent)
    return Shape(config.keys, timestamp, config.tie_break)


def _plan(config: Recipe, feature: Feature) -> WindowPlan | None:
    """The windows a version was built with, as far as its metrics are still defined as they were."""
    if not config.metrics:
        return None
    now = recipe_of(feature).metrics
    columns = feature.plan.columns if feature.plan else ()
    kept = tuple(c for c in columns if now[c.name] == config.metrics.get(c.name))
    if not kept:
        raise NotFound(
            f"No metric of the version is in the definition of {feature.name!r} as it was.",
            hint="Go back to the code that built it.",
        )
    return WindowPlan(Duration.parse(config.interval) if config.interval else None, kept)


def is_(values: Mapping[str, Any]) -> Expr:
    """The condition that columns hold these values."""
    return reduce(and_, (Col(n).is_null() if v is None else Col(n).eq(v) for n, v in values.items()))


def agree(stored: Any, recomputed: Any) -> bool:
    """Whether two values are one: floats within the tolerance, NaN equal to NaN."""
    if isinstance(stored, list) and isinstance(recomputed, list):
        return len(stored) == len(recomputed) and all(map(agree, stored, recomputed))
    if isinstance(stored, float) and isinstance(recomputed, float):
        both_nan = math.isnan(stored) and math.isnan(recomputed)
        return both_nan or math.isclose(stored, recomputed, rel_tol=TOLERANCE, abs_tol=0.0)
    return bool(stored == recomputed)
