"""Figures of columns whose sums would lose the digits that tell values apart."""

from __future__ import annotations

import duckdb
import pytest

from mlforge.model.quality import Measuring
from mlforge_duckdb.measuring import measured


@pytest.mark.parametrize("dtype", ["DOUBLE", "BIGINT"])
def test_numbers_of_which_the_sample_has_none_are_as_exact_as_others(dtype: str) -> None:
    value = f"CASE WHEN i % 1000 = 0 THEN CAST(1000000000 + i / 1000 % 2 AS {dtype}) END AS far"
    rows = duckdb.connect().sql(f"SELECT {value} FROM (SELECT i FROM range(100000) AS r(i))")
    (far,) = measured(rows, Measuring(sample=1)).columns
    assert (far.count, far.nulls, far.min, far.max) == (100, 99_900, 1_000_000_000, 1_000_000_001)
    assert far.mean == pytest.approx(1_000_000_000.5, rel=1e-15)
    assert far.std == pytest.approx((25 / 99) ** 0.5, rel=1e-9)
