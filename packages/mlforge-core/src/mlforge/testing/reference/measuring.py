"""What is measured of a table: each figure as its definition says it, of all rows, exactly."""

from __future__ import annotations

import math
import sys
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.quality import ColumnQuality, Histogram, Measuring, Quality, TopValue
from mlforge.testing.reference.table import Table

NUMBERS = ("Int", "UInt", "Float", "Decimal")


def measure(table: Table, ask: Measuring) -> Quality:
    """Every figure of every column. A column without edges has one, at its least value."""
    wanted = table.names if ask.columns is None else ask.columns
    if missing := [name for name in (*wanted, *ask.keys) if name not in table.names]:
        raise Invalid(f"There is no column {missing[0]!r}.", hint=f"Columns: {', '.join(table.names)}.")
    columns = tuple(_column(name, table.schema.dtype(name), table.column(name), ask) for name in wanted)
    keys = {tuple(repr(_one(row[k])) for k in ask.keys) for row in table.rows if None not in [row[k] for k in ask.keys]}
    return Quality(rows=len(table.rows), entities=len(keys) if ask.keys else None, columns=columns)


def _column(name: str, dtype: str, values: list[Any], ask: Measuring) -> ColumnQuality:
    known = [v for v in values if v is not None]
    numeric, choice = dtype.startswith(NUMBERS), dtype in ("String", "Boolean")
    nans = sum(isinstance(v, float) and math.isnan(v) for v in known)
    infinite = sum(isinstance(v, float) and math.isinf(v) for v in known)
    ordered = sorted(v for v in known if not (isinstance(v, float) and not math.isfinite(v))) if _ends(dtype) else []
    numbers = [] if choice else [number(v) for v in ordered]
    exact = [Fraction(v) for v in ordered] if numeric else []
    return ColumnQuality(
        name=name,
        dtype=dtype,
        count=len(known),
        nulls=len(values) - len(known),
        nans=nans,
        infinite=infinite,
        distinct=None if dtype.startswith("List") else len({repr(_one(v)) for v in known}),
        min=text(ordered[0]) if ordered else None,
        max=text(ordered[-1]) if ordered else None,
        mean=float(sum(exact) / len(exact)) if exact else None,
        std=_std(exact),
        quantiles=tuple(quantile(numbers, q) for q in ask.quantiles) if numbers else (),
        histogram=histogram(numbers, _edges(name, numbers, ask)) if _ends(dtype) and not choice else None,
        top=_top(known, ask.top) if choice else (),
    )


def _ends(dtype: str) -> bool:
    return dtype.startswith(NUMBERS) or dtype in ("String", "Boolean", "Date", "Datetime")


def number(value: Any) -> float:
    """A value as histograms count it: times in microseconds since the Unix epoch."""
    if isinstance(value, date):
        whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
        since = whole - datetime(1970, 1, 1, tzinfo=UTC)
        return float((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    return float(value)


def text(value: Any) -> Any:
    """A value as it is recorded."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return value if len(value) <= 64 else value[:64] + "…"
    return value + 0.0 if isinstance(value, float) else value


def _edges(name: str, numbers: list[float], ask: Measuring) -> tuple[float, ...]:
    """Those that are asked for, where the median lies between them or nobody minds; else one, at the least value."""
    given = ask.edges.get(name, ())
    if given and (ask.fixed or not numbers or given[0] <= quantile(numbers, 0.5) <= given[-1]):
        return given
    return tuple(numbers[:1])


def histogram(numbers: list[float], edges: tuple[float, ...]) -> Histogram | None:
    """How many lie below, between and above the edges; nothing where there are none."""
    if not edges:
        return None
    ends = [-math.inf, *edges, math.inf]
    counts = [sum(a <= n < b for n in numbers) for a, b in pairwise(ends)]
    return Histogram(edges, tuple(counts))


def quantile(ordered: list[float], q: float) -> float:
    """Interpolated between order statistics."""
    place = Fraction(q) * (len(ordered) - 1)
    low, part = Fraction(ordered[math.floor(place)]), place - math.floor(place)
    high = Fraction(ordered[math.ceil(place)])
    return float(low + (high - low) * part)


def _one(value: Any) -> Any:
    return value + 0.0 if isinstance(value, float) else value


def _std(exact: list[Fraction]) -> float | None:
    if len(exact) < 2:
        return None
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / (len(exact) - 1)
    return math.sqrt(variance) if variance < sys.float_info.max else None


def _top(known: list[Any], number: int) -> tuple[TopValue, ...]:
    ranked = sorted(Counter(known).items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(TopValue(text(value), count) for value, count in ranked[:number])
