"""What runs of values hold, in pure Python: how many different ones, which at their ends, which most often, and order.

For an engine whose library has no window that moves over different values. It brings, in the order of the events, each
value's place among the different ones (0 for the least), and for each row of the result the run of values that its
window holds: from `low` up to, not including, `high`. Neither end ever goes back, so every value is taken up once and
left once. What comes back are places again, one result a run.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

Places = Sequence[int]
Runs = Sequence[tuple[int, int]]
_BLOCK = 512


def distinct(places: Places, runs: Runs) -> list[int]:
    """How many different values each run holds.

    Example:
        >>> distinct([0, 1, 0, 0], [(0, 1), (0, 3), (2, 4), (4, 4)])
        [1, 2, 1, 0]
    """
    times = _Times(places)
    return [len(times.counts) for _ in _moved(runs, times.take, times.leave)]


def firsts(places: Places, runs: Runs, n: int, once: bool) -> list[list[int]]:
    """The first `n` of each run, in their order; `once`: each value at its earliest alone.

    Example:
        >>> firsts([0, 1, 0, 2], [(0, 3), (0, 4), (1, 4)], 2, once=False)
        [[0, 1], [0, 1], [1, 0]]
        >>> firsts([0, 0, 1, 0, 2], [(0, 3), (1, 5)], 2, once=True)
        [[0, 1], [0, 1]]
    """
    if not once:
        return [list(places[low : min(high, low + n)]) for low, high in runs]
    size = len(places)
    mirrored = [(size - high, size - low) for low, high in reversed(runs)]
    return [found[::-1] for found in lasts(places[::-1], mirrored, n, once=True)][::-1]


def lasts(places: Places, runs: Runs, n: int, once: bool) -> list[list[int]]:
    """The last `n` of each run, in their order; `once`: each value at its latest alone.

    Example:
        >>> lasts([0, 1, 0, 2], [(0, 3), (0, 4), (4, 4)], 2, once=False)
        [[1, 0], [0, 2], []]
        >>> lasts([0, 1, 0], [(0, 2), (0, 3)], 2, once=True)
        [[0, 1], [1, 0]]
    """
    if not once:
        return [list(places[max(low, high - n) : high]) for low, high in runs]
    latest: dict[int, int] = {}

    def take(at: int) -> None:
        latest.pop(places[at], None)
        latest[places[at]] = at

    def leave(at: int) -> None:
        if latest[places[at]] == at:
            del latest[places[at]]

    return [list(islice(reversed(latest), n))[::-1] for _ in _moved(runs, take, leave)]


def most_frequent(places: Places, runs: Runs, k: int) -> list[list[int]]:
    """The `k` most frequent of each run, most frequent first, of equally frequent ones the least.

    Example:
        >>> most_frequent([2, 1, 1, 2, 0], [(0, 1), (0, 3), (0, 5), (5, 5)], 2)
        [[2], [1, 2], [1, 2], []]
    """
    times, width = _Times(places), max(places, default=0) + 1
    ranking = Ordered()

    def moved(at: int, count: Callable[[int], None]) -> None:
        place = places[at]
        before = times.counts.get(place, 0)
        count(at)
        if before:
            ranking.remove(place - before * width)
        if after := times.counts.get(place, 0):
            ranking.add(place - after * width)

    found = _moved(runs, lambda at: moved(at, times.take), lambda at: moved(at, times.leave))
    return [[key % width for key in islice(ranking, k)] for _ in found]


def in_order(places: Places, runs: Runs) -> Iterator[Counted]:
    """The values of each run in order, to be looked at before the next is asked for.

    Example:
        >>> [list(run) for run in in_order([2, 0, 1], [(0, 1), (0, 3), (1, 3)])]
        [[2], [0, 1, 2], [0, 1]]
    """
    kept = Counted(max(places, default=0) + 1)
    for _ in _moved(runs, lambda at: kept.add(places[at], 1), lambda at: kept.add(places[at], -1)):
        yield kept


class Counted:
    """Places in order, any of which come and go: how often each is there, summed over powers of two (a Fenwick tree).

    To add one, and to find the one at a position, takes as many steps as the number of different places has bits.

    Example:
        >>> kept = Counted(4)
        >>> for place in (3, 1, 3):
        ...     kept.add(place, 1)
        >>> kept.add(3, -1)
        >>> len(kept), kept[1], list(kept)
        (2, 3, [1, 3])
    """

    def __init__(self, different: int) -> None:
        self._half = 1 << (different.bit_length() - 1) if different else 0
        self._sums = [0] * (2 * self._half + 1)
        self._size = 0

    def add(self, place: int, times: int) -> None:
        """So many more of a place; fewer where that is negative."""
        self._size += times
        sums, at = self._sums, place + 1
        while at < len(sums):
            sums[at] += times
            at += at & -at

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return (self[at] for at in range(self._size))

    def __getitem__(self, at: int) -> int:
        if not 0 <= at < self._size:
            raise IndexError(at)
        sums, found, step = self._sums, 0, self._half
        while step:
            if sums[found + step] <= at:
                found += step
                at -= sums[found]
            step >>= 1
        return found


class Ordered:
    """Whole numbers in order, any of which come and go: in blocks, so that no step moves all of them.

    Example:
        >>> kept = Ordered()
        >>> for number in (3, 1, 2, 3):
        ...     kept.add(number)
        >>> kept.remove(3)
        >>> len(kept), list(kept)
        (3, [1, 2, 3])
    """

    def __init__(self) -> None:
        self._blocks: list[list[int]] = []
        self._greatest: list[int] = []
        self._size = 0

    def add(self, number: int) -> None:
        """One more."""
        self._size += 1
        if not self._blocks:
            self._blocks, self._greatest = [[number]], [number]
            return
        at = min(bisect_left(self._greatest, number), len(self._blocks) - 1)
        block = self._blocks[at]
        insort(block, number)
        parts = [block] if len(block) <= 2 * _BLOCK else [block[:_BLOCK], block[_BLOCK:]]
        self._blocks[at : at + 1] = parts
        self._greatest[at : at + 1] = [part[-1] for part in parts]

    def remove(self, number: int) -> None:
        """One fewer of those that are there."""
        self._size -= 1
        at = bisect_left(self._greatest, number)
        block = self._blocks[at]
        del block[bisect_left(block, number)]
        if block:
            self._greatest[at] = block[-1]
        else:
            del self._blocks[at], self._greatest[at]

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._blocks)


class _Times:
    """How often each value is there."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.counts: dict[int, int] = {}

    def take(self, at: int) -> None:
        place = self._places[at]
        self.counts[place] = self.counts.get(place, 0) + 1

    def leave(self, at: int) -> None:
        place = self._places[at]
        self.counts[place] -= 1
        if not self.counts[place]:
            del self.counts[place]


def _moved(
    runs: Iterable[tuple[int, int]], take: Callable[[int], None], leave: Callable[[int], None]
) -> Iterator[None]:
    """Once for each run, when exactly its values are taken up."""
    start = end = 0
    for low, high in runs:
        for at in range(end, high):
            take(at)
        for at in range(start, low):
            leave(at)
        start, end = low, high
        yield
