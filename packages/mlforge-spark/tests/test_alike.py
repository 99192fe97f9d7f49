"""Odd columns, functions, files and settings of a session give on Spark what Polars gives, or the same error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.source import ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Scan
from mlforge_spark.plugin import SparkEngine

START = datetime(2025, 3, 1, 10, tzinfo=UTC)


def project(folder: Path, engine: str, columns: dict[str, Any], **feature: Any) -> mlf.Definitions:
    """A project with one feature, `made`, of a file with some columns."""
    pq.write_table(pa.table(columns), folder / "source.parquet")

    @mlf.feature(source=str(folder / "source.parquet"), engine=engine, **feature)
    def made(rows):
        return rows

    store = mlf.LocalStore(str(folder / engine))
    return mlf.Definitions("shop", features=[made], offline_store=store, engine=engine)


def built(folder: Path, engine: str, columns: dict[str, Any], **feature: Any) -> tuple[Any, ...]:
    """The columns and rows of such a feature."""
    defs = project(folder, engine, columns, **feature)
    defs.build(preview=False, quality=False).raise_for_failure()
    with mlf.PolarsEngine().open() as polars, defs.offline_store.open() as store:
        frame = polars.read_version(store.get("made", defs.metadata("made").version))
        rows = [tuple(row.values()) for batch in polars.rows(frame) for row in batch]
    return defs.metadata("made").columns, rows


def test_integers_that_need_all_64_bits_have_a_mean_and_a_spread(tmp_path):
    values = pa.array([2**64 - 1, 0, None, 2**64 - 1, 2**63], pa.uint64())
    columns = {"k": [1] * 5, "at": [START + timedelta(hours=7 * i) for i in range(5)], "v": values}
    common = {"keys": "k", "timestamp": "at", "interval": "1d"}
    metrics = [mlf.Aggregate("v", word, ["2d"]) for word in ("mean", "std", "var", "skew")]
    (kinds, rows), (theirs, expected) = (
        built(tmp_path, engine, columns, **common, metrics=metrics) for engine in ("spark", "polars")
    )
    assert kinds == theirs
    assert any(None not in row for row in expected)
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    for row, other in zip(rows, expected, strict=True):
        for found, wanted in zip(row[2:], other[2:], strict=True):
            assert found == (wanted if wanted is None else pytest.approx(wanted, rel=1e-12))


def test_a_sum_of_such_integers_that_does_not_fit_says_so(tmp_path):
    columns = {"k": [1], "at": [START], "v": pa.array([2**64 - 1], pa.uint64())}
    defs = project(tmp_path, "spark", columns, keys="k", timestamp="at", metrics=mlf.Sum("v", "1d"))
    with pytest.raises(Invalid, match=r"v__sum__1d: int64 overflow: a sum does not fit 64 bits"):
        defs.build(preview=False).raise_for_failure()


def test_text_in_a_dictionary_comes_over_arrow():
    words = pl.DataFrame({"k": ["a", "b", None, "a"]}, schema={"k": pl.Categorical})
    with SparkEngine().open() as engine:
        frame = engine.from_arrow(ArrowStream(words.to_arrow()))
        assert [row["k"] for row in next(engine.rows(frame))] == ["a", "b", None, "a"]


@pytest.mark.parametrize("tie_break", ["v", None])
def test_columns_have_the_names_that_the_engine_gives_its_own(tmp_path, tie_break):
    names = [f"{name} of mlforge" for name in ("place", "n", "row", "found 0", "at")]
    times = [START, START, START] if tie_break else [START, START, START + timedelta(1)]
    columns = {"k": [1, 1 if tie_break else 3, 2], "at": times, "v": [1, 2, 3], **{n: [1, 2, 3] for n in names}}
    rows = [built(tmp_path, engine, columns, keys="k", timestamp="at", tie_break=tie_break)
            for engine in ("spark", "polars")]  # fmt: skip
    assert rows[0] == rows[1]


def test_nulls_without_a_type_are_refused_as_everywhere(tmp_path):
    columns = {"k": [1, 2], "z": pa.nulls(2)}
    for engine in ("spark", "polars"):
        with pytest.raises(Invalid, match=r"'z' is \w+, which a feature cannot hold\. In the function, give it a type"):
            project(tmp_path, engine, columns, keys="k").build(preview=False).raise_for_failure()


@pytest.mark.parametrize(("made", "told"), [("NULL", "void"), ("array()", "array<void>")])
def test_nulls_to_which_the_function_gives_no_type_are_refused(session, made, told):
    with SparkEngine().open() as engine, pytest.raises(Invalid, match=f"'z' is {told}, which") as error:
        engine.conform(session.sql(f"SELECT 1 AS k, {made} AS z"), Shape((Key("k"),), None))
    assert error.value.hint.startswith("In the function, ")


def conformed(frame: DataFrame, *keys: str) -> list[dict[str, Any]]:
    """The rows of a function's result, unique and sorted."""
    shape = Shape(tuple(map(Key, keys)), None)
    with SparkEngine().open() as engine:
        return next(engine.rows(engine.settle(engine.conform(frame, shape).frame, shape)))


