"""Features are built and joined on Spark, from a project and back, and no row of them visits the driver."""

from __future__ import annotations

from contextlib import ExitStack

import pyarrow.parquet as pq
import pyspark
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import mlforge as mlf
from mlforge.errors import Invalid, Unsupported
from mlforge.model.meta import Target
from mlforge.model.quality import SAMPLE, Measuring
from mlforge.model.source import DeltaFormat, IcebergFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import set_to

ROWS = 400_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory, session):
    """A feature without windows of more bytes than the driver takes, built."""
    folder = tmp_path_factory.mktemp("shop")
    events = session.range(ROWS, numPartitions=4).select(
        F.col("id").alias("user"), F.sha2(F.col("id").cast("string"), 512).alias("name"), F.rand(7).alias("amount")
    )
    events.write.parquet(str(folder / "events"))

    @mlf.feature(source=str(folder / "events" / "*.parquet"), keys="user", engine="pyspark")
    def spend(events: DataFrame) -> DataFrame:
        return events.where(F.col("user") % 2 == 0)

    defs = mlf.Definitions(
        "shop", features=[spend], offline_store=mlf.LocalStore(str(folder / "store")), engine="pyspark"
    )
    before = session.conf.get("spark.driver.maxResultSize")
    defs.build(preview=False).raise_for_failure()
    assert before == "1m"
    return defs


def test_a_build_takes_no_rows_to_the_driver(shop):
    assert shop.metadata("spend").row_count == ROWS // 2


