"""The DuckDB engine does all that every engine must."""

from __future__ import annotations

import pytest

from mlforge.testing import EngineTests
from mlforge.testing.engines.measuring import MeasureTests
from mlforge_duckdb import measuring
from mlforge_duckdb.plugin import DuckDBEngine


class TestDuckDB(EngineTests):
    def config(self) -> DuckDBEngine:
        return DuckDBEngine()


class TestFiguresOfManyRows(MeasureTests):
    """As rows are measured that are too many to be gone through in Python."""

    @pytest.fixture(autouse=True)
    def no_rows_are_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(measuring, "FEW", -1)

    def config(self) -> DuckDBEngine:
        return DuckDBEngine()