def test_text_of_a_collation_is_told_apart_byte_by_byte(session: SparkSession):
    if session.version < "4":  # which knows none
        session.sql("SELECT 'a' AS k, array('A') AS l").createOrReplaceTempView("texts")
        return
    frame = session.sql(
        "SELECT k COLLATE UTF8_LCASE AS k, array(k COLLATE UTF8_LCASE) AS l FROM VALUES ('a'), ('A') t(k)"
    )
    assert conformed(frame, "k") == [{"k": "A", "l": ["A"]}, {"k": "a", "l": ["a"]}]


def test_two_columns_of_one_name_are_refused(session: SparkSession):
    def twice(events: DataFrame) -> DataFrame:
        return events.select("*", (F.col("v") + 1).alias("v"))

    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"k": 1, "v": 1.0}], Schema.of(k="Int64", v="Float64"))
        with pytest.raises(Invalid, match="has two columns 'v'"):
            engine.apply(twice, frame)
        with pytest.raises(Invalid, match="The spine has two columns 'v'"):
            engine.asof(twice(frame), None, [])


def test_a_stream_is_refused(session: SparkSession):
    def endless(events: DataFrame) -> DataFrame:
        return events.sparkSession.readStream.format("rate").load()

    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"k": 1}], Schema.of(k="Int64"))
        with pytest.raises(Invalid, match=r"endless\(\) returned is a stream"):
            engine.apply(endless, frame)
        with pytest.raises(Invalid, match="The spine is a stream"):
            engine.asof(endless(frame), None, [])


def test_a_disk_that_is_full_is_told_with_the_way_out(session: SparkSession, tmp_path):
    def full(_):
        raise OSError(28, "No space left on device")

    bad = session.range(1).withColumn("v", F.udf(full, "double")("id"))
    with SparkEngine().open() as engine:
        for asked in (lambda: engine.conform(bad, Shape((Key("id"),), None)), lambda: list(engine.rows(bad)),
                      lambda: engine.write(bad, Target("f", str(tmp_path / "rows"), "parquet"))):  # fmt: skip
            with pytest.raises(PluginFailed, match="No space left on device") as raised:
                asked()
            assert "spark.local.dir" in str(raised.value.hint)


def test_what_a_function_of_rows_raises_is_told(session: SparkSession, capfd):
    bad = session.range(1).withColumn("v", F.udf(lambda x: 1 / x, "double")("id"))
    with SparkEngine().open() as engine:
        with pytest.raises(Invalid, match=r"a Python function that Spark calls raised ZeroDivisionError: .*zero\."):
            engine.conform(bad, Shape((Key("id"),), None))
        with pytest.raises(Invalid, match="ZeroDivisionError"):
            list(engine.rows(bad))
    assert "Traceback" not in capfd.readouterr().err


def test_a_function_of_rows_that_ends_its_process_is_told(session: SparkSession):
    def ends(_):
        import os

        os._exit(3)

    bad = session.range(1).withColumn("v", F.udf(ends, "double")("id"))
    with SparkEngine().open() as engine, pytest.raises(Invalid, match="a Python that Spark calls for rows has ended"):
        list(engine.rows(bad))


def test_an_error_is_told_once(session: SparkSession, capfd):
    with SparkEngine().open() as engine, pytest.raises(Invalid, match="malformed|unresolved|cannot be resolved"):
        engine.apply(lambda events: events.select("amuont"), session.range(1))
    assert "py4j" not in capfd.readouterr().err.lower()


def scanned(folder: Path, **files: Any) -> list[dict[str, Any]]:
    """The rows of a source of some files, under the names they are given."""
    for name, columns in files.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    uris = tuple(f"file://{folder}/{name}.parquet" for name in files)
    with SparkEngine().open() as engine:
        frame = engine.scan(Scan("events", uris, ParquetFormat()))
        return sorted(next(engine.rows(engine.conform(frame, Shape((Key("k"),), None)).frame)), key=itemgetter("k"))


LOCAL, ZONED, FINE = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.timestamp("ns")
PAIRS = [(LOCAL, ZONED), (ZONED, LOCAL), (LOCAL, FINE), (LOCAL, pa.date64()), (pa.list_(LOCAL), pa.list_(ZONED)),
         (LOCAL, pa.null()), (pa.list_(LOCAL), pa.null())]  # fmt: skip


@pytest.mark.parametrize("kinds", PAIRS, ids=str)
def test_times_of_several_files_are_instants_whatever_the_sessions_zone(tmp_path, kinds):
    several = pa.types.is_list(kinds[0])
    local, other = (pa.nulls(1) if kind == pa.null() else pa.array([[0] if several else 0], kind) for kind in kinds)
    rows = scanned(tmp_path, one={"k": [1], "at": local}, two={"k": [2], "at": other})
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    there = [row["at"] for row in rows if row["at"] is not None]
    assert there == [[epoch] if several else epoch] * (1 if other.type == pa.null() else 2)


