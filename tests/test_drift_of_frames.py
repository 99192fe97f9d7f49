"""What frames may hold that are compared with a version: nulls without a type, NaN; and what is no frame."""

from __future__ import annotations

from math import nan

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlforge as mlf
from mlforge.errors import Invalid

ROWS = pl.DataFrame(
    {
        "user": range(600),
        "x": [nan if n % 3 == 0 else None if n % 3 == 1 else float(n) for n in range(600)],
        "city": ["a", "b", None] * 200,
        "many": [[1]] * 600,
    }
)
NULLS = [None] * 600


@pytest.fixture
def defs(tmp_path):
    @mlf.feature(source=mlf.Source.from_frame(ROWS, name="homes"), keys="user")
    def homes(df):
        return df

    defs = mlf.Definitions("shop", features=[homes], store=mlf.LocalStore("store"), root=tmp_path)
    defs.build().raise_for_failure()
    return defs


def untyped(kind):
    if kind == "polars":
        return ROWS.with_columns(x=None, city=None, many=None)
    if kind == "pyarrow":
        return pa.table({name: pa.nulls(600) for name in ROWS.columns})
    missing = pd.NA if kind == "pandas NA" else None
    return pd.DataFrame({name: pd.Series([missing] * 600, dtype=object) for name in ROWS.columns})


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("kind", ["polars", "pyarrow", "pandas", "pandas NA"])
def test_nulls_without_a_type_are_nulls_of_the_version_s_type(defs, engine, kind):
    frame = untyped(kind)
    typed = ROWS.with_columns(
        x=pl.lit(None, pl.Float64), city=pl.lit(None, pl.String), many=pl.lit(None, pl.List(pl.Int64))
    )
    expected = defs.drift("homes", frame=typed, engine=engine)
    found = defs.drift("homes", frame=frame, engine=engine)
    if not isinstance(frame, pd.DataFrame):  # there NaN is null, too
        assert found == expected
    assert [(c.column, c.null_rates[1], c.verdict) for c in found.columns] == [
        ("x", 1.0, "drifted"), ("city", 1.0, "drifted"), ("many", 1.0, "not compared"),
    ]  # fmt: skip


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_column_without_a_type_stands_beside_one_that_has_one(defs, engine):
    x, city = defs.drift("homes", frame=ROWS.with_columns(city=None), columns=["x", "city"], engine=engine).columns
    assert (x.verdict, city.verdict, city.after) == ("steady", "drifted", 600)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_nan_and_null_are_one_thing_in_pandas_alone(defs, engine):
    (x,) = defs.drift("homes", frame=ROWS.to_pandas(), columns=["x"], engine=engine).columns
    assert (x.verdict, x.null_rates) == ("steady", (2 / 3, 2 / 3))
    (x,) = defs.drift("homes", frame=ROWS.with_columns(pl.col("x").fill_nan(None)), columns=["x"]).columns
    assert (x.verdict, x.null_rates) == ("drifted", (1 / 3, 2 / 3))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    "given",
    [
        lambda: ROWS["x"],
        lambda: pd.Series([1.0], name="x"),
        lambda: {"x": [1.0]},
        lambda: pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]),
        lambda: pd.DataFrame({"x": [1.0, "a"]}),
    ],
    ids=["series", "pandas series", "dict", "twins", "mixed"],
)
def test_what_is_no_frame_to_compare_is_not_called_a_spine(defs, engine, given):
    with pytest.raises(Invalid) as caught:
        defs.drift("homes", frame=given(), columns=["x"], engine=engine)
    assert "spine" not in str(caught.value)
    assert caught.value.hint


def test_an_engine_s_own_frame_is_asked_for_as_another(defs):
    relation = duckdb.sql("SELECT 1.0 AS x")
    with pytest.raises(Invalid, match="DuckDBPyRelation") as caught:
        defs.drift("homes", frame=relation, columns=["x"], engine="duckdb")
    assert "Convert it to a pandas or pyarrow table" in caught.value.hint
    assert defs.drift("homes", frame=relation.to_arrow_table(), columns=["x"], engine="duckdb").columns
