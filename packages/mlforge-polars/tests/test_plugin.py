"""The plugin is light to announce, and needs Polars alone."""

from __future__ import annotations

import subprocess
import sys

from mlforge.testing import PluginTests
from mlforge_polars.plugin import PolarsEngine, mlforge_engines

LOADED = """
import sys
exec(sys.argv[1])
print(*sorted({m.split(".")[0] for m in sys.modules} & {"polars", "numpy", "pandas", "pyarrow"}))
"""
WORK = """
import polars as pl
from mlforge_polars.plugin import PolarsEngine
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
with PolarsEngine().open() as engine:
    rows = engine.conform(pl.DataFrame({"a": ["x"], "b": [1]}), Shape((Key("k", ("a",)),))).frame
    list(engine.rows(engine.from_arrow(engine.to_arrow(engine.settle(rows, Shape((Key("k"),)))))))
"""


def imported(statement: str) -> list[str]:
    """The dataframe libraries that a fresh Python imports with a statement."""
    found = subprocess.run([sys.executable, "-c", LOADED, statement], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_announcing_the_engine_does_not_import_polars() -> None:
    assert imported("import mlforge_polars.plugin; mlforge_polars.plugin.mlforge_engines()") == []


def test_working_with_it_imports_polars_alone() -> None:
    assert imported(WORK) == ["polars"]


def test_it_announces_the_frames_it_hands_out() -> None:
    import polars as pl

    named = {f"{f.__module__}.{f.__qualname__}" for f in (pl.DataFrame, pl.LazyFrame)}
    assert set(mlforge_engines()[0].frames) == named


def test_it_lacks_nothing_and_takes_tables_as_rows() -> None:
    descriptor = mlforge_engines()[0]
    assert descriptor.lacks == {}
    assert "arrow" in descriptor.reads


def test_the_config_is_printed_and_hashed() -> None:
    assert repr(PolarsEngine(streaming=True)) == "PolarsEngine(streaming=True)"
    assert len({PolarsEngine(), PolarsEngine(), PolarsEngine(streaming=True)}) == 2


class TestPolarsPlugin(PluginTests):
    entry_point = "polars"
