"""Types of Parquet that Polars reads as something else are refused."""

from __future__ import annotations

from pathlib import Path

import duckdb

from mlforge.errors import Invalid
from mlforge.model.source import ParquetFormat
from mlforge.plugin import Scan
from mlforge.testing.refusals import refused
from mlforge_polars.engine import LivePolarsEngine


def test_intervals_in_a_parquet_file_are_told_as_what_they_are(engine: LivePolarsEngine, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS user, INTERVAL 1 MONTH AS since) TO '{path}'")
    with refused(Invalid, "'events'", "events.parquet has a column of the type INTERVAL"):
        engine.scan(Scan("events", (str(path),), ParquetFormat()))
