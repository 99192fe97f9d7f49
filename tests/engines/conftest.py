"""What engines share that hand out Polars' frames: DuckDB takes them, and gives them back, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import polars as pl
import pytest

from mlforge.plugin import Engine, EngineConfig
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.plugin import DuckDBEngine
from mlforge_polars.plugin import PolarsEngine

ENGINES: dict[str, EngineConfig] = {"polars": PolarsEngine(), "duckdb": DuckDBEngine(threads=2)}


@pytest.fixture(params=ENGINES)
def library(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def engine(library: str) -> Iterator[Engine]:
    with ENGINES[library].open() as live:
        yield live


@pytest.fixture
def in_polars() -> Callable[[object], pl.DataFrame]:
    """Collects a frame of either engine."""
    return lambda frame: to_polars(frame) if isinstance(frame, duckdb.DuckDBPyRelation) else frame.lazy().collect()
