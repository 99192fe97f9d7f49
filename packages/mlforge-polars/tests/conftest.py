"""An open Polars engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlforge_polars.engine import LivePolarsEngine
from mlforge_polars.plugin import PolarsEngine


@pytest.fixture(params=[False, True], ids=["whole", "streaming"])
def engine(request: pytest.FixtureRequest) -> Iterator[LivePolarsEngine]:
    with PolarsEngine(streaming=request.param).open() as live:
        yield live
