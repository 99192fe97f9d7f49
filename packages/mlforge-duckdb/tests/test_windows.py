"""Slices of entities, computed side by side, give what one computation gives."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import mlforge as mlf
from mlforge.flow.versions.quality import FeatureQuality
from mlforge.testing.engines.measuring import assert_same_figures
from mlforge.testing.reference import Table
from mlforge_duckdb import windows
from mlforge_duckdb.plugin import DuckDBEngine
from mlforge_polars.types import schema_of

METRICS = [
    *(f("x", windows=["2h", "1d"]) for f in (mlf.Sum, mlf.Mean, mlf.Min, mlf.Max, mlf.Std, mlf.Median)),
    mlf.Count(windows=["2h"]),
    mlf.Min("word", windows=["1d"]),
    mlf.Sum("x", windows=["1d", mlf.Window("1d", offset="2h"), "all"], where=mlf.col("word") > "w2", name="large"),
    mlf.Max("x", windows=[mlf.Window("1d", offset="2h"), "all"]),
    mlf.LastN("word", 2, windows=["1d", "all"]),
    mlf.Percentile("x", 0.9, windows=["1d", mlf.Window("all", offset="2h")]),
    mlf.CountDistinct("word", windows=["1d"]),
]


def events(rows: int) -> pl.DataFrame:
    """Entities of one event to hundreds, some at the same time, with nulls."""
    i = pl.int_range(rows)
    return pl.select(
        user=pl.concat_str(pl.lit("user "), (rows / (1 + i * 7919 % rows)).cast(pl.Int64)),
        zone=(i % 2 == 0),
        at=(i * 7919 % (rows // 2) * 1_700_000_000).cast(pl.Datetime("us", "UTC")),
        x=pl.when(i % 5 > 0).then((i % 13).cast(pl.Float64) * 1e10 + (i % 7) / 7),
        word=pl.concat_str(pl.lit("w"), i % 31),
    )


@pytest.mark.parametrize("interval", ["1h", None])
def test_slices_side_by_side_give_what_one_gives(tmp_path: Path, monkeypatch, interval: str | None) -> None:
    events(3_000).write_parquet(tmp_path / "events.parquet")

    @mlf.feature(source="events.parquet", keys=["user", "zone"], timestamp="at", interval=interval, metrics=METRICS)
    def spend(df: pl.DataFrame) -> pl.DataFrame:
        return df

    def built(store: str, rows: int) -> tuple[pl.DataFrame, FeatureQuality]:
        monkeypatch.setattr(windows, "ROWS_PER_SLICE", rows)
        monkeypatch.setattr(windows, "LEAST_ROWS", rows)
        kept = mlf.LocalStore(tmp_path / store)
        defs = mlf.Definitions("slices", [spend], store=kept, engine=DuckDBEngine(threads=2), root=tmp_path)
        defs.build().raise_for_failure()
        return pl.read_parquet(tmp_path / store / "spend/1.0.0/data.parquet"), defs.quality("spend")

    (whole, of_whole), (sliced, of_sliced) = built("whole", 10**9), built("sliced", 20)
    assert_same_figures(of_whole, of_sliced, Table.of(schema_of(whole.schema), whole.to_dicts()))
    assert whole.height > 3_000
    assert sliced.equals(whole, null_equal=True)
    assert sliced.select("user", "zone", "at").equals(sliced.select("user", "zone", "at").sort("user", "zone", "at"))
