"""Figures of columns whose sums would lose the digits that tell values apart, and samples of few and many columns."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mlforge.model.quality import QUANTILES, Measuring, rank_error
from mlforge_duckdb.files import copying
from mlforge_duckdb.measuring import FEW, SKETCH_ERROR, is_planned_longer, measured
from mlforge_duckdb.types import types_of


@pytest.mark.parametrize("dtype", ["DOUBLE", "BIGINT"])
def test_numbers_of_which_the_sample_has_none_are_as_exact_as_others(dtype: str) -> None:
    value = f"CASE WHEN i % 1000 = 0 THEN CAST(1000000000 + i / 1000 % 2 AS {dtype}) END AS far"
    rows = duckdb.connect().sql(f"SELECT {value} FROM (SELECT i FROM range(100000) AS r(i))")
    (far,) = measured(rows, Measuring(sample=1)).columns
    assert (far.count, far.nulls, far.min, far.max) == (100, 99_900, 1_000_000_000, 1_000_000_001)
    assert far.mean == pytest.approx(1_000_000_000.5, rel=1e-15)
    assert far.std == pytest.approx((25 / 99) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("columns", [3, 40, 90])
def test_a_sample_is_one_of_all_rows_of_few_columns_and_of_many(columns: int) -> None:
    values = ", ".join(f"i * 7919 % 40009 + {n} AS c{n}" for n in range(columns))
    rows = duckdb.connect().sql(f"SELECT {values} FROM range(40009) AS r(i)")
    measured_once, again = (measured(rows, Measuring(sample=4000)).columns for _ in range(2))
    assert measured_once == again
    for n, column in enumerate(measured_once):
        assert (column.min, column.max) == (n, 40_008 + n)
        assert 3600 < column.sampled < 4400
        assert column.histogram is not None
        assert column.histogram.total == column.sampled
        for q, value in zip(QUANTILES, column.quantiles, strict=True):
            assert abs((value - n) / 40_008 - q) <= rank_error(column.sampled)


def test_values_that_a_file_has_dictionaries_of_are_counted_however_many_there_are_in_all(tmp_path: Path) -> None:
    connection, file = duckdb.connect(), tmp_path / "rows.parquet"
    columns = "i // 300 AS user, i % 7 AS few, i AS many, CASE WHEN i % 2 = 0 THEN i % 5 END AS some, [i] AS listed"
    made = connection.sql(f"SELECT {columns} FROM range(4_000_000) AS r(i)")
    connection.execute(copying("FROM made", types_of(made), str(file)))
    found = measured(connection.sql(f"FROM read_parquet('{file}')"), Measuring(keys=("user",)), file)
    assert (found.entities, found.entities_error) == (13_334, 0.0)
    counted = {c.name: (c.distinct, c.distinct_error) for c in found.columns}
    assert counted.pop("many")[1] == SKETCH_ERROR
    assert counted == {"user": (13_334, 0.0), "few": (7, 0.0), "some": (5, 0.0), "listed": (None, 0.0)}


def test_many_columns_have_the_figures_that_each_has_alone(tmp_path: Path) -> None:
    connection, file = duckdb.connect(), tmp_path / "rows.parquet"
    values = ", ".join(f"CASE WHEN i % {n + 2} > 0 THEN i * {n + 1} END AS c{n}" for n in range(140))
    made = connection.sql(f"SELECT i // 2 AS user, {values} FROM range(10_000) AS r(i)")
    connection.execute(copying("FROM made", types_of(made), str(file)))
    rows = connection.sql(f"FROM read_parquet('{file}')")
    found = measured(rows, Measuring(keys=("user",)), file)
    assert (found.rows, found.entities, len(found.columns)) == (10_000, 5_000, 141)
    for column in found.columns[::20]:
        alone = measured(rows, Measuring(columns=(column.name,))).columns
        assert alone == (column,)


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_few_rows_are_gone_through_in_python(number: int) -> None:
    rows = duckdb.connect().sql(f"SELECT i AS a, i * 0.1 AS b FROM range({number}) AS r(i)")
    assert is_planned_longer(rows) == (number == FEW)
