"""What samples in Spark tell: they are arrays in order, in one row, of which single values are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlforge.model.quality import Measuring, TopValue
from mlforge.model.schema import Column
from mlforge.plugin.engine.measuring import Shape, kind_of, most_frequent, shaped
from mlforge_spark import runs
from mlforge_spark.numbers import real

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Columns = Mapping[int, Column]
"""Some columns by their places. The sample of each is called `s` and its place."""

Spread = tuple[Shape, tuple[TopValue, ...]]
"""Quantiles and histogram, or most frequent values."""

NOTHING: Spread = (Shape((), None), ())

_FOR_EDGES = (0.01, 0.5, 0.99)
"""Quantiles that the edges of histograms follow from."""


def asked(frame: DataFrame, expressions: Mapping[str, str]) -> dict[str, Any]:
    """Some figures of a frame, each in SQL, in one row."""
    return frame.selectExpr(*(f"{sql} AS {name}" for name, sql in expressions.items())).collect()[0].asDict()


def spreads(
    held: DataFrame, columns: Columns, also: Sequence[str], ask: Measuring
) -> tuple[dict[str, Any], dict[int, Spread]]:
    """Quantiles and histograms, or most frequent values, of a sample; and figures that stand beside it."""
    choices = [i for i, c in columns.items() if kind_of(c.dtype) == "choice"]
    ordered = {i: c for i, c in columns.items() if kind_of(c.dtype) in ("number", "time")}
    quantiles = list(dict.fromkeys((*_FOR_EDGES, *ask.quantiles)))
    asks = {name: name for name in also} | {f"top{i}": runs.most_frequent(f"s{i}", ask.top) for i in choices}
    for i in ordered:
        asks |= {f"size{i}": f"size(s{i})", f"places{i}": _places(f"s{i}", quantiles)}
    found = asked(held, asks)
    tops = {i: most_frequent({row["value"]: -row["less"] for row in found[f"top{i}"]}, ask.top) for i in choices}
    shapes = _shapes(held, ordered, found, quantiles, ask)
    told: dict[int, Spread] = {i: (Shape((), None), top) for i, top in tops.items()}
    return found, told | {i: (shape, ()) for i, shape in shapes.items()}


def _shapes(
    held: DataFrame, ordered: Columns, found: Mapping[str, Any], quantiles: Sequence[float], ask: Measuring
) -> dict[int, Shape]:
    """Quantiles and histograms: first for the edges, which then are asked for all at once."""
    edges: dict[int, Sequence[float]] = {}
    counts: dict[int, Sequence[int]] = {}

    def shape(i: int, column: Column) -> Shape:
        size = found[f"size{i}"]
        pairs = zip(quantiles, found[f"places{i}"], strict=True)
        at = {math.floor(q * (size - 1)) + n: value for q, pair in pairs for n, value in enumerate(pair)}

        def below(wanted: Sequence[float]) -> Sequence[int]:
            edges[i] = wanted
            return counts.get(i) or [0] * len(wanted)

        return shaped(size, at.__getitem__, below, column, ask)

    for i, c in ordered.items():
        shape(i, c)
    if edges:
        told = asked(held, {f"below{i}": _below(f"s{i}", es) for i, es in edges.items()})
        counts |= {i: told[f"below{i}"] for i in edges}
    return {i: shape(i, c) for i, c in ordered.items()}


def _places(values: str, quantiles: Sequence[float]) -> str:
    """Of each quantile, the values at the places around it."""
    place = f"CAST(floor(q * (size({values}) - 1)) AS INT)"
    around = f"array(get({values}, {place}), get({values}, {place} + 1))"
    return f"transform(array({', '.join(map(real, quantiles))}), q -> {around})"


def _below(values: str, edges: Sequence[float]) -> str:
    """Of each edge, how many values are less: found by halves, as they are in order."""
    steps = ", ".join(str(2**n) for n in range(30, -1, -1))
    less = f"get({values}, place + step - 1) < edge"
    search = f"aggregate(array({steps}), 0, (place, step) -> if({less}, place + step, place))"
    return f"transform(array({', '.join(map(real, edges))}), edge -> {search})"
