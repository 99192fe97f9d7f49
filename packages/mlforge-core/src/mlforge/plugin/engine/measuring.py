"""What is measured of columns: which figures a type has, the edges of histograms, and all of it for rows in Python.

An engine that measures by itself counts, and asks `shaped` for what follows from its sorted sample.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from heapq import nsmallest
from itertools import pairwise
from random import Random
from typing import Any, Literal, NamedTuple

import msgspec

from mlforge.model.quality import (
    LONGEST,
    MOST_EXACT,
    ColumnQuality,
    Histogram,
    Measuring,
    Quality,
    TopValue,
    Value,
)
from mlforge.model.schema import Column, Schema, is_numeric
from mlforge.model.span import micros_of
from mlforge.plugin.engine.columns import need_columns

Kind = Literal["number", "time", "choice", "opaque", "list"]
SECOND = 1_000_000
DAY = 86_400 * SECOND
_BINS = 20  # at most, between the first and the last edge
_STEPS = [
    *(n * SECOND for n in (1, 2, 5, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
]
LOWERED = 2.0**-64
"""Numbers times this have a sum that fits a float, whatever they are: where theirs does not, their mean is of these."""
_KEPT = 4096  # hashes of a sketch
SKETCH_ERROR = 1 / math.sqrt(_KEPT - 2)


@lru_cache(maxsize=1024)
def kind_of(dtype: str) -> Kind:
    """Which figures a type has.

    A `number` and a `time` have quantiles and a histogram, a `choice` (text or boolean) its most frequent values; what
    is `opaque` is counted, how many different ones there are too; of a `list` only how many there are.

    Example:
        >>> kind_of("Decimal(9, 2)"), kind_of("Date"), kind_of("String"), kind_of("Binary"), kind_of("List(Int64)")
        ('number', 'time', 'choice', 'opaque', 'list')
    """
    if is_numeric(dtype):
        return "number"
    if dtype in ("Date", "Datetime"):
        return "time"
    if dtype in ("String", "Boolean"):
        return "choice"
    return "list" if dtype.startswith("List") else "opaque"


def to_measure(schema: Schema, ask: Measuring) -> Schema:
    """The columns that are asked for. Raises `Invalid` for one that is not there."""
    wanted = schema.names if ask.columns is None else ask.columns
    need_columns([*wanted, *ask.keys], schema.names, "The frame")
    return Schema(tuple(c for name in wanted if (c := schema.get(name))))


def written(value: Any) -> Value | None:
    """A value as it is recorded: times in ISO 8601, in UTC, decimals as text, a long text cut.

    Example:
        >>> written(date(2026, 2, 1)), written(-0.0), written("x" * 99) == "x" * 64 + "…"
        ('2026-02-01', 0.0, True)
    """
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat() + "+00:00"
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case str():
            return value if len(value) <= LONGEST else value[:LONGEST] + "…"
        case float():
            return value + 0.0
        case _:
            return value  # type: ignore[no-any-return]  # None, a boolean or an integer


def finite(value: float | None) -> float | None:
    """A number that JSON has; None for what is beyond a float.

    Example:
        >>> finite(1.5), finite(math.inf), finite(None)
        (1.5, None, None)
    """
    return value if value is not None and math.isfinite(value) else None


def edges_between(low: float, high: float, dtype: str) -> tuple[float, ...]:
    """Round edges from what is not above `low` to what is not below `high`, of a step that there are about twenty of.

    Example:
        >>> edges_between(0.3, 4.1, "Float64")[:3], edges_between(1, 3, "Int64")
        ((0.2, 0.4, 0.6), (1.0, 2.0, 3.0))
        >>> edges_between(0, 3 * DAY, "Datetime")[1] / 3_600_000_000
        6.0
        >>> len(edges_between(-62_135_596_800_000_000, 253_402_300_799_999_999, "Datetime"))  # all there are
        12
    """
    step, unit = _step_of_time(high, low) if kind_of(dtype) == "time" else _step_of_numbers(high, low, dtype)
    size = step * unit
    first, last = (math.floor(low / size), math.ceil(high / size)) if size else (0, 0)
    if not size or not math.isfinite(size) or last - first > 2 * _BINS:
        return (float(low),)
    return tuple(sorted({e for n in range(first, last + 1) if math.isfinite(e := _product(n * step, unit))}))


def _step_of_numbers(high: float, low: float, dtype: str) -> tuple[int, float]:
    """A step of 1, 2 or 5, and the power of ten that it counts."""
    rough = high / _BINS - low / _BINS
    if rough <= 0 or not math.isfinite(rough):
        return 1, 0.0
    power = math.floor(math.log10(rough))
    digit = next((d for d in (1, 2, 5) if d * 10.0**power >= rough * (1 - 1e-9)), 10)
    if digit == 10:
        digit, power = 1, power + 1
    if power < 0 and "Int" in dtype:
        digit, power = 1, 0
    return digit, 10.0**power


def _step_of_time(high: float, low: float) -> tuple[int, float]:
    rough = (high - low) / _BINS
    if rough <= 0:
        return 1, 0.0
    if rough < SECOND:
        return _step_of_numbers(high, low, "Int64")
    longer = (364 * DAY * n for n in (2, 5, 10, 20, 50, 100, 200, 500, 1000))
    return next(step for step in (*_STEPS, *longer) if step >= rough), 1.0


def _product(count: int, unit: float) -> float:
    """`count * unit` for a power of ten, as it is written: 3 of 0.1 are 0.3."""
    power = round(math.log10(unit))
    try:
        return float(count * 10**power if power >= 0 else count / 10**-power)
    except OverflowError:
        return math.inf


class Shape(NamedTuple):
    """What follows from a sorted sample."""

    quantiles: tuple[float, ...]
    histogram: Histogram | None


def shaped(
    count: int,
    at: Callable[[int], float],
    below: Callable[[Sequence[float]], Sequence[int]],
    column: Column,
    ask: Measuring,
) -> Shape:
    """Quantiles and histogram of finite values in order.

    Edges that are asked for are taken where the median lies between them; else the column gets edges of its own.

    Args:
        count: How many values there are.
        at: The value at a place in order, from 0; of times in microseconds since the Unix epoch.
        below: For each of some edges, how many values are less.
        column: Whose they are.
        ask: What is measured.

    Example:
        >>> values = [1.0, 2.0, 2.0, 9.0]
        >>> ask = Measuring(quantiles=(0.5,), edges={"x": (1.5, 2.5)})
        >>> shaped(
        ...     4,
        ...     values.__getitem__,
        ...     lambda edges: [bisect_left(values, e) for e in edges],
        ...     Column("x", "Float64"),
        ...     ask,
        ... )
        Shape(quantiles=(2.0,), histogram=Histogram(edges=(1.5, 2.5), counts=(1, 2, 1)))
    """
    if not count:
        given = ask.edges.get(column.name)
        return Shape((), Histogram(given, (0,) * (len(given) + 1)) if given else None)
    low, middle, high = (_quantile(count, at, q) for q in (0.01, 0.5, 0.99))
    edges = ask.edges.get(column.name, ())
    if not edges or (column.name not in _fixed(ask) and not edges[0] <= middle <= edges[-1]):
        edges = edges_between(float(f"{low:.12g}"), float(f"{high:.12g}"), column.dtype)
    places = [0, *below(edges), count]
    counts = tuple(b - a for a, b in pairwise(places))
    return Shape(tuple(_quantile(count, at, q) for q in ask.quantiles), Histogram(edges, counts))


def _fixed(ask: Measuring) -> Iterable[str]:
    return ask.edges if ask.fixed else ()


def _quantile(count: int, at: Callable[[int], float], q: float) -> float:
    place = q * (count - 1)
    first = math.floor(place)
    low, part = float(at(first)), place - first
    if not part:
        return low + 0.0
    high = float(at(first + 1))
    return low * (1 - part) + high * part + 0.0


class Moments(msgspec.Struct, frozen=True):
    """How many finite values there are, their mean, and the sum of the squares of what they are off it."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Moments:
        """Those of some values.

        Example:
            >>> Moments.of([1.0, 2.0, 6.0])
            Moments(count=3, mean=3.0, squares=14.0)
        """
        if not values:
            return cls()
        mean = math.fsum(v / len(values) for v in values)
        return cls(len(values), mean, _sum_of_squares(v - mean for v in values))

    def __add__(self, other: Moments) -> Moments:
        """Those of both."""
        count = self.count + other.count
        if not count:
            return self
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.count / count)
        between = _square(apart) * (self.count * other.count / count)
        return Moments(count, mean, self.squares + other.squares + between)

    @property
    def std(self) -> float | None:
        """The sample standard deviation; None of fewer than two, or where the squares are beyond what a float holds."""
        return finite(math.sqrt(self.squares / (self.count - 1))) if self.count > 1 else None


