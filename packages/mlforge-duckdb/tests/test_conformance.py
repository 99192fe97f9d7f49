"""The DuckDB engine does all that every engine must."""

from __future__ import annotations

from mlforge.testing import EngineTests
from mlforge_duckdb.plugin import DuckDBEngine


class TestDuckDB(EngineTests):
    def config(self) -> DuckDBEngine:
        return DuckDBEngine()
