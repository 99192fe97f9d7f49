"""Types of DuckDB and Polars have mlforge's words, or are refused with the column and the way out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge_csv import dtype_of
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.types import sql_of, word

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


def held(engine: LiveDuckDBEngine, frame: pl.DataFrame, timestamp: Timestamp | None = None) -> pl.DataFrame:
    rows = frame if "k" in frame.columns else frame.with_row_index("k")
    return to_polars(engine.conform(rows, Shape((Key("k"),), timestamp)).frame)


def stamps(engine: LiveDuckDBEngine, values, pattern: str | None = None, dtype=None) -> list[datetime]:
    frame = pl.DataFrame({"t": pl.Series(values, dtype=dtype)})
    return held(engine, frame, Timestamp("t", pattern))["t"].to_list()


WORDS = [
    *("Boolean", "Int8", "UInt64", "Float32", "String", "Binary", "Date", "Datetime", "Time", "Duration"),
    *("Decimal(10, 2)", "List(Int64)", "List(List(Datetime))"),
]


@pytest.mark.parametrize("text", WORDS)
def test_every_word_has_a_type_and_back(engine: LiveDuckDBEngine, text) -> None:
    assert word(duckdb.sqltype(sql_of(text)), "x") == text
    assert engine.schema(pl.DataFrame({"x": []}, schema={"x": dtype_of(text)})).dtype("x") == text


@pytest.mark.parametrize(
    ("sql", "way_out"),
    [
        ("NULL", "give it a type"),
        ("{'a': 1}", "s.field"),
        ("1::HUGEINT", "BIGINT"),
        ("[NULL]", "give it a type"),
        ("MAP {1: 2}", "cast it"),
    ],
)
def test_a_type_without_a_word_is_refused_with_the_column_and_the_way_out(engine, sql, way_out) -> None:
    def exotic(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, {sql} AS payload")

    with pytest.raises(Invalid, match=f"'payload'.*{way_out}"):
        engine.conform(engine.apply(exotic, pl.DataFrame({"k": [1]})), Shape((Key("k"),)))


@pytest.mark.parametrize(
    "values", [pl.Series([2**70], dtype=pl.Int128), pl.Series([object()], dtype=pl.Object)], ids=["Int128", "Object"]
)
def test_a_polars_type_that_duckdb_does_not_read_is_named(engine: LiveDuckDBEngine, values) -> None:
    with pytest.raises(Invalid, match="'payload'"):
        engine.conform(pl.DataFrame({"k": [1], "payload": values}), Shape((Key("k"),)))


def test_columns_that_differ_in_case_alone_are_refused(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(Invalid, match="'k' and 'K', which differ in case alone"):
        engine.conform(pl.DataFrame({"k": [1], "K": [2]}), Shape((Key("k"),)))


def test_an_unknown_word_is_refused() -> None:
    for unknown in (dtype_of, sql_of):
        with pytest.raises(Invalid, match="int64"):
            unknown("int64")


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["a", "b"])], ids=["Categorical", "Enum"])
def test_categories_are_held_as_strings(engine: LiveDuckDBEngine, dtype) -> None:
    frame = held(engine, pl.DataFrame({"k": ["b", "a"], "c": ["a", None]}, schema={"k": dtype, "c": dtype}))
    assert frame.schema == {"k": pl.String, "c": pl.String}
    assert frame.rows() == [("b", "a"), ("a", None)]


def test_other_times_are_held_as_instants_wherever_they_stand(engine: LiveDuckDBEngine) -> None:
    frame = pl.DataFrame({"n": [-1], "z": [NOON], "l": [[NOON.replace(tzinfo=None)]]}).with_columns(
        pl.col("n").cast(pl.Datetime("ns")), pl.col("z").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ms")
    )
    rows = held(engine, frame)
    assert rows.drop("k").rows() == [(datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), NOON, [NOON])]
    assert engine.schema(rows).dtype("l") == "List(Datetime)"


NANOS = "[make_timestamp_ns(-1), NULL, make_timestamp_ns(1500)]"


@pytest.mark.parametrize("sql", ["TIMESTAMP_NS", "TIMESTAMPTZ_NS"])
def test_nanoseconds_are_cut_off_wherever_they_stand(engine: LiveDuckDBEngine, sql) -> None:
    def fine(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, CAST(make_timestamp_ns(-1) AS {sql}) AS t, CAST({NANOS} AS {sql}[]) AS l")

    made = engine.apply(fine, pl.DataFrame({"k": [1]}))
    before, after = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (-1, 1))
    assert engine.schema(made) == Schema.of(k="Int64", t="Datetime", l="List(Datetime)")
    for timestamp in (None, Timestamp("t")):
        rows = to_polars(engine.conform(made, Shape((Key("k"),), timestamp)).frame)
        assert rows.select("t", "l").rows() == [(before, [before, None, after])]
    span = Span(-1, 0)
    assert engine.extent(engine.within(made, Timestamp("t"), span), Timestamp("t")).rows == 1
    (key,) = to_polars(engine.with_surrogates(made, [Key("s", ("t",))]))["s"]
    assert key == surrogate_key(before)


@pytest.mark.parametrize("sql", ["TIMESTAMP_NS", "TIMESTAMPTZ_NS"])
def test_a_label_time_may_be_in_nanoseconds(engine: LiveDuckDBEngine, sql) -> None:
    def fine(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"k, CAST(make_timestamp_ns(1500) AS {sql}) AS t")

    spine = engine.apply(fine, pl.DataFrame({"k": [1]}))
    assert engine.asof(spine, Timestamp("t"), []).columns == ["k", "t"]


def test_an_infinity_of_nanoseconds_is_refused_as_every_other_is(engine: LiveDuckDBEngine) -> None:
    def endless(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project("k, CAST('infinity' AS TIMESTAMP_NS) AS t")

    with pytest.raises(Invalid, match="infinity in row 0 is out of range"):
        engine.conform(engine.apply(endless, pl.DataFrame({"k": [1]})), Shape((Key("k"),)))


@pytest.mark.parametrize(
    "text",
    ["2024-01-31T12:00:00Z", "2024-01-31 13:00+01:00", "2024-01-31T14:00:00.000000+0200", "2024-01-31 07:00:00.0-05"],
)
def test_offsets_of_every_spelling_may_be_mixed(engine: LiveDuckDBEngine, text) -> None:
    assert stamps(engine, ["2024-01-31T12:00:00.000Z", None, text][::2]) == [NOON, NOON]


def test_categories_of_text_are_times_too(engine: LiveDuckDBEngine) -> None:
    assert stamps(engine, ["2024-01-31 12:00"], dtype=pl.Categorical) == [NOON]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("2024-01-31", "2024-01-31T12:00"),
        ("2024-01-31T12:00:00", "2024-01-31T12:00:00Z"),
        ("2024-01-31", "2024-02-30"),
        ("2024-01-31 12:00:00", "2024-01-31 24:00:00"),
        ("2024-01-31 12:00:00", "2024-01-31 12:00:60"),
        ("2024-01-31", " 2024-01-31"),
        ("2024-01-31", "2024-1-31"),
        ("2024-01-31", "٢٠٢٤-01-31"),
    ],
)
def test_the_first_value_of_another_form_is_shown_with_its_row(engine: LiveDuckDBEngine, good, bad) -> None:
    with pytest.raises(Invalid, match=rf"'{bad}' in row 1"):
        stamps(engine, [good, bad])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("31.01.2024 12:00", "%d.%m.%Y %H:%M"),
        ("31.01.2024 14:00 +0200", "%d.%m.%Y %H:%M %z"),
        ("31.01.2024 12", "%d.%m.%Y %H"),
        ("31.01.2024 12 PM", "%d.%m.%Y %I %p"),
        ("31.01.2024 12:00:00.000", "%d.%m.%Y %H:%M:%S.%f"),
        ("31.01.2024 12:00:00,000000", "%d.%m.%Y %H:%M:%S,%f"),
        ("1706702400", "%s"),
    ],
)
def test_a_format_means_what_strftime_means(engine: LiveDuckDBEngine, text, pattern) -> None:
    assert stamps(engine, [text], pattern) == [NOON]


def test_text_that_does_not_fit_the_format_is_shown_with_its_row(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(Invalid, match="'2024-01-31' in row 1"):
        stamps(engine, ["31.01.2024", "2024-01-31"], "%d.%m.%Y")


@pytest.mark.parametrize("values", [[1706702400], [1.5]], ids=["integers", "floats"])
def test_numbers_are_no_times_and_the_hint_makes_them_some(engine: LiveDuckDBEngine, values) -> None:
    with pytest.raises(Invalid, match="make_timestamp"):
        stamps(engine, values)


def test_clock_times_are_no_instants(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(Invalid, match="is TIME"):
        stamps(engine, [time(12)])


def test_a_time_beyond_what_microseconds_hold_is_shown_with_its_row(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(Invalid, match=f"{2**62} in row 1"):
        stamps(engine, [0, 2**62], dtype=pl.Datetime("ms"))


def test_an_alias_that_is_taken_is_refused(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(Invalid, match="'u'"):
        held(engine, pl.DataFrame({"t": [NOON], "u": [1]}), Timestamp("t", alias="u"))


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Decimal(10, 2), pl.List(pl.Int64)], ids=str)
def test_keys_of_other_types_are_refused(engine: LiveDuckDBEngine, dtype) -> None:
    with pytest.raises(Invalid, match=r"'k'.*cannot be a key"):
        held(engine, pl.DataFrame({"k": []}, schema={"k": dtype}))


def test_a_lazy_frame_is_held_and_a_duplicate_is_counted(engine: LiveDuckDBEngine) -> None:
    shape = Shape((Key("k"),))
    held = engine.conform(pl.LazyFrame({"k": [1, None, 1]}), shape)
    assert (held.rows, held.null_keys) == (3, 1)
    with pytest.raises(Invalid, match=r"2 rows share their k with another, such as k=1\."):
        engine.settle(held.frame, shape)


def test_surrogate_keys_are_those_of_python_for_repeated_null_and_odd_values(engine: LiveDuckDBEngine) -> None:
    columns = {
        "i": pl.Series([1, -(2**63), None, 1]),
        "s": pl.Series(["ü:1", "", None, "ü:1"], dtype=pl.Categorical),
        "b": pl.Series([True, False, None, True]),
        "d": pl.Series([date(1969, 12, 31), date(2024, 1, 31), None, date(1969, 12, 31)]),
        "t": pl.Series([NOON, datetime(1900, 1, 1, tzinfo=UTC), None, NOON]).dt.convert_time_zone("Asia/Tokyo"),
        "x": pl.Series([b"\x00\xff", b"", None, b"\x00\xff"]),
        "n": pl.Series([None] * 4),
    }
    derived = engine.with_surrogates(pl.DataFrame(columns), [Key("key", tuple(columns))])
    assert derived["key"].to_list() == [surrogate_key(*row) for row in pl.DataFrame(columns).rows()]


def test_rows_of_frames_that_were_not_held_come_as_instants_in_utc(engine: LiveDuckDBEngine) -> None:
    frame = pl.LazyFrame({"t": [NOON.replace(tzinfo=None)], "c": pl.Series(["a"], dtype=pl.Categorical)})
    assert list(engine.rows(frame)) == [[{"t": NOON, "c": "a"}]]


def test_rows_that_do_not_fit_their_schema_are_refused(engine: LiveDuckDBEngine) -> None:
    for value in ("x", 2**70, object()):
        with pytest.raises(Invalid, match="a Int64"):
            engine.from_rows([{"a": value}], Schema.of(a="Int64"))


@pytest.mark.linux
def test_a_full_disk_is_the_plugins_failure_with_a_hint(engine: LiveDuckDBEngine) -> None:
    with pytest.raises(PluginFailed, match=r"No space left.*full disk"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "/dev/full"))
    with pytest.raises(PluginFailed, match="users"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "/nowhere/at/all.parquet"))
    with pytest.raises(Unsupported, match="delta"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "x", "delta"))


@pytest.mark.parametrize("late", ["DATE '20000-01-01'", "TIMESTAMP '290000-01-01'", "DATE '0044-03-15 (BC)'"])
def test_a_time_that_python_has_not_is_refused_where_rows_become_its_objects(engine, late):
    def come_late(df: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return df.project(f"{late} AS late")

    rows = engine.apply(come_late, pl.DataFrame({"x": [1]}))
    with pytest.raises(Invalid, match="Python objects") as refused:
        list(engine.rows(rows))
    assert "year 9999" in refused.value.hint