def _square(value: float) -> float:
    return value * value


def _sum_of_squares(values: Iterable[float]) -> float:
    try:
        return math.fsum(map(_square, values))
    except OverflowError:
        return math.inf


class Different:
    """How many different values there are: exactly up to `MOST_EXACT`, then by the least of their hashes.

    Example:
        >>> few, many = Different(), Different()
        >>> few.add([1, 2, 2])
        >>> many.add(range(50_000))
        >>> few.count, few.error, abs(many.count - 50_000) < 5 * many.error * 50_000
        (2, 0.0, True)
    """

    def __init__(self) -> None:
        self._values: set[Any] | None = set()
        self._hashes: set[int] = set()

    def add(self, values: Iterable[Any]) -> None:
        if self._values is None:
            self._sketch(values)
            return
        self._values.update(values)
        if len(self._values) > MOST_EXACT:
            self._sketch(self._values)
            self._values = None

    def _sketch(self, values: Iterable[Any]) -> None:
        self._hashes.update(map(_hash, set(values)))
        self._hashes = set(nsmallest(_KEPT, self._hashes))

    @property
    def count(self) -> int:
        if self._values is not None:
            return len(self._values)
        return round((_KEPT - 1) * 2.0**64 / max(self._hashes))

    @property
    def error(self) -> float:
        return 0.0 if self._values is not None else SKETCH_ERROR


