"""The plugin is light to announce, and needs DuckDB and Polars alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlforge.testing import PluginTests
from mlforge_duckdb.plugin import DuckDBEngine, mlforge_engines

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
"""
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
    rows = engine.conform(pl.DataFrame({"a": ["x"], "b": [1]}), Shape((Key("k", ("a",)),))).frame
    list(engine.rows(engine.from_arrow(engine.to_arrow(engine.settle(rows, Shape((Key("k"),)))))))
"""


PROJECT = """
import sys
import duckdb
import polars as pl
import mlforge as mlf

@mlf.feature(source="events.csv", keys="user", timestamp="at", interval="1d", metrics=[mlf.Sum("x", windows="7d")])
def spend(df: duckdb.DuckDBPyRelation):
    return df.filter("x > 0")

@mlf.feature(source="events.csv", keys="user", timestamp="at", tie_break="x")
def last(df: pl.LazyFrame):
    return df.filter(pl.col("x") > 0)

defs = mlf.Definitions("shop", [spend, last], store=mlf.LocalStore("store"), engine="duckdb")
report = defs.build(preview=True).raise_for_failure()
labels = pl.DataFrame({"user": ["b", "a", "a"], "label": ["2025-01-05", "2025-01-01", "2025-01-09"]})
found = defs.get_training_data(labels, ["spend", mlf.FeatureSpec("last", columns=["x"])], timestamp="label")
print(found.rows(), report["spend"].preview[0]["x__sum__7d"], "pyarrow" in sys.modules)
"""
EVENTS = "user,at,x\na,2025-01-01T10:00,1\na,2025-01-03T10:00,2\nb,2025-01-02T00:00,-4\nb,2025-01-02T03:00,4\n"


def imported(statement: str) -> list[str]:
    """The dataframe libraries that a fresh Python imports with a statement."""
    found = subprocess.run([sys.executable, "-c", LOADED, statement], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_announcing_the_engine_imports_neither_duckdb_nor_polars() -> None:
    assert imported("import mlforge_duckdb.plugin; mlforge_duckdb.plugin.mlforge_engines()") == []


def test_working_with_it_needs_no_pyarrow() -> None:
    assert imported(WORK) == ["duckdb", "polars"]


@pytest.mark.parametrize("before", [BLOCKED, "", "import pyarrow\n"], ids=["without", "unasked", "with"])
def test_everything_works_with_and_without_pyarrow_and_says_nothing(tmp_path: Path, before: str) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "shop.py").write_text(before + PROJECT)
    command = [sys.executable, "-W", "error", "shop.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    joined = [("b", "2025-01-05", 4, 4), ("a", "2025-01-01", None, None), ("a", "2025-01-09", 2, 2)]
    assert done.stdout.strip() == f"{joined} 1 {'import pyarrow' in before}"


def test_it_announces_the_frames_it_hands_out() -> None:
    import duckdb
    import polars as pl

    named = {f"{f.__module__}.{f.__qualname__}" for f in (duckdb.DuckDBPyRelation, pl.DataFrame, pl.LazyFrame)}
    assert set(mlforge_engines()[0].frames) == named | {"duckdb.DuckDBPyRelation"}


def test_it_lacks_nothing_and_takes_tables_as_rows() -> None:
    descriptor = mlforge_engines()[0]
    assert descriptor.lacks == {}
    assert "arrow" in descriptor.reads


def test_the_config_is_printed_and_hashed() -> None:
    config = DuckDBEngine(memory_limit="4GB", threads=2)
    assert repr(config) == "DuckDBEngine(memory_limit='4GB', threads=2, temp_directory=None)"
    assert len({DuckDBEngine(), DuckDBEngine(), config}) == 2


def test_a_relative_temp_directory_starts_at_the_project(tmp_path: Path) -> None:
    assert DuckDBEngine(temp_directory="tmp").at(tmp_path).temp_directory == str(tmp_path / "tmp")
    assert DuckDBEngine().at(tmp_path) == DuckDBEngine()


class TestDuckDBPlugin(PluginTests):
    entry_point = "duckdb"
