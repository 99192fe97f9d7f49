"""Comparing two frames column by column: the reference's quantiles are the bins, and the engine counts in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import msgspec

from mlforge.flow.drifting.choices import KNOWN, choices
from mlforge.flow.drifting.drift_report import ColumnDrift
from mlforge.flow.drifting.verdicts import Comparison, odd, verdict, without_empty
from mlforge.model.drift import ORDERED, Method, Samples, bins_for, widths_of
from mlforge.model.quality import ColumnQuality, Measuring, Quality
from mlforge.model.schema import Column, Schema
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.measuring import kind_of
from mlforge.plugin.engine.protocol import Engine

_PERCENTS = tuple(n / 100 for n in range(101))


def compare(engine: Engine, reference: Frame, frame: Frame, how: Comparison) -> tuple[ColumnDrift, ...]:
    """A verdict about each column. Raises `Invalid` for a column that one of the frames has not."""
    reference, frame = engine.persist(reference), engine.persist(frame)
    wide = engine.measure(reference, Measuring(columns=how.columns, quantiles=_PERCENTS))
    edges = {c.name: found for c in wide.columns if (found := edges_of(c, how.method))}
    typed = tuple(name for name in how.columns if name not in how.untyped)
    if how.method == "wasserstein" and typed:
        far = engine.measure(frame, Measuring(columns=typed, quantiles=_PERCENTS))
        edges |= {c.name: widened(edges[c.name], c) for c in far.columns if c.name in edges}
    ask = Measuring(columns=how.columns, edges=edges, fixed=True, top=KNOWN)
    before = _counted(engine, reference, ask, how)
    after = _counted(engine, frame, msgspec.structs.replace(ask, columns=typed), how) if typed else {}
    if how.untyped:
        after |= _untyped(engine, before, msgspec.structs.replace(ask, columns=tuple(how.untyped)), how)
    return tuple(
        verdict(before[c.name], after[c.name], how, partial(samples_of, wide=c, method=how.method))
        for c in wide.columns
    )


def _counted(engine: Engine, frame: Frame, ask: Measuring, how: Comparison) -> dict[str, ColumnQuality]:
    found: Quality = engine.measure(frame, ask)
    return {c.name: _without_nan(c) if how.nan_is_null else c for c in found.columns}


def _without_nan(column: ColumnQuality) -> ColumnQuality:
    count, nulls = column.count - column.nans, column.nulls + column.nans
    return msgspec.structs.replace(column, count=count, nulls=nulls, nans=0)


def _untyped(
    engine: Engine, before: Mapping[str, ColumnQuality], ask: Measuring, how: Comparison
) -> dict[str, ColumnQuality]:
    """Columns without a type: nulls of the type that the reference has."""
    nothing = engine.from_rows((), Schema(tuple(Column(name, before[name].dtype) for name in how.untyped)))
    found = _counted(engine, nothing, ask, how)
    return {name: msgspec.structs.replace(found[name], nulls=nulls) for name, nulls in how.untyped.items()}


def edges_of(column: ColumnQuality, method: Method) -> tuple[float, ...]:
    """Quantiles of the reference. Of those that repeat, each has a bin alone, and so has what is beyond the ends."""
    ordered = column.quantiles
    if not ordered or kind_of(column.dtype) not in ("number", "time"):
        return ()
    step = 1 if method in ORDERED else 100 // bins_for(column.sampled or column.finite)
    inner = ordered[step:100:step]
    repeated = {a for a, b in pairwise((ordered[0], *inner, ordered[-1])) if a == b}
    if not repeated or _finite(column) == 1:
        return inner
    alone = (math.nextafter(value, math.inf) for value in (*repeated, ordered[-1]))
    return tuple(sorted({ordered[0], *inner, *alone}))


def _finite(column: ColumnQuality) -> int:
    """How many finite values its quantiles are of."""
    return column.histogram.total if column.histogram else 0


def widened(edges: tuple[float, ...], column: ColumnQuality) -> tuple[float, ...]:
    """The edges, and percentiles of what is compared: how far it is beyond the reference's ends.

    As many are left out at either end as five values are of.
    """
    first = min(50, max(1, -(-500 // max(1, _finite(column)))))
    return tuple(sorted({*edges, *column.quantiles[first : 101 - first]}))


def samples_of(
    before: ColumnQuality, after: ColumnQuality, wide: ColumnQuality, method: Method
) -> tuple[Samples, Sequence[object]]:
    """Two columns in the bins that they were counted in, and the values that only the later has."""
    if kind_of(before.dtype) == "choice":
        return choices(before, after)
    return _numbers(before, after, wide, method), ()


def _numbers(before: ColumnQuality, after: ColumnQuality, wide: ColumnQuality, method: Method) -> Samples:
    """The bins of a histogram; before them, as if they were least, the nulls, and those that are not finite.

    Where the reference has no finite value, there is one bin for all of them.
    """
    edges = before.histogram.edges if before.histogram else ()
    if method == "wasserstein":
        return Samples(_counts(before), _counts(after), _widths(edges, before, wide))
    first, second = (_counts(before), _counts(after)) if edges else ((0,), (sum(_counts(after)),))
    return without_empty((*odd(before), *first), (*odd(after), *second))


def _widths(edges: Sequence[float], column: ColumnQuality, wide: ColumnQuality) -> tuple[float, ...]:
    """How wide the bins are in standard deviations; of times, which have none recorded, in the reference's range.

    Where all of the reference is one value, in the range of both.
    """
    part = 1.0 if math.isfinite(edges[-1] - edges[0]) else 0.25  # which is exact, and a float holds
    scaled = [edge * part for edge in edges]
    least, low, high, greatest = (wide.quantiles[n] * part for n in (0, 1, 99, 100))
    spread = 0.0 if least == greatest else (column.std or 0.0) * part or high - low
    return widths_of(scaled, spread or (scaled[-1] - scaled[0]) or 1.0)


def _counts(column: ColumnQuality) -> tuple[int, ...]:
    return column.histogram.counts if column.histogram else ()
