"""Measuring what is about to become a version: all of it, or what a small increment changes in many rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from mlforge.errors import MlforgeError
from mlforge.flow.building.compute import ComputedRows, stamp_of
from mlforge.flow.building.merging import End, merged, nothing
from mlforge.model.expr import col
from mlforge.model.feature import Feature
from mlforge.model.meta import Artifact
from mlforge.model.quality import ColumnQuality, Measuring, Quality, Value
from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine

MANY = 1_000_000
"""Rows of a version that are worth it not to be read again for the figures of an increment."""

MOST_CHANGED = 0.1
"""The part of them that may have come, gone or changed since all of them were read."""

_log = logging.getLogger("mlforge.build")


def measured(
    engine: Engine, rows: Frame, feature: Feature, previous: Artifact | None, *, needed: bool
) -> Quality | None:
    """The figures of a version's rows. Unless a promise needs them, that they cannot be had fails no build."""
    ask = Measuring(keys=feature.shape.key_names, edges=edges_of(previous.meta.quality if previous else None))
    try:
        return engine.measure(rows, ask)
    except MlforgeError as error:
        if needed:
            raise
        _log.warning("%s is kept without figures: %s", feature.name, error)
        return None


def continued(
    engine: Engine, rows: ComputedRows, written: int, feature: Feature, base: Artifact | None
) -> Quality | None:
    """The figures of a version that changes few of many rows; None where all of them have to be read."""
    known = base.meta.quality if base else None
    if base is None or known is None or not MANY <= known.rows == base.meta.row_count:
        return None
    changed = known.changed + max(written, rows.replaced)
    if changed > MOST_CHANGED * known.rows:
        return None
    ask = Measuring(keys=feature.shape.key_names, edges=edges_of(known), fixed=True)
    try:
        gone = _replaced(engine, rows, feature, base) if rows.replaced else None
        came, left = engine.measure(rows.frame, ask), nothing(known) if gone is None else engine.measure(gone, ask)
        if (left.rows, came.rows) != (rows.replaced, written):
            return None
        found = merged(known, left, came, partial(_end_of_others, engine, base, gone))
    except MlforgeError:
        return None
    return found and replace(found, changed=changed)


def _replaced(engine: Engine, rows: ComputedRows, feature: Feature, base: Artifact) -> Frame:
    """The rows of the version that is continued which are gone, or stand in the increment anew."""
    near = engine.within(engine.scan_version(base), stamp_of(feature), rows.stamps)
    others = [rows.frame] if rows.gone is None else [rows.frame, rows.gone]
    return engine.persist(engine.semi_join(near, others, feature.shape.identity))


def _end_of_others(engine: Engine, base: Artifact, gone: Frame, column: ColumnQuality, end: End) -> Value | None:
    """The least or greatest number of a column among the rows that are not gone, found among its outermost."""
    if not column.quantiles or not (is_float(column.dtype) or is_integer(column.dtype)):
        return None
    identity, value = base.meta.identity, col(column.name)
    outermost = value <= column.quantiles[0] if end == "min" else value >= column.quantiles[-1]
    rows = engine.where(engine.scan_version(base, list(dict.fromkeys((*identity, column.name)))), outermost)
    found = engine.measure(engine.anti_join(rows, [gone], identity), Measuring(columns=(column.name,)))
    return getattr(found.columns[0], end)  # type: ignore[no-any-return]


def edges_of(quality: Quality | None) -> Mapping[str, tuple[float, ...]]:
    """The edges of the histograms, so that a later version is counted between the same."""
    columns = quality.columns if quality else ()
    return {c.name: c.histogram.edges for c in columns if c.histogram and len(c.histogram.edges) > 1}
