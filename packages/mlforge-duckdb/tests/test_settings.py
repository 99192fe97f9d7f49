"""Memory, threads and the folder for what does not fit: used, refused clearly, and left clean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Target
from mlforge.model.source import ParquetFormat
from mlforge.plugin import Scan
from mlforge_duckdb.plugin import DuckDBEngine

SHAPE = Shape((Key("k"),))
ROWS = 1_500_000


@pytest.fixture
def events(tmp_path: Path) -> Scan:
    """Rows of about 100 MB, in no order."""
    path = tmp_path / "events.parquet"
    columns = "(hash(i) // 2)::BIGINT AS k, md5(i::VARCHAR) AS a, md5(i::VARCHAR || 'b') AS b"
    duckdb.sql(f"COPY (SELECT {columns} FROM range({ROWS}) t(i)) TO '{path}'")
    return Scan("events", (str(path),), ParquetFormat())


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A temp_directory, which is empty again in the end."""
    folder = tmp_path / "scratch"
    yield folder
    assert list(folder.iterdir()) == []


def test_what_does_not_fit_into_memory_goes_to_disk(events: Scan, scratch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with DuckDBEngine(memory_limit="100MB", threads=1, temp_directory=str(scratch)).open() as engine:
        held = engine.conform(engine.scan(events), SHAPE)
        assert engine.write(engine.settle(held.frame, SHAPE), Target("users", str(out))).rows == ROWS
        assert sum(f.stat().st_size for f in scratch.rglob("*") if f.is_file()) > 10_000_000
    ordered = f"SELECT count(*) FROM (SELECT k < lag(k) OVER () AS wrong FROM '{out}') WHERE wrong"
    assert duckdb.sql(ordered).fetchall() == [(0,)]


def test_a_memory_limit_too_small_to_run_is_one_clear_error(events: Scan, scratch: Path) -> None:
    with DuckDBEngine(memory_limit="5MB", temp_directory=str(scratch)).open() as engine:
        with pytest.raises(Invalid, match=r"ran out of memory.*Raise memory_limit") as caught:
            engine.conform(engine.scan(events), SHAPE)
        assert isinstance(caught.value.__cause__, duckdb.OutOfMemoryException)


def test_a_failure_leaves_no_file_behind(events: Scan, scratch: Path) -> None:
    with pytest.raises(PluginFailed), DuckDBEngine(temp_directory=str(scratch)).open() as engine:
        engine.write(engine.conform(engine.scan(events), SHAPE).frame, Target("users", "/nowhere/at/all.parquet"))


@pytest.mark.parametrize("settings", [{"memory_limit": "much"}, {"threads": 0}, {"threads": -1}], ids=str)
def test_settings_that_duckdb_refuses_are_invalid(scratch: Path, settings) -> None:
    with pytest.raises(Invalid, match=r"refuses its settings.*memory_limit"):
        DuckDBEngine(temp_directory=str(scratch), **settings).open()


def test_a_temp_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PluginFailed, match="temp_directory"):
        DuckDBEngine(temp_directory=str(tmp_path / "file")).open()


def test_threads_and_memory_are_what_the_config_says() -> None:
    def settings(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.query("df", "SELECT k, current_setting('threads') AS n, current_setting('memory_limit') AS m FROM df")

    with DuckDBEngine(threads=3, memory_limit="512MiB").open() as engine:
        answer = engine.apply(settings, pl.DataFrame({"k": [1]}))
        assert next(engine.rows(answer)) == [{"k": 1, "n": 3, "m": "512.0 MiB"}]
