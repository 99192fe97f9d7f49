"""The Polars engine does all that every engine must."""

from __future__ import annotations

from mlforge.testing import EngineTests
from mlforge_polars.plugin import PolarsEngine


class TestPolars(EngineTests):
    def config(self) -> PolarsEngine:
        return PolarsEngine()
