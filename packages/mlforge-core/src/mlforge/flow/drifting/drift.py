"""Comparing two frames column by column: the reference's quantiles are the bins, and the engine counts in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from mlforge.flow.drifting.drift_report import ColumnDrift
from mlforge.flow.drifting.verdicts import Comparison, counts_of, odd, verdict, without_empty
from mlforge.model.drift import ORDERED, Method, Samples, bins_for, widths_of
from mlforge.model.quality import ColumnQuality, Measuring, Quality
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.measuring import kind_of
from mlforge.plugin.engine.protocol import Engine

_PERCENTS = tuple(n / 100 for n in range(101))
_CATEGORIES = 20  # that are compared one by one
_KNOWN = 1000  # that are told from new ones


def compare(engine: Engine, reference: Frame, frame: Frame, how: Comparison) -> tuple[ColumnDrift, ...]:
    """A verdict about each column. Raises `Invalid` for a column that one of the frames has not."""
    reference, frame = engine.persist(reference), engine.persist(frame)
    wide = engine.measure(reference, Measuring(columns=how.columns, quantiles=_PERCENTS, top=_KNOWN))
    edges = {c.name: found for c in wide.columns if (found := _edges(c, how.method))}
    ask = Measuring(columns=how.columns, edges=edges, fixed=True, top=_KNOWN)
    before = _counted(engine, reference, ask)
    after = _counted(engine, frame, ask)
    return tuple(
        verdict(before[c.name], after[c.name], how, partial(_samples, wide=c, method=how.method)) for c in wide.columns
    )


def _counted(engine: Engine, frame: Frame, ask: Measuring) -> Mapping[str, ColumnQuality]:
    found: Quality = engine.measure(frame, ask)
    return {c.name: c for c in found.columns}


def _edges(column: ColumnQuality, method: Method) -> tuple[float, ...]:
    """Quantiles of the reference; where its values repeat, also what is beyond its ends."""
    ordered = column.quantiles
    if not ordered or kind_of(column.dtype) not in ("number", "time"):
        return ()
    step = 1 if method in ORDERED else 100 // bins_for(column.sampled or column.finite)
    inner = ordered[step:100:step]
    edges = sorted(set(inner))
    if len(edges) < len(inner):
        edges = sorted({ordered[0], *edges, math.nextafter(ordered[-1], math.inf)})
    return tuple(edges)


def _samples(
    before: ColumnQuality, after: ColumnQuality, wide: ColumnQuality, method: Method
) -> tuple[Samples, Sequence[object]]:
    if kind_of(before.dtype) == "choice":
        return _categories(before, after)
    return _numbers(before, after, wide, method), ()


def _numbers(before: ColumnQuality, after: ColumnQuality, wide: ColumnQuality, method: Method) -> Samples:
    """The bins of a histogram; before them, as if they were least, the nulls, and those that are not finite.

    Where the reference has no finite value, there is one bin for all of them.
    """
    edges = before.histogram.edges if before.histogram else ()
    if method == "wasserstein":
        return Samples(_counts(before), _counts(after), _widths(edges if wide.quantiles else (), before))
    first, second = (_counts(before), _counts(after)) if edges else ((0,), (sum(_counts(after)),))
    return Samples((*odd(before), *first), (*odd(after), *second))


def _widths(edges: Sequence[float], column: ColumnQuality) -> tuple[float, ...]:
    """How wide the bins are in standard deviations; of times, which have none recorded, in all of their range."""
    part = 1.0 if len(edges) < 2 or math.isfinite(edges[-1] - edges[0]) else 0.25  # which is exact, and a float holds
    scaled = [edge * part for edge in edges]
    spread = (column.std or 0.0) * part or (scaled[-1] - scaled[0] if len(scaled) > 1 else 1.0)
    return widths_of(scaled, spread)


def _counts(column: ColumnQuality) -> tuple[int, ...]:
    return column.histogram.counts if column.histogram else ()


def _categories(before: ColumnQuality, after: ColumnQuality) -> tuple[Samples, tuple[object, ...]]:
    """The most frequent values of the reference, its others, the nulls, and those that it has not.

    Where the reference has values that stand there once, others are to be expected: they are no bin of their own.
    """
    was, now = counts_of(before), counts_of(after)
    total, later = ((c.sampled - odd(c)[0]) if c.sampled else c.count for c in (before, after))
    named = list(was)[:_CATEGORIES]
    new = [value for value in now if value not in was] if len(was) < _KNOWN else []
    counts = [[was[v] for v in named], [now.get(v, 0) for v in named]]
    rest = [max(0, total - sum(counts[0])), max(0, later - sum(counts[1]))]
    apart = sum(now[v] for v in new) if new and 1 not in was.values() else 0
    first = (*counts[0], rest[0], odd(before)[0], 0)
    second = (*counts[1], rest[1] - apart, odd(after)[0], apart)
    return without_empty(first, second), tuple(new[:3])
