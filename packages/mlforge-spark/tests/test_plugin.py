"""What the plugin announces, and the session it finds or refuses."""

from __future__ import annotations

import doctest

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import mlforge_spark.plugin
from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.schema import Schema
from mlforge.plugin import EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge_spark.plugin import PySparkEngine, SparkEngine
from mlforge_spark.session import _no_session, session_of


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


def test_the_active_session_is_used(session):
    with SparkEngine().open() as engine:
        assert engine.session is SparkSession.getActiveSession()


def test_a_session_has_one_place():
    with pytest.raises(Invalid, match="remote"):
        session_of(SparkEngine(master="local[2]", remote="sc://localhost:1"))


def test_where_there_is_no_java_the_line_that_installs_it_is_told():
    error = _no_session(SparkEngine(), RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited"))
    assert isinstance(error, PluginFailed)
    assert "openjdk-17" in str(error.hint)


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
