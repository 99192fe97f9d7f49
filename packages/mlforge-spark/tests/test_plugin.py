"""What the plugin announces, and the session it finds or refuses."""

from __future__ import annotations

import doctest

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import mlforge_spark.plugin
from mlforge.errors import Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.source import ParquetFormat
from mlforge.plugin import ArrowStream, EngineDescriptor, Scan
from mlforge.plugin.registry import registry
from mlforge_spark.plugin import PySparkEngine, SparkEngine, lacks_of
from mlforge_spark.session import session_of


def test_the_examples_are_true():
    found = doctest.testmod(mlforge_spark.plugin)
    assert (found.attempted, found.failed) == (2, 0)


@pytest.mark.parametrize(("name", "config"), [("pyspark", SparkEngine), ("spark", PySparkEngine)])
def test_the_engine_goes_by_two_names(name, config):
    assert registry().get(EngineDescriptor, name).config is config
    assert issubclass(config, SparkEngine)


def test_settings_that_are_equal_are_one():
    same = {PySparkEngine(conf={"a": "1", "b": "2"}), PySparkEngine(conf={"b": "2", "a": "1"})}
    assert len(same) == 1
    assert len(same | {PySparkEngine(conf={"a": "1"}), SparkEngine(conf={"a": "1"})}) == 3


def test_what_a_release_of_spark_cannot_do_is_told():
    assert [len(lacks_of(release)) for release in (None, "3.5.7", "4.0.1", "4.1.0", "5.0.0")] == [0, 2, 1, 0, 0]
    assert {lack.word for lack in lacks_of("3.5.7").values()} == {"upstream"}


def test_a_float_of_16_bits_is_read_or_said_to_be_the_reason(session, tmp_path):
    table = pa.table({"v": pa.array(np.array([1.5, -0.25], dtype=np.float16)), "n": [1, 2]})
    pq.write_table(table, tmp_path / "halves.parquet")
    scan = Scan("halves", (f"file://{tmp_path}/halves.parquet",), ParquetFormat())
    with SparkEngine().open() as engine:
        if session.version < "4":
            with pytest.raises(Invalid, match="'v' as halffloat.* 16 bits") as error:
                engine.scan(scan)
            assert "float" in str(error.value.hint)
        else:
            assert [row["v"] for row in next(engine.rows(engine.scan(scan)))] == [1.5, -0.25]


@pytest.mark.parametrize("several", [False, True])
def test_a_date_that_python_has_not_comes_over_arrow_and_is_refused_by_its_row(session, several):
    days = pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32())
    dates = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), days) if several else days
    with SparkEngine().open() as engine:
        frame = engine.from_arrow(ArrowStream(pa.table({"k": [1, 2], "day": dates})))
        if several:
            assert frame.selectExpr("unix_date(day[0]) d").collect()[1].d == 2**31 - 1
        else:
            with pytest.raises(Invalid, match="'day': .* in row 1 is out of range"):
                engine.conform(frame, Shape((Key("k"),), None))


def test_the_active_session_is_used(session):
    with SparkEngine().open() as engine:
        assert engine.session is SparkSession.getActiveSession()


@pytest.mark.parametrize("value", ["false", "False"])
def test_a_session_that_drops_what_rows_are_grouped_by_is_refused(session, value):
    session.conf.set("spark.sql.retainGroupColumns", value)
    try:
        with SparkEngine().open() as live, pytest.raises(Invalid, match="retainGroupColumns is false") as refused:
            live.session  # noqa: B018 - it is looked for now
        exec(refused.value.hint.partition(": ")[2].partition(";")[0], {"spark": session})
        with SparkEngine().open() as live:
            assert live.session is session
    finally:
        session.conf.unset("spark.sql.retainGroupColumns")


def test_a_session_has_one_place():
    with pytest.raises(Invalid, match="remote"):
        session_of(SparkEngine(master="local[2]", remote="sc://localhost:1"))


def test_a_function_is_told_which_columns_there_are(session):
    def misspelt(events: DataFrame) -> DataFrame:
        return events.select(F.col("amuont"))

    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"amount": 1}], Schema.of(amount="Int64"))
        with pytest.raises(Invalid, match="misspelt") as error:
            engine.apply(misspelt, frame)
    assert "amount" in str(error.value.hint)


def test_a_function_that_asks_for_pandas_is_refused():
    import pandas as pd

    def local(events: pd.DataFrame) -> pd.DataFrame:
        return events

    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"amount": 1}], Schema.of(amount="Int64"))
        with pytest.raises(Unsupported, match="pyspark"):
            engine.apply(local, frame)
