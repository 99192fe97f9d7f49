"""Figures of any number of rows are those of the same rows in Python, and no more than figures visits the driver."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mlforge.model.meta import Target
from mlforge.model.quality import MOST_EXACT, SAMPLE, ColumnQuality, Measuring, Quality, TopValue, rank_error
from mlforge.model.schema import Column, Schema
from mlforge.model.source import ParquetFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.measuring import measured
from mlforge_spark import measuring
from mlforge_spark.exchange import arrow_of
from mlforge_spark.plugin import SparkEngine

ROWS, FILES = 110_000, 4
TYPES = {
    "user": "Int64", "few": "Int32", "amount": "Float64", "narrow": "Float32", "price": "Decimal(12, 2)",
    "wide": "Decimal(30, 3)", "big": "UInt64", "at": "Datetime", "on": "Date", "took": "Duration", "note": "String",
    "flag": "Boolean", "raw": "Binary", "tags": "List(Int64)",
}  # fmt: skip
START, NEAR = datetime(1969, 12, 31, tzinfo=UTC), 1e9
ODD = [None, math.nan, math.inf, -math.inf, 0.0, -0.0]
NOTES = [None, "", "é", "a", "b", "z" * 64, *("z" * 64 + end for end in ("", "y", "x" * 900, "x" * 901))]


def row(n: int, chance: random.Random) -> tuple[Any, ...]:
    """A row of all kinds of values."""
    few, some = n % 10_000, chance.randrange(40_000)
    amount = chance.choice(ODD) if n % 5 == 0 else chance.gauss(NEAR, 1.0)
    price, wide = Decimal(some - 500).scaleb(-2), Decimal((few - 4_000) * 10**22 + 7).scaleb(-3)
    at, on = START + timedelta(seconds=some, microseconds=n % 3), date(1960, 1, 1) + timedelta(days=some % 9_000)
    took, note = timedelta(microseconds=few - 5_000), chance.choice(NOTES) if n % 3 else str(few)
    flag, raw = chance.choice([True, False, None]), str(some % 12).encode() * (some % 40)
    counted = few if n % 7 else None
    return n, counted, amount, float(n % 300) / 4, price, wide, some * 2**40, at, on, took, note, flag, raw, [n]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    chance = random.Random(5)
    return [dict(zip(TYPES, row(n, chance), strict=True)) for n in range(ROWS)]


@pytest.fixture(scope="module")
def files(rows, tmp_path_factory):
    """The rows in files: Spark reads them in several tasks."""
    folder = tmp_path_factory.mktemp("measured")
    types = pa.schema([(n, arrow_of(word)) for n, word in TYPES.items()])
    for part in range(FILES):
        table = pa.Table.from_pylist(rows[part * ROWS // FILES : (part + 1) * ROWS // FILES], types)
        pq.write_table(table, folder / f"{part}.parquet")
    return tuple(str(folder / f"{part}.parquet") for part in range(FILES))


@pytest.fixture
def engine():
    with SparkEngine().open() as opened:
        yield opened


@pytest.fixture(scope="module")
def expected(rows) -> Quality:
    return measured(_batches(rows), _schema(), Measuring(keys=("user",), sample=ROWS))


def _batches(rows):
    return iter([rows[start : start + 30_000] for start in range(0, len(rows), 30_000)])


def _schema() -> Schema:
    return Schema(tuple(Column(n, word) for n, word in TYPES.items()))


def assert_same(found: ColumnQuality, expected: ColumnQuality) -> None:
    """Fail unless all that is told of all rows is the same, and what is estimated as near as is stated."""
    same = ("name", "dtype", "count", "nulls", "nans", "infinite", "min", "max")
    assert [getattr(found, n) for n in same] == [getattr(expected, n) for n in same]
    for one, other in ((found.mean, expected.mean), (found.std, expected.std)):
        assert one == (other if other is None else pytest.approx(other, rel=1e-9)), found.name
    if not expected.distinct_error:
        assert (found.distinct, found.distinct_error) == (expected.distinct, 0.0), found.name


def test_figures_of_many_rows_are_those_of_the_same_rows_in_python(engine, files, expected, rows):
    frame = engine.scan(Scan("events", files, ParquetFormat()))
    found = engine.measure(frame, Measuring(keys=("user",), sample=ROWS))
    assert (found.rows, [c.name for c in found.columns]) == (ROWS, list(TYPES))
    for one, other in zip(found.columns, expected.columns, strict=True):
        assert_same(one, other)
        assert one.sampled == 0
        assert one.quantiles == pytest.approx(other.quantiles, rel=1e-12), one.name
        assert (one.histogram, one.top) == (other.histogram, other.top), one.name
    for name in ("user", "price", "big"):
        distinct = len({r[name] for r in rows})
        assert abs(found.column(name).distinct - distinct) <= 4 * found.column(name).distinct_error * distinct
    assert (found.entities, found.entities_error) == (found.column("user").distinct, 0.01)


def test_of_more_rows_than_a_sample_the_rest_is_drawn(engine, files, expected, rows):
    frame = engine.scan(Scan("events", files, ParquetFormat()))
    names = ("user", "few", "amount", "at", "took", "note", "flag", "tags")
    found = engine.measure(frame, Measuring(columns=names, keys=("few",)))
    assert (found.entities, found.entities_error) == (10_000, 0.0)
    for one in found.columns:
        assert_same(one, expected.column(one.name))
        has_some = one.name not in ("took", "tags")
        assert (abs(one.sampled - SAMPLE) < 1_000) if has_some else one.sampled == 0
        total = one.histogram.total if one.histogram else sum(t.count for t in one.top)
        assert total <= one.sampled
    user = found.column("user")
    assert user.histogram.total == user.sampled
    ordered = sorted(r["user"] for r in rows)
    for q, value in zip(Measuring().quantiles, user.quantiles, strict=True):
        low, high = (side(ordered, value) / ROWS for side in (bisect_left, bisect_right))
        assert low - rank_error(user.sampled) <= q <= high + rank_error(user.sampled)
    again = engine.measure(frame, Measuring(columns=("user",)))
    assert again.columns == (user,), "the same rows are drawn each time"


def test_rows_in_no_file_of_ours_are_computed_once_and_nothing_stays_held(session, engine, files):
    frame = engine.scan(Scan("events", files, ParquetFormat()))
    jobs, read, held = _jobs(session), _read(session), _held(session)
    engine.measure(frame, Measuring(columns=("user", "at", "note", "flag", "tags"), keys=("user", "few")))
    assert _jobs(session) - jobs <= 11
    assert (_read(session) - read) // ROWS == 1  # what is held is counted, too, as a few batches
    assert _held(session) == held


def test_what_was_written_is_read_as_often_as_there_are_kinds_of_figures(session, engine, files, tmp_path):
    frame = engine.scan(Scan("events", files, ParquetFormat()))
    engine.write(frame, Target("events", str(tmp_path / "data.parquet")))
    read, held = _read(session), _held(session)
    columns = ("user", "few", "amount", "narrow", "at", "on", "note")
    engine.measure(frame, Measuring(columns=columns, keys=("user", "few")))
    assert _read(session) - read == 5 * ROWS  # figures of 6 columns, of 1, sketches, what is few, and the sample
    assert _held(session) == held


def test_few_rows_are_read_once_less(session, engine, tmp_path):
    rows = [{"user": n % 7, "amount": n / 2} for n in range(MOST_EXACT)]
    frame = engine.from_rows(rows, Schema.of(user="Int64", amount="Float64"))
    engine.write(frame, Target("events", str(tmp_path / "data.parquet")))
    read = _read(session)
    found = engine.measure(frame, Measuring(keys=("user",)))
    assert [(c.distinct, c.distinct_error) for c in found.columns] == [(7, 0.0), (MOST_EXACT, 0.0)]
    assert _read(session) - read == 2 * MOST_EXACT  # figures, and the sample with what is different


def _jobs(session: SparkSession) -> int:
    return int(_status(session).jobsList(None).size())


def _read(session: SparkSession) -> int:
    """How many rows of files were read."""
    context = session.sparkContext
    quantiles = context._gateway.new_array(context._jvm.double, 0)  # noqa: SLF001 - no other way
    none = context._jvm.java.util.ArrayList()  # noqa: SLF001
    stages = _status(session).stageList(none, False, False, quantiles, None)
    found = [stages.apply(i) for i in range(stages.size())]
    return sum(int(s.inputRecords()) for s in found if s.inputRecords() > 1)


def _status(session: SparkSession) -> Any:
    context = session.sparkContext
    context._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001
    return context._jsc.sc().statusStore()  # noqa: SLF001


def _held(session: SparkSession) -> int:
    return int(session.sparkContext._jsc.getPersistentRDDs().size())  # noqa: SLF001


def test_more_columns_than_are_measured_at_once_come_in_their_order(engine, session, monkeypatch):
    monkeypatch.setattr(measuring, "_AT_ONCE", 2)
    names = [f"n{i}" for i in range(4)]
    frame = session.range(5).select("id", *((F.col("id") * F.lit(i)).alias(n) for i, n in enumerate(names)))
    found = engine.measure(frame, Measuring(columns=(*reversed(names), "id"), keys=("id",), quantiles=(0.5, 1.0)))
    assert [c.name for c in found.columns] == [*reversed(names), "id"]
    assert (found.rows, found.entities) == (5, 5)
    for i, name in enumerate(names):
        column = found.column(name)
        assert (column.max, column.distinct, column.quantiles) == (4 * i, 5 if i else 1, (2.0 * i, 4.0 * i))


def test_columns_may_be_called_what_figures_are_called(engine, session):
    names = ("c1", "C0", "v0", "s0", "rows", "drawn", "a.b", "`", "value", "entity")
    frame = session.range(3).select(*((F.col("id") + F.lit(i)).alias(n) for i, n in enumerate(names)))
    found = engine.measure(frame, Measuring(keys=("`",)))
    assert [(c.name, c.min) for c in found.columns] == [(n, i) for i, n in enumerate(names)]
    assert found.entities == 3


@pytest.mark.parametrize("keys", [(), ("id",)])
def test_rows_are_counted_where_no_column_is_asked_for(engine, session, keys):
    frame = session.range(3)
    expected = Quality(rows=3, entities=3 if keys else None)
    assert engine.measure(frame, Measuring(columns=(), keys=keys)) == expected


def test_entities_of_several_keys_are_told_apart_by_all_of_them(engine):
    pairs = [("a", 0.0), ("a", -0.0), ("a0.0", None), ("a", math.nan), ("a", math.nan), ("", 0.0), (None, 1.0)]
    frame = engine.from_rows([{"k": k, "x": x} for k, x in pairs], Schema.of(k="String", x="Float64"))
    assert engine.measure(frame, Measuring(keys=("k", "x"))).entities == 3
    texts = [("ab", "c"), ("a", "bc"), ("ab", "c"), ("a,b", ""), ("a", ",b")]
    frame = engine.from_rows([{"k": k, "l": x} for k, x in texts], Schema.of(k="String", l="String"))
    assert engine.measure(frame, Measuring(keys=("k", "l"))).entities == 4


def test_texts_are_told_apart_by_all_their_letters_and_recorded_by_the_first(engine):
    texts = ["z" * 64 + "b", "z" * 64 + "a", "z" * 64, "z" * 64 + "a", "z" * 63, "z" * 5000]
    frame = engine.from_rows([{"s": s, "b": s.encode()} for s in texts], Schema.of(s="String", b="Binary"))
    s, b = engine.measure(frame, Measuring(top=4)).columns
    cut = "z" * 64 + "…"
    assert (s.distinct, b.distinct, s.min, s.max) == (5, 5, "z" * 63, cut)
    assert s.top == (TopValue(cut, 2), TopValue("z" * 63, 1), TopValue("z" * 64, 1), TopValue(cut, 1))


@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize("zone", ["America/St_Johns", "Asia/Kathmandu"])
def test_figures_are_the_same_in_any_session(engine, session, ansi, zone):
    rows = [{"at": datetime(1890, 1, 1, 0, 0, n, tzinfo=UTC), "on": date(1890, 1, n + 1), "x": -n} for n in range(9)]
    schema = Schema.of(at="Datetime", on="Date", x="Int8")
    frame = engine.from_rows(rows, schema)
    asked = {"spark.sql.ansi.enabled": ansi, "spark.sql.session.timeZone": zone}
    before = {name: session.conf.get(name) for name in asked}
    try:
        for name, value in asked.items():
            session.conf.set(name, value)
        found = engine.measure(frame, Measuring())
    finally:
        for name, value in before.items():
            session.conf.set(name, value)
    assert found == measured(iter([rows]), schema, Measuring())


def test_a_spread_beyond_floats_is_none_and_the_other_figures_stay(engine):
    frame = engine.from_rows([{"x": 1.7e308}, {"x": 1.6e308}, {"x": None}], Schema.of(x="Float64"))
    (x,) = engine.measure(frame, Measuring(quantiles=(0.0, 1.0))).columns
    assert (x.std, x.min, x.max, x.quantiles) == (None, 1.6e308, 1.7e308, (1.6e308, 1.7e308))
    assert math.isclose(x.mean, 1.65e308)
    assert x.histogram.total == 2


def test_local_times_are_measured_as_instants(engine, session):
    frame = session.sql("SELECT timestamp_ntz'2026-02-01 12:00:00' AS at, NULL AS nothing")
    at, nothing = engine.measure(frame, Measuring(quantiles=(0.5,))).columns
    assert (at.min, at.quantiles) == ("2026-02-01T12:00:00+00:00", (1_769_947_200_000_000.0,))
    assert (nothing.dtype, nothing.nulls, nothing.distinct) == ("Int64", 1, 0)