def test_local_times_beside_a_file_of_nulls_stay_local(tmp_path):
    pq.write_table(pa.table({"k": [1], "at": pa.array([0], pa.timestamp("us"))}), tmp_path / "one.parquet")
    pq.write_table(pa.table({"k": pa.array([None], pa.int64()), "at": pa.nulls(1)}), tmp_path / "two.parquet")
    scan = Scan("events", tuple(f"file://{tmp_path}/{n}.parquet" for n in ("one", "two")), ParquetFormat())
    with SparkEngine().open() as engine:
        frame = engine.where(engine.scan(scan), mlf.col("k") > 0)
        shape = Shape((Key("k"),), Timestamp("at", timezone="Europe/Berlin"))
        (row,) = next(engine.rows(engine.conform(frame, shape).frame))
    assert row["at"] == datetime(1969, 12, 31, 23, tzinfo=UTC)


def test_what_is_finer_than_a_microsecond_is_cut_off(tmp_path):
    fine = pa.array([-1500, 1500, -1, None], pa.duration("ns"))
    rows = scanned(tmp_path, one={"k": [1, 2, 3, 4], "v": fine})
    assert [row["v"] and row["v"] // timedelta(microseconds=1) for row in rows] == [-1, 1, timedelta(0), None]


@pytest.mark.parametrize("name", ["_events", ".events", "at 10:00"])
def test_a_file_that_spark_passes_over_is_refused(tmp_path, name):
    with pytest.raises(Invalid, match=f"'events': Spark reads no file that is called as .*{name}.parquet is"):
        scanned(tmp_path, **{name: {"k": [1]}})


@pytest.mark.parametrize("ignored", [False, True])
def test_a_damaged_file_is_named_whatever_the_session_ignores(session, tmp_path, ignored):
    session.conf.set("spark.sql.files.ignoreCorruptFiles", str(ignored).lower())
    try:
        written = tmp_path / "whole.parquet"
        pq.write_table(pa.table({"k": range(1000)}), written, compression="none", use_dictionary=False)
        content = bytearray(written.read_bytes())
        content[8:60] = bytes(b ^ 0xFF for b in content[8:60])
        written.write_bytes(content)
        with SparkEngine().open() as engine:
            frame = engine.scan(Scan("events", (f"file://{written}",), ParquetFormat()))
            with pytest.raises(MlforgeError, match=r"whole.parquet cannot be read"):
                engine.conform(frame, Shape((Key("k"),), None))
    finally:
        session.conf.unset("spark.sql.files.ignoreCorruptFiles")


def test_a_version_of_several_files_is_read_in_order(session: SparkSession, tmp_path):
    limit = "spark.sql.files.maxRecordsPerFile"
    session.conf.set(limit, "2")
    try:
        columns = {"k": [f"{i}" * (9 - i) for i in range(9)]}
        defs = project(tmp_path, "spark", columns, keys="k")
        defs.build(preview=False, quality=False).raise_for_failure()
        assert len(defs.metadata("made").parts) > 1
        assert [row["k"] for row in defs.read("made").collect()] == sorted(columns["k"])
    finally:
        session.conf.unset(limit)


def test_a_float_between_minus_one_and_zero_is_the_unsigned_zero():
    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"v": v} for v in (-0.9, -1.0, 1.9, 2.0**63)], Schema.of(v="Float64"))
        made = engine.derive(frame, {"n": mlf.col("v").cast("UInt64")})
        assert [row["n"] for row in next(engine.rows(made))] == [0, None, 1, 2**63]


def test_a_key_of_another_type_is_refused_with_a_cast_that_works(session: SparkSession, tmp_path):
    defs = project(tmp_path, "spark", {"user.id": pa.array([1], pa.uint64()), "v": [7]}, keys="user.id")
    defs.build(preview=False, quality=False).raise_for_failure()
    spine = session.sql("SELECT '1' AS `user.id`, map('a', 1) AS m, named_struct('b', 2) AS s, NULL AS n")
    with pytest.raises(Invalid, match="Key 'user.id' is String in the spine and UInt64 in feature") as error:
        defs.get_training_data(spine, features=["made"])
    told = str(error.value.hint).removeprefix("Cast it in the spine: ").removesuffix(".")
    assert told == 'F.col("`user.id`").cast("bigint")'
    cast = spine.withColumn("user.id", eval(told))
    (row,) = defs.get_training_data(cast, features=["made"]).collect()
    assert (row["m"], row["s"]["b"], row["n"], row["v"]) == ({"a": 1}, 2, None, 7)


@pytest.mark.parametrize("name", ["at of mlforge", "feature 0 of mlforge", "row of mlforge", "spine of mlforge"])
def test_a_spine_may_have_columns_that_are_called_as_the_joins_own(session: SparkSession, tmp_path, name):
    columns = {"k": [1, 1], "at": [START, START + timedelta(days=1)], "v": [7, 8]}
    defs = project(tmp_path, "spark", columns, keys="k", timestamp="at", max_age="5d")
    defs.build(preview=False, quality=False).raise_for_failure()
    spine = session.sql(f"SELECT 1 AS k, timestamp'2025-03-02 00:00:00Z' AS t, 'mine' AS `{name}`")
    (row,) = defs.get_training_data(spine, features=["made"], timestamp="t").collect()
    assert (row[name], row["v"]) == ("mine", 7)
