"""Medians of lists and of runs: which of them is taken is a matter of cost alone."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.timestamp import Timestamp
from mlforge_duckdb import medians
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.plugin import DuckDBEngine

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


def assert_medians(engine: LiveDuckDBEngine) -> None:
    rows = events()
    found = to_polars(engine.aggregate(rows, SHAPE, PLAN))
    assert found.height > 250
    assert found.equals(expected(rows, found), null_equal=True)


@pytest.mark.parametrize("blocks", [(256,), (8, 32, 256), (4, 16, 64, 512)])
def test_medians_are_the_same_whatever_lists_they_are_taken_of(engine, monkeypatch, blocks: tuple[int, ...]) -> None:
    monkeypatch.setattr(medians, "_BLOCKS", blocks)
    assert_medians(engine)


def test_medians_of_many_values_are_the_same_as_those_of_few(engine: LiveDuckDBEngine, monkeypatch) -> None:
    monkeypatch.setattr(medians, "_BLOCKS", (8, 32))
    rows = events()
    found = to_polars(engine.aggregate(rows, SHAPE, PLAN))
    assert_frame_equal(found, expected(rows, found), rel_tol=1e-12)


def test_little_memory_makes_lists_short() -> None:
    assert medians.most_listed(50_000_000) < medians.most_listed(10**9)
    with DuckDBEngine(threads=2, memory_limit="100MB").open() as engine:
        assert_medians(engine)