def _hash(value: Any) -> int:
    digest = blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest())


class Facts(NamedTuple):
    """What was seen of all values of a column: those of `ColumnQuality`, the ends as they are."""

    nulls: int
    nans: int = 0
    infinite: int = 0
    distinct: int | None = None
    error: float = 0.0
    least: Any = None
    greatest: Any = None
    mean: float | None = None
    std: float | None = None


def assembled(
    column: Column, rows: int, facts: Facts, spread: Shape, top: Iterable[TopValue], sampled: int
) -> ColumnQuality:
    """What is recorded of a column.

    Args:
        column: Which.
        rows: How many rows there are.
        facts: What was seen of all of them.
        spread: What follows from its finite values, or a sample of them.
        top: The most frequent values.
        sampled: Of how many rows a sample was; 0: of all.

    Example:
        >>> found = assembled(Column("x", "Int64"), 4, Facts(nulls=1, least=3, mean=4.5), Shape((), None), (), 0)
        >>> found.count, found.min, found.mean
        (3, 3, 4.5)
    """
    return ColumnQuality(
        name=column.name, dtype=column.dtype, count=rows - facts.nulls, nulls=facts.nulls, nans=facts.nans,
        infinite=facts.infinite, distinct=facts.distinct, distinct_error=facts.error, min=written(facts.least),
        max=written(facts.greatest), mean=finite(facts.mean), std=finite(facts.std), quantiles=spread.quantiles,
        histogram=spread.histogram, top=tuple(top),
        sampled=sampled if kind_of(column.dtype) in ("number", "time", "choice") else 0,
    )  # fmt: skip


