"""An open DuckDB engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.plugin import DuckDBEngine


@pytest.fixture
def engine() -> Iterator[LiveDuckDBEngine]:
    with DuckDBEngine(threads=2).open() as live:
        yield live
