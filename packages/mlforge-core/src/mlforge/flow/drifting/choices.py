"""Counting two samples of texts or booleans in the same bins, whichever of the two a value is of.

Bins that are chosen by how frequent values are in one sample alone show a drift where there is none: what stands there
often by chance will stand less often in any other sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple
from zlib import crc32

from mlforge.flow.drifting.verdicts import counts_of, odd, without_empty
from mlforge.model.drift import Samples, bins_for
from mlforge.model.quality import MOST_EXACT, ColumnQuality, Value

KNOWN = MOST_EXACT
"""How many different values of a sample are looked at."""

_NAMED = 20  # that are compared one by one
_EXPECTED = 2  # how often one of many has to be expected in the smaller sample, to be compared by itself


class _Bins(NamedTuple):
    """Values that have a bin each, those that the first or the second sample alone has, and shelves for the others."""

    named: Sequence[Value]
    lost: Collection[Value]
    fresh: Collection[Value]
    shelves: int


def choices(before: ColumnQuality, after: ColumnQuality) -> tuple[Samples, tuple[Value, ...]]:
    """Both counted in the same bins, and the most frequent values that the reference has not."""
    was, now = counts_of(before), counts_of(after)
    named = _named(was, now)
    lost, fresh = ({*_unexpected(one, other)}.difference(named) for one, other in ((was, now), (now, was)))
    whole = max(len(was), len(now)) < KNOWN
    others = min(sum(n for v, n in counts.items() if v not in named) for counts in (was, now))
    bins = _Bins(named, lost, fresh, bins_for(others) if whole else 1)
    return without_empty(_counted(before, was, bins), _counted(after, now, bins)), tuple(_without(now, was)[:3])


def _named(was: Counter[Value], now: Counter[Value]) -> list[Value]:
    """The most frequent of both samples together; of equally frequent ones any, so that neither sample is preferred."""
    both = was + now
    ranked = sorted(both, key=lambda value: (-both[value], _letters(value)))
    smaller = min(was.total(), now.total()) / (both.total() or 1)
    return [v for v in ranked[:_NAMED] if len(both) <= _NAMED or both[v] * smaller >= _EXPECTED]


def _unexpected(one: Counter[Value], other: Counter[Value]) -> list[Value]:
    """Values that one has alone. Where the other has some that stand there once, it may lack them by chance."""
    return [] if 1 in other.values() else _without(one, other)


def _without(one: Counter[Value], other: Counter[Value]) -> list[Value]:
    """The values of one that the other has not, as far as all that the other has are known."""
    return [value for value in one if value not in other] if len(other) < KNOWN else []


def _counted(column: ColumnQuality, counts: Counter[Value], bins: _Bins) -> tuple[int, ...]:
    """The values with a bin each, the shelves, those that one sample alone has, and the nulls."""
    apart = [sum(counts[v] for v in values) for values in (bins.lost, bins.fresh)]
    single = [counts[v] for v in bins.named]
    nulls = odd(column)[0]
    rest = max(0, (column.sampled - nulls if column.sampled else column.count) - sum(single) - sum(apart))
    shelves = [rest] if bins.shelves == 1 else [0] * bins.shelves
    if bins.shelves > 1:
        but = {*bins.named, *bins.lost, *bins.fresh}
        for value in counts.keys() - but:
            shelves[_letters(value) % bins.shelves] += counts[value]
    return (*single, *shelves, *apart, nulls)


def _letters(value: Value) -> int:
    """A number that a value's letters tell, and nothing else."""
    return crc32(str(value).encode("utf-8", "surrogatepass"))