def test_what_is_built_is_measured_whatever_its_size(shop):
    quality = shop.metadata("spend").quality
    user, name, amount = (quality.column(n) for n in ("user", "name", "amount"))
    assert (quality.rows, user.min, user.max, user.mean) == (ROWS // 2, 0, ROWS - 2, ROWS / 2 - 1)
    for distinct, error in ((quality.entities, quality.entities_error), (name.distinct, name.distinct_error)):
        assert 0 < abs(distinct / (ROWS // 2) - 1) < 5 * error
    assert abs(amount.sampled - SAMPLE) < 1_000
    assert amount.quantiles == pytest.approx(Measuring().quantiles, abs=0.01)
    assert [(len(t.value), t.count) for t in name.top] == [(65, 1)] * 10


def test_what_was_written_is_measured_and_not_computed_again(session, tmp_path):
    session.range(100, numPartitions=1).write.parquet(str(tmp_path / "numbers"))
    (file,) = (tmp_path / "numbers").glob("part-*")
    with SparkEngine().open() as engine:
        frame = engine.scan(Scan("numbers", (str(file),), ParquetFormat()))
        engine.write(frame, Target("numbers", str(tmp_path / "data.parquet"), "parquet"))
        file.unlink()
        quality = engine.measure(frame, Measuring(keys=("id",)))
        assert (quality.rows, quality.entities, quality.columns[0].max) == (100, 100, 99)


def test_a_build_that_ends_changes_no_file_of_another_and_the_last_leaves_the_session_as_it_was(session, tmp_path):
    setting, mine = "spark.sql.parquet.outputTimestampType", "INT96"
    session.conf.set(setting, mine)
    try:
        with ExitStack() as other:
            with ExitStack() as first:
                first.enter_context(set_to(session, {setting: "TIMESTAMP_MICROS"}))
                other.enter_context(set_to(session.getActiveSession(), {setting: "TIMESTAMP_MICROS"}))
            session.sql("SELECT timestamp '2024-01-01' AS at").coalesce(1).write.parquet(str(tmp_path / "rows"))
        assert session.conf.get(setting) == mine
    finally:
        session.conf.unset(setting)
    (written,) = (tmp_path / "rows").glob("*.parquet")
    assert pq.ParquetFile(written).schema.column(0).physical_type == "INT64"


def test_polars_reads_what_spark_wrote(shop):
    with mlf.PolarsEngine().open() as engine, shop.offline_store.open() as store:
        frame = engine.read_version(store.get("spend", "1.0.0"))
        assert engine.extent(frame, None).rows == ROWS // 2


def test_a_spark_spine_gives_a_spark_frame_and_a_polars_spine_that(shop, session):
    import polars as pl

    answer = shop.get_training_data(session.createDataFrame([(2,), (3,)], "user bigint"), features=["spend"])
    assert isinstance(answer, DataFrame)
    assert [row["amount"] is None for row in answer.collect()] == [False, True]
    assert isinstance(shop.get_training_data(pl.DataFrame({"user": [2]}), features=["spend"]), pl.DataFrame)


def test_a_spark_spine_is_refused_by_another_engine_and_taken_as_the_hint_says(shop, session):
    spine = session.sql("SELECT 2L AS user, timestamp'2025-03-04 05:06:07' AS at")
    asked = {"features": ["spend"], "store": shop.offline_store, "timestamp": "at"}
    with pytest.raises(Unsupported, match=r"^A spine of Spark is read by the Spark engine alone") as refused:
        mlf.get_training_data(spine, **asked, engine="polars")
    assert refused.value.hint == 'Say engine="pyspark". A small one of Spark 4 also goes as spine.toArrow().'
    lazy = mlf.get_training_data(spine, **asked, engine="pyspark")
    assert isinstance(lazy, DataFrame)
    if pyspark.__version__ >= "4":
        here = mlf.get_training_data(spine.toArrow(), **asked, engine="polars")
        assert here["amount"].to_pylist() == [row["amount"] for row in lazy.collect()]


@pytest.mark.parametrize("engine", ["polars", "pyspark"])
def test_a_spine_of_pandas_on_spark_is_refused_and_taken_as_the_hint_says(shop, session, engine, monkeypatch):
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", "1")  # pandas on Spark asks for it
    spine = session.sql("SELECT 2L AS user, timestamp'2025-03-04 05:06:07' AS at").pandas_api()
    asked = {"features": ["spend"], "store": shop.offline_store, "timestamp": "at"}
    with pytest.raises(Unsupported, match=r"^A spine of pandas on Spark is not read\.") as refused:
        mlf.get_training_data(spine, **asked, engine=engine)
    assert refused.value.hint == 'Give what it is made of, spine.to_spark(), and say engine="pyspark".'
    assert mlf.get_training_data(spine.to_spark(index_col="no"), **asked, engine="pyspark").count() == 1


def test_the_command_line_builds_with_spark(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from mlforge.cli.app import cli

    (tmp_path / "payments.csv").write_text("user,at,amount\nada,2025-03-02T10:00:00Z,30\nada,2025-03-04T18:00:00Z,20\n")
    (tmp_path / "definitions.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["build", "--no-preview"])
    assert (done.exit_code, "1.0.0" in done.output) == (0, True), done.output


def test_a_table_that_spark_knows_is_a_source_and_another_is_named(session):
    session.range(3).createOrReplaceTempView("three")
    with SparkEngine().open() as engine:
        scan = Scan("numbers", ("nowhere.three",), DeltaFormat())
        with pytest.raises(Invalid, match="nowhere.three"):
            engine.scan(scan)
        assert engine.extent(engine.scan(Scan("numbers", ("three",), DeltaFormat())), None).rows == 3


PROJECT = """
import mlforge as mlf
from pyspark.sql import DataFrame

@mlf.feature(source="payments.csv", keys="user", timestamp="at", interval="1d",
             metrics=[mlf.Sum("amount", windows=["7d"], name="spend")], engine="spark")
def spend(events: DataFrame) -> DataFrame:
    return events

defs = mlf.Definitions("shop", features=[spend], offline_store=mlf.LocalStore("store"))
"""


@pytest.mark.parametrize("name", ["nowhere.raw.transactions", "nowhere.transactions"])
def test_a_table_of_a_catalog_or_a_schema_that_is_not_there_is_named(name):
    with pytest.raises(Invalid, match=f"Spark knows no table {name}") as refused, SparkEngine().open() as engine:
        engine.scan(Scan("t", (name,), DeltaFormat()))
    assert "listTables()" in refused.value.hint


@pytest.mark.parametrize("form", [DeltaFormat(version=3), DeltaFormat(as_of="2025-01-31T00:00:00Z"), IcebergFormat(7)])
def test_a_table_that_has_no_versions_is_said_to_have_none(session, tmp_path, form):
    session.sql(f"CREATE TABLE default.bare USING parquet LOCATION '{tmp_path / 'bare'}' AS SELECT 1 AS n")
    try:
        with (
            pytest.raises(Invalid, match=r"default\.bare only as it is now") as refused,
            SparkEngine().open() as engine,
        ):
            engine.scan(Scan("t", ("default.bare",), form))
        assert "Leave format= out" in refused.value.hint
    finally:
        session.sql("DROP TABLE default.bare")


def test_a_frame_of_spark_becomes_a_source_as_the_hint_says(session):
    frame = session.createDataFrame([(1, 2.0)], "user bigint, amount double")
    with pytest.raises(Invalid, match="is no rows yet") as refused:
        mlf.Source.from_frame(frame, name="events")
    assert "df.toPandas()" in refused.value.hint
    assert mlf.Source.from_frame(frame.toPandas(), name="events").name == "events"
