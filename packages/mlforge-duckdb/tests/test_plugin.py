"""The plugin is light to announce, and needs DuckDB and Polars alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mlforge_duckdb.plugin import DuckDBEngine, mlforge_engines

LOADED = """
import sys
exec(sys.argv[1])
print(*sorted({m.split(".")[0] for m in sys.modules} & {"duckdb", "polars", "numpy", "pandas", "pyarrow"}))
"""
WORK = """
import polars as pl
from mlforge_duckdb.plugin import DuckDBEngine
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
with DuckDBEngine().open() as engine:
    rows = engine.hold(pl.DataFrame({"a": ["x"], "b": [1]}), Shape((Key("k", ("a",)),))).frame
    list(engine.rows(engine.from_arrow(engine.to_arrow(engine.settle(rows, Shape((Key("k"),)))))))
"""


def imported(statement: str) -> list[str]:
    """The dataframe libraries that a fresh Python imports with a statement."""
    found = subprocess.run([sys.executable, "-c", LOADED, statement], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_announcing_the_engine_imports_neither_duckdb_nor_polars() -> None:
    assert imported("import mlforge_duckdb.plugin; mlforge_duckdb.plugin.mlforge_engines()") == []


def test_working_with_it_needs_no_pyarrow() -> None:
    assert imported(WORK) == ["duckdb", "polars"]


def test_it_announces_the_frames_it_hands_out() -> None:
    import duckdb
    import polars as pl

    named = {f"{f.__module__}.{f.__qualname__}" for f in (duckdb.DuckDBPyRelation, pl.DataFrame, pl.LazyFrame)}
    assert set(mlforge_engines()[0].frames) == named | {"duckdb.DuckDBPyRelation"}


def test_what_it_lacks_it_does_not_announce() -> None:
    descriptor = mlforge_engines()[0]
    assert descriptor.lacks["delta"].word == "not_yet"
    assert "delta" not in descriptor.reads | descriptor.writes


def test_the_config_is_printed_and_hashed() -> None:
    config = DuckDBEngine(memory_limit="4GB", threads=2)
    assert repr(config) == "DuckDBEngine(memory_limit='4GB', threads=2, temp_directory=None)"
    assert len({DuckDBEngine(), DuckDBEngine(), config}) == 2


def test_a_relative_temp_directory_starts_at_the_project(tmp_path: Path) -> None:
    assert DuckDBEngine(temp_directory="tmp").at(tmp_path).temp_directory == str(tmp_path / "tmp")
    assert DuckDBEngine().at(tmp_path) == DuckDBEngine()
