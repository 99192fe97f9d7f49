"""Comparing two versions by what was measured of them when they were built: no row is read.

A profile has less than the rows: bins are those of the histograms, joined until each has enough of the reference, and
of texts the most frequent values alone are known. What a profile does not have counts as if it had stayed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mlforge.flow.drifting.drift_report import DriftReport
from mlforge.flow.drifting.verdicts import Comparison, counts_of, odd, verdict, without_empty
from mlforge.model.drift import Samples, bins_for
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality, Histogram
from mlforge.plugin.engine.measuring import kind_of

Counts = tuple[Sequence[int], Sequence[int]]
_Counted = tuple[Samples, Sequence[object]] | str

_FEW = 5  # values, expected in the smaller sample where nothing has changed


def drift_of_profiles(before: FeatureMeta, after: FeatureMeta) -> DriftReport | None:
    """A verdict about each column that both versions measured; None where one of them measured nothing.

    The method is the population stability index.
    """
    was = {c.name: c for c in before.quality.columns} if before.quality else {}
    now = {c.name: c for c in after.quality.columns} if after.quality else {}
    common = tuple(name for name in after.value_columns if name in was and name in now)
    if not common:
        return None
    how = Comparison(columns=common)
    count = partial(in_profiles, name=after.name)
    return DriftReport(
        feature=after.name, reference=before.version, compared=after.version, method=how.method,
        columns=tuple(verdict(was[name], now[name], how, count) for name in common),
    )  # fmt: skip


def in_profiles(before: ColumnQuality, after: ColumnQuality, name: str) -> _Counted:
    """Two profiles of a column of a feature, in the same bins; or why there are none."""
    if kind_of(before.dtype) == "choice":
        return _choices(before, after)
    bins = _numbers(before, after)
    if bins is None:
        return f"their profiles have nothing in common to count by; mlforge drift {name} reads the rows"
    return without_empty((*odd(before), *bins[0]), (*odd(after), *bins[1])), ()


def _numbers(before: ColumnQuality, after: ColumnQuality) -> Counts | None:
    """What both have in the same bins; None where their histograms do not tell."""
    was, now = before.histogram, after.histogram
    if was is None or now is None:  # what has no finite value may have no histogram
        return (was.total if was else 0,), (now.total if now else 0,)
    if was.edges == now.edges:
        return _joined(was.counts, now.counts, bins_for(was.total))
    if len(was.edges) > 1:
        return _ranges(was, now)
    constant = was.edges[0] if was.edges else None
    if constant is None or not after.quantiles or after.quantiles[0] <= constant <= after.quantiles[-1]:
        return None
    return (was.total, 0), (0, now.total)


def _joined(before: Sequence[int], after: Sequence[int], bins: int) -> Counts:
    """Neighbouring bins as one, until each has its part of the reference: few values in many bins tell of chance.

    A bin that has its part alone is not joined with what is beside it, unless that is few.
    """
    least, found = sum(before) / bins, [[0, 0]]
    expected = min(sum(before), sum(after)) / (sum(before) + sum(after))
    for was, now in zip(before, after, strict=True):
        if found[-1][0] >= least or (was >= least and sum(found[-1]) * expected >= _FEW):
            found.append([0, 0])
        found[-1][0] += was
        found[-1][1] += now
    if len(found) > 1 and sum(found[-1]) * expected < _FEW:
        was, now = found.pop()
        found[-1][0] += was
        found[-1][1] += now
    return [was for was, _ in found], [now for _, now in found]


def _ranges(was: Histogram, now: Histogram) -> Counts:
    """Below, in and above the range of the reference: the later median has left it, or the edges would be the same."""
    below, upto = _below(now, was.edges[0]), _below(now, was.edges[-1])
    return (was.counts[0], sum(was.counts[1:-1]), was.counts[-1]), (below, upto - below, now.total - upto)


def _below(histogram: Histogram, value: float) -> int:
    """About how many values are less; inside a bin as if they lay evenly."""
    place = bisect_right(histogram.edges, value)
    whole = sum(histogram.counts[:place])
    if not 0 < place < len(histogram.edges):
        return whole if place else 0
    low, high = histogram.edges[place - 1 : place + 1]
    part = (value - low) / (high - low)
    return whole + round(histogram.counts[place] * part)


def _choices(before: ColumnQuality, after: ColumnQuality) -> _Counted:
    """The values that either has among its most frequent, the others, and the nulls."""
    was, now = counts_of(before), counts_of(after)
    total, later = ((c.sampled - odd(c)[0]) if c.sampled else c.count for c in (before, after))
    names = list(dict.fromkeys((*was, *now)))
    first, second = _all(names, was, total, now, later), _all(names, now, later, was, total)
    new = [n for n in names if n not in was] if sum(was.values()) == total else []
    rest = max(0, total - sum(first)), max(0, later - sum(second))
    return without_empty((*first, rest[0], odd(before)[0]), (*second, rest[1], odd(after)[0])), new[:3]


def _all(
    names: Sequence[object], top: Mapping[Any, int], total: int, other: Mapping[Any, int], others: int
) -> list[int]:  # fmt: skip
    """How often each value stands there: one that is not among the most frequent as often as it may if nothing changed.

    Together such values have no more than what the most frequent leave.
    """
    left, least = total - sum(top.values()), min(top.values(), default=total)
    absent = {n: min(least, other[n] * total / max(others, 1)) for n in names if n not in top}
    part = min(1.0, left / (sum(absent.values()) or 1.0))
    return [top[n] if n in top else round(absent[n] * part) for n in names]
