"""Medians are exact: the mean of the two values in the middle, rounded once."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta

import polars as pl

from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.timestamp import Timestamp
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars

START = datetime(2024, 1, 1, tzinfo=UTC)
WINDOWS = {w: Duration.parse(w) for w in ("1m", "20m", "1d")}
SHAPE = Shape((Key("k"),), Timestamp("t"))
PLAN = WindowPlan(None, tuple(MetricColumn(w, d, Agg("median", Col("x")), "median") for w, d in WINDOWS.items()))


def events() -> pl.DataFrame:
    """An entity of 150 events, one of 30 and one of 3, about one a minute, with ties and nulls."""
    rows = [
        {"k": k, "t": START + timedelta(minutes=i * 7 % (size * 2 // 3)), "x": None if i % 7 == 3 else i * 37 % 101 / 4}
        for k, size in enumerate((150, 30, 3))
        for i in range(size)
    ]
    return pl.DataFrame(rows)


def expected(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The medians at the instants that were found."""
    known = list(rows.drop_nulls("x").iter_rows())

    def median(key: int, at: datetime, window: Duration) -> float | None:
        start = at - timedelta(microseconds=window.micros)
        inside = [x for k, t, x in known if k == key and start < t <= at]
        return statistics.median(inside) if inside else None

    return found.select("k", "t").with_columns(
        pl.Series(name, [median(k, t, w) for k, t in found.select("k", "t").iter_rows()], dtype=pl.Float64)
        for name, w in WINDOWS.items()
    )


def test_medians_are_those_of_all_values_in_a_window(engine: LiveDuckDBEngine) -> None:
    rows = events()
    found = to_polars(engine.aggregate(rows, SHAPE, PLAN))
    assert found.height > 250
    assert found.equals(expected(rows, found), null_equal=True)