class _Gathered:
    """What was gathered of one column."""

    def __init__(self, column: Column) -> None:
        self.column, self.kind = column, kind_of(column.dtype)
        self.nulls = self.nans = self.infinite = 0
        self.moments, self.different = Moments(), Different()
        self.least: Any = None
        self.greatest: Any = None

    def add(self, values: Sequence[Any]) -> None:
        known = [v for v in values if v is not None]
        self.nulls += len(values) - len(known)
        if self.kind == "list":
            return
        self.different.add(map(_told_apart, known))
        if self.kind == "opaque":
            return
        ends = self._finite(known)
        if ends:
            self.least = min(ends) if self.least is None else min(self.least, *ends)
            self.greatest = max(ends) if self.greatest is None else max(self.greatest, *ends)

    def _finite(self, known: Sequence[Any]) -> Sequence[Any]:
        if self.kind != "number":
            return known
        usable = [v for v in known if not isinstance(v, float) or math.isfinite(v)]
        nans = sum(v != v for v in known)  # noqa: PLR0124 - what is not itself is no number
        self.nans += nans
        self.infinite += len(known) - len(usable) - nans
        self.moments += Moments.of([float(v) for v in usable])
        return usable

    def quality(self, rows: int, sample: Sequence[Any], sampled: int, ask: Measuring) -> ColumnQuality:
        column, kind, moments = self.column, self.kind, self.moments
        spread = Shape((), None)
        top: tuple[TopValue, ...] = ()
        if kind in ("number", "time"):
            values = sorted(filter(math.isfinite, map(_number, sample)))
            spread = shaped(
                len(values), values.__getitem__, lambda es: [bisect_left(values, e) for e in es], column, ask
            )
        if kind == "choice":
            top = most_frequent(_counted(sample), ask.top)
        listed = kind == "list"
        facts = Facts(
            self.nulls, self.nans, self.infinite, None if listed else self.different.count,
            0.0 if listed else self.different.error, self.least, self.greatest,
            moments.mean if moments.count else None, moments.std,
        )  # fmt: skip
        return assembled(column, rows, facts, spread, top, sampled)


def _told_apart(value: Any) -> Any:
    """A value that equals those it is the same as: any NaN is the same, and -0.0 is 0.0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value


def _number(value: Any) -> float:
    if isinstance(value, date):
        whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
        return float(micros_of(whole))
    return float(value)


def _counted(values: Iterable[Any]) -> Mapping[Any, int]:
    counts: dict[Any, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def most_frequent(counts: Mapping[Any, int], number: int) -> tuple[TopValue, ...]:
    """The most frequent values, of equally frequent ones the least.

    Example:
        >>> most_frequent({"b": 2, "a": 2, "c": 1}, 2)
        (TopValue(value='a', count=2), TopValue(value='b', count=2))
    """
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:number]
    return tuple(TopValue(value, count) for value, count in ((written(v), c) for v, c in ranked) if value is not None)


def measured(batches: Iterator[list[dict[str, Any]]], schema: Schema, ask: Measuring) -> Quality:
    """All figures of rows in Python, batch by batch.

    Example:
        >>> found = measured(iter([[{"x": 1}, {"x": None}], [{"x": 3}]]), Schema.of(x="Int64"), Measuring(keys=("x",)))
        >>> found.rows, found.entities, found.columns[0].mean, found.columns[0].nulls
        (3, 2, 2.0, 1)
    """
    gathered = [_Gathered(column) for column in to_measure(schema, ask)]
    entities, drawn, rows = Different(), _Drawn(ask.sample), 0
    for batch in batches:
        rows += len(batch)
        for one in gathered:
            one.add([row[one.column.name] for row in batch])
        drawn.add(batch)
        if ask.keys:
            found = (tuple(row[k] for k in ask.keys) for row in batch)
            entities.add(tuple(map(_told_apart, keys)) for keys in found if None not in keys)
    sampled = len(drawn.rows) if rows > len(drawn.rows) else 0
    columns = tuple(
        one.quality(rows, [v for row in drawn.rows if (v := row[one.column.name]) is not None], sampled, ask)
        for one in gathered
    )
    if not ask.keys:
        return Quality(rows=rows, columns=columns)
    return Quality(rows=rows, entities=entities.count, entities_error=entities.error, columns=columns)


class _Drawn:
    """As many rows as a sample has, each with the same chance, however many come."""

    def __init__(self, size: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._size = size
        self._seen = 0
        self._random = Random(0)  # noqa: S311 - the same rows give the same figures

    def add(self, batch: Sequence[dict[str, Any]]) -> None:
        for row in batch:
            self._seen += 1
            if len(self.rows) < self._size:
                self.rows.append(row)
            elif (place := self._random.randrange(self._seen)) < self._size:
                self.rows[place] = row
