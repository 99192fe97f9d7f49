"""Files of a source, in the words of each engine's own types."""

from __future__ import annotations

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.source import ParquetFormat
from mlforge.plugin import Scan

TYPES = {"polars": "String, not Int64", "duckdb": "VARCHAR, not BIGINT"}


@pytest.fixture
def scan(tmp_path):
    """A source of Parquet files, by the name of each."""

    def made(path, **frames: pl.DataFrame) -> Scan:
        for name, frame in frames.items():
            frame.write_parquet(tmp_path / f"{name}.parquet")
        return Scan("events", tuple(str(tmp_path / p) for p in path), ParquetFormat())

    return made


def test_a_file_with_another_type_is_told_both(engine, library, scan) -> None:
    files = scan(["a.parquet", "b.parquet"], a=pl.DataFrame({"a": [1]}), b=pl.DataFrame({"a": ["x"]}))
    with pytest.raises(Invalid, match=rf"b\.parquet has other columns.*'a' as {TYPES[library]}"):
        engine.scan(files)


def test_a_pattern_is_every_file_that_fits(engine, in_polars, scan) -> None:
    files = scan(["*.parquet"], a=pl.DataFrame({"a": [1]}), b=pl.DataFrame({"a": [1]}))
    assert in_polars(engine.scan(files)).height == 2
