"""Computing one entity anew: what a feature's function over its source gives now, by the version's own definition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property, reduce
from operator import and_
from typing import Any, NamedTuple

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.flow.explaining.explanation import Compared, Since
from mlforge.flow.explaining.key_values import source_values
from mlforge.flow.failure import Failure, failure_of
from mlforge.flow.planning.plan import check_scan
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.flow.planning.session import Session
from mlforge.flow.versions.fingerprints import config_of, definition_changes
from mlforge.flow.versions.logic import logic_hash
from mlforge.model.duration import Duration
from mlforge.model.expr import Col, Expr
from mlforge.model.feature import Feature, Shape
from mlforge.model.keys import Key, KeyValue
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.span import micros_of, moment_of
from mlforge.model.timestamp import Timestamp
from mlforge.model.window import newest_change
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.engine.frames import Frame, Scan
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.registry import registry

TOLERANCE = 1e-9
Row = dict[str, Any]
KeyValues = Mapping[str, KeyValue]


class Again(NamedTuple):
    """The entity computed anew: the rows its function returns, and the feature's row that the instant sees."""

    events: list[Row]
    row: Row
    columns: tuple[str, ...]
    plan: WindowPlan | None
    stamp: int | None


class Origin:
    """Where a version's rows come from: the feature's function over its source, as they are now."""

    def __init__(
        self, session: Session, engine: Engine, feature: Feature | None, config: EngineConfig, meta: FeatureMeta
    ) -> None:
        self.engine, self.meta = engine, meta
        self._session, self._feature, self._config = session, feature, config

    @property
    def feature(self) -> Feature:
        """The definition. Raises `NotFound` for a feature that is only kept in the store."""
        if self._feature is None:
            raise NotFound(f"{self.meta.name!r} is not defined any more.", hint="Define it, or go back to its code.")
        return self._feature

    @cached_property
    def scan(self) -> Scan:
        source = self.feature.source
        scan = resolve(source, self._session.project.root)
        check_scan(scan, source.scheme, registry().get(EngineDescriptor, self._config.kind))
        return scan

    @cached_property
    def result(self) -> Frame:
        """What the function returns."""
        given = self.engine.with_surrogates(self.engine.scan(self.scan), self.meta.keys)
        return self.engine.apply(self.feature.function, given)

    @cached_property
    def schema(self) -> Schema:
        """The columns that the function returns."""
        return self.engine.schema(self.result)

    def types(self, key: Key) -> dict[str, str]:
        """The types of what a surrogate key is made of: as recorded, or else as they are where it is made."""
        if recorded := self.meta.key_types.get(key.name):
            return recorded
        given = self._given_schema if key.name in self.schema else None
        for schema in (given, self.schema):
            if schema is not None and set(key.sources) <= set(schema.names):
                return {s: schema.dtype(s) for s in key.sources}
        raise Invalid(
            f"{self.meta.name!r} has no columns {', '.join(key.sources)} to make {key.name!r} of.",
            hint=f"Give the key itself: {key.name}.",
        )

    @property
    def _given_schema(self) -> Schema | None:
        """The columns of the source; None where one is of a type that no feature can hold."""
        try:
            return self.engine.schema(self.engine.scan(self.scan))
        except Invalid:
            return None

    @property
    def since(self) -> Since:
        """What has changed since the version was built."""
        if self._feature is None:
            return Since()
        definition = definition_changes(self.meta.config, config_of(self._feature))
        function = _compared(self.meta.logic_hash, logic_hash(self._feature.function))
        return Since(self._source(self._feature), function, tuple(definition))

    def _source(self, feature: Feature) -> Compared:
        try:
            return _compared(self.meta.source_hash, source_fingerprint(feature.source, self.scan))
        except MlforgeError:
            return "unknown"


def _compared(before: str | None, now: str | None) -> Compared:
    if before is None or now is None:
        return "unknown"
    return "same" if before == now else "changed"


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
    columns = engine.schema(made).names
    stamp = _newest(events, shape, plan, at)
    if shape.stamp is not None and stamp is None:
        return Again(events, {}, columns, plan, None)
    here = made if stamp is None else engine.where(made, is_({str(shape.stamp): moment_of(stamp)}))
    return Again(events, next(iter(rows_of(engine, here)), {}), columns, plan, stamp)


def _only(origin: Origin, entity: KeyValues, given: Mapping[str, Any]) -> Frame:
    """The function's rows of one entity, found by its keys, or by what they are made of where they are not there."""
    engine, keys = origin.engine, origin.meta.keys
    made = [k for k in keys if k.sources and k.name not in origin.schema]
    if any(s not in given for k in made for s in k.sources):
        return engine.where(engine.with_surrogates(origin.result, keys), is_(entity))
    there = {k.name: entity[k.name] for k in keys if k not in made}
    sources = {s: v for k in made for s, v in source_values(k, given, origin.types).items()}
    return engine.where(origin.result, is_(there | sources))


def _newest(events: Iterable[Row], shape: Shape, plan: WindowPlan | None, at: int) -> int | None:
    """The stamp of the row that an instant sees, by the contract."""
    if shape.stamp is None:
        return None
    times = [micros_of(e[shape.stamp]) for e in events]
    return newest_change(times, at, plan.windows if plan else (), plan.interval if plan else None)


def _shape(config: Recipe) -> Shape:
    """The shape a version was built with."""
    stamp, column = config.timestamp, config.timestamp_column
    timestamp = Timestamp(column or stamp, config.timestamp_format, stamp if column else None) if stamp else None
    return Shape(config.keys, timestamp, config.tie_break)


def _plan(config: Recipe, feature: Feature) -> WindowPlan | None:
    """The windows a version was built with, as far as its metrics are still defined as they were."""
    if not config.metrics:
        return None
    now = config_of(feature).metrics
    columns = feature.plan.columns if feature.plan else ()
    kept = tuple(c for c in columns if now[c.name] == config.metrics.get(c.name))
    if not kept:
        raise NotFound(
            f"No metric of the version is in the definition of {feature.name!r} as it was.",
            hint="Go back to the code that built it.",
        )
    return WindowPlan(Duration.parse(config.interval) if config.interval else None, kept)


def rows_of(engine: Engine, frame: Frame) -> list[Row]:
    """All rows of a frame."""
    return [row for batch in engine.rows(frame) for row in batch]


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
