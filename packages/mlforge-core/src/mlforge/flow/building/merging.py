"""The figures of a version, from those of the version it continues, of the rows that left, and of those that came.

Counts, ends and moments are those of all rows. Histograms and most frequent values are of a sample still, to which so
much is added, and from which so much is taken, as it would have of what came and left. What cannot be told of figures
alone, different values and quantiles, stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec.structs import replace

from mlforge.model.quality import LONGEST, ColumnQuality, Histogram, Measuring, Quality, TopValue, Value
from mlforge.plugin.engine.measuring import Moments, kind_of, most_frequent

_TOP = Measuring().top
_MOST_LOST = 1024
"""How many times the squares that stay those before may be: more would cost too many digits."""


class Unknown(Exception):
    """What figures do not tell."""


End = Literal["min", "max"]
Ends = Callable[[ColumnQuality, End], Value | None]
"""The least or greatest value of a column among the rows that stayed; None where it is not to be had."""


def merged(before: Quality, left: Quality, came: Quality, stayed: Ends = lambda *_: None) -> Quality | None:
    """The figures after some rows left and others came; None where only the rows tell them.

    Args:
        before: Those of all rows.
        left: Those of the rows that left.
        came: Those of the rows that came.
        stayed: What is asked where an end may have left.

    Example:
        >>> before, left, came = (
        ...     Quality(
        ...         rows=n, columns=(ColumnQuality(name="x", dtype="Int64", count=n, min=low, max=9, mean=m, std=s),)
        ...     )
        ...     for n, low, m, s in [(100, 1, 5.0, 2.0), (1, 3, 3.0, None), (2, 0, 4.5, 6.4)]
        ... )
        >>> after = merged(before, left, came)
        >>> after.rows, after.columns[0].min, round(after.columns[0].mean, 4)
        (101, 0, 5.0099)
        >>> merged(before, before, left) is None  # the least value is among those that left
        True
    """
    words = [[(c.name, c.dtype) for c in quality.columns] for quality in (before, left, came)]
    if words[0] != words[1] or words[0] != words[2]:
        return None
    try:
        parts = zip(before.columns, left.columns, came.columns, strict=True)
        columns = tuple(_column(*three, stayed) for three in parts)
    except (Unknown, OverflowError, ValueError):  # of numbers beyond floats, of times that Python has no word for
        return None
    known = 0 if came.entities_error else came.entities or 0
    entities = None if before.entities is None else max(before.entities, known)
    return replace(before, rows=before.rows - left.rows + came.rows, entities=entities, columns=columns)


def nothing(like: Quality) -> Quality:
    """The figures of no rows, of the same columns."""
    return Quality(rows=0, columns=tuple(ColumnQuality(name=c.name, dtype=c.dtype, count=0) for c in like.columns))


def _column(before: ColumnQuality, left: ColumnQuality, came: ColumnQuality, stayed: Ends) -> ColumnQuality:
    counts = {
        name: getattr(before, name) - getattr(left, name) + getattr(came, name)
        for name in ("count", "nulls", "nans", "infinite")
    }
    least, greatest = (_end(before, left, came, end, stayed) for end in ("min", "max"))
    known = came.distinct if came.distinct is not None and not came.distinct_error else 0
    found = replace(
        before, **counts, min=least, max=greatest,
        histogram=_histogram(before, left, came), top=_top(before, left, came),
        distinct=None if before.distinct is None else max(before.distinct, known),
    )  # fmt: skip
    if kind_of(before.dtype) != "number":
        return found
    moments = _less(_moments(before), _moments(left)) + _moments(came)
    return replace(found, mean=moments.mean if moments.count else None, std=moments.std)


def _end(before: ColumnQuality, left: ColumnQuality, came: ColumnQuality, end: End, stayed: Ends) -> Value | None:
    """The least or greatest value. Raises `Unknown` where that left, and nobody tells the next."""
    was, gone, new = (getattr(column, end) for column in (before, left, came))
    kept = _chosen(was, new, before.dtype, end)
    if gone is None or gone != was or (new is not None and kept == new):
        return kept
    if (was := stayed(before, end)) is None:
        raise Unknown
    return _chosen(was, new, before.dtype, end)


def _chosen(one: Value | None, other: Value | None, dtype: str, end: End) -> Value | None:
    if one is None or other is None:
        return other if one is None else one
    return {"min": min, "max": max}[end]((one, other), key=lambda value: _comparable(value, dtype))


def _comparable(value: Value, dtype: str) -> Any:
    """A value as it compares. Raises `Unknown` for a text of which the rest was left out."""
    if not isinstance(value, str):
        return value
    if dtype == "String":
        if len(value) > LONGEST:
            raise Unknown
        return value
    if kind_of(dtype) == "number":
        return Decimal(value)
    return date.fromisoformat(value) if dtype == "Date" else datetime.fromisoformat(value)


def _moments(column: ColumnQuality) -> Moments:
    """Raises `Unknown` where they are beyond floats."""
    if not column.finite:
        return Moments()
    if column.mean is None or (column.std is None and column.finite > 1):
        raise Unknown
    return Moments(column.finite, column.mean, (column.std or 0.0) ** 2 * (column.finite - 1))


def _less(moments: Moments, left: Moments) -> Moments:
    """Those of the others. Raises `Unknown` where much of the squares went, and digits with them."""
    count = moments.count - left.count
    if not count or not left.count:
        return moments if count else Moments()
    mean = moments.mean + (moments.mean - left.mean) * (left.count / count)
    squares = moments.squares - left.squares - (left.mean - mean) ** 2 * (count * left.count / moments.count)
    if squares < moments.squares / _MOST_LOST:
        raise Unknown
    return Moments(count, mean, squares)


def _histogram(before: ColumnQuality, left: ColumnQuality, came: ColumnQuality) -> Histogram | None:
    known = before.histogram
    if known is None or not known.total:
        return came.histogram or known
    counts = [float(n) for n in known.counts]
    for other, sign in ((left, -1), (came, 1)):
        if other.histogram is None or other.histogram.edges != known.edges or not other.finite:
            continue
        share = sign * (known.total / before.finite) * (other.finite / max(other.histogram.total, 1))
        counts = [max(0.0, n + share * m) for n, m in zip(counts, other.histogram.counts, strict=True)]
    return Histogram(known.edges, tuple(map(round, counts)))


def _top(before: ColumnQuality, left: ColumnQuality, came: ColumnQuality) -> tuple[TopValue, ...]:
    if not before.count:
        return came.top
    counts: dict[Value, float] = {}
    for column, sign in ((before, 1), (left, -1), (came, 1)):
        share = sign * _drawn(before) / _drawn(column)
        for one in column.top:  # long texts that begin alike are recorded as one value
            counts[one.value] = counts.get(one.value, 0.0) + share * one.count
    found = {value: round(n) for value, n in counts.items() if round(n) > 0}
    return most_frequent(found, _TOP)


def _drawn(column: ColumnQuality) -> float:
    """The part of the rows that a sample has, which is never none of them."""
    return column.sampled / column.rows if column.sampled else 1.0
