"""Polars' types have mlforge's words, or are refused with the column and the way out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge_csv import dtype_of
from mlforge_polars.engine import LivePolarsEngine
from mlforge_polars.types import word

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)


def held(engine: LivePolarsEngine, frame: pl.DataFrame, timestamp: Timestamp | None = None) -> pl.DataFrame:
    rows = frame if "k" in frame.columns else frame.with_row_index("k")
    return engine.conform(rows, Shape((Key("k"),), timestamp)).frame


def stamps(engine: LivePolarsEngine, values, pattern: str | None = None, dtype=None) -> list[datetime]:
    frame = pl.DataFrame({"t": pl.Series(values, dtype=dtype)})
    return held(engine, frame, Timestamp("t", pattern))["t"].to_list()


@pytest.mark.parametrize(
    "text",
    [
        *("Boolean", "Int8", "UInt64", "Float32", "String", "Binary", "Date", "Datetime", "Time", "Duration"),
        *("Decimal(10, 2)", "List(Int64)", "List(List(Datetime))"),
    ],
)
def test_every_word_has_a_type_and_back(text) -> None:
    assert word(dtype_of(text), "x") == text


@pytest.mark.parametrize(
    ("dtype", "way_out"),
    [
        (pl.Null(), "give it a type"),
        (pl.Struct({"a": pl.Int64}), "unnest"),
        (pl.Object(), "numbers or strings"),
        (pl.Int128(), "Int64"),
        (pl.List(pl.Null), "give it a type"),
    ],
    ids=str,
)
def test_a_type_without_a_word_is_refused_with_the_column_and_the_way_out(dtype, way_out) -> None:
    with pytest.raises(Invalid, match=f"'payload'.*{way_out}"):
        word(dtype, "payload")


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(Invalid, match="int64"):
        dtype_of("int64")


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["a", "b"])], ids=["Categorical", "Enum"])
def test_categories_are_held_as_strings(engine: LivePolarsEngine, dtype) -> None:
    frame = held(engine, pl.DataFrame({"k": ["b", "a"], "c": ["a", None]}, schema={"k": dtype, "c": dtype}))
    assert frame.schema == {"k": pl.String, "c": pl.String}
    assert frame.rows() == [("b", "a"), ("a", None)]


def test_other_times_are_held_as_instants_wherever_they_stand(engine: LivePolarsEngine) -> None:
    frame = pl.DataFrame({"n": [-1], "z": [NOON], "l": [[NOON.replace(tzinfo=None)]]}).with_columns(
        pl.col("n").cast(pl.Datetime("ns")), pl.col("z").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ms")
    )
    rows = held(engine, frame)
    assert rows.drop("k").rows() == [(datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), NOON, [NOON])]
    assert engine.schema(rows).dtype("l") == "List(Datetime)"


@pytest.mark.parametrize(
    "text",
    ["2024-01-31T12:00:00Z", "2024-01-31 13:00+01:00", "2024-01-31T14:00:00.000000+0200", "2024-01-31 07:00:00.0-05"],
)
def test_offsets_of_every_spelling_may_be_mixed(engine: LivePolarsEngine, text) -> None:
    assert stamps(engine, ["2024-01-31T12:00:00.000Z", None, text][::2]) == [NOON, NOON]


def test_categories_of_text_are_times_too(engine: LivePolarsEngine) -> None:
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
def test_the_first_value_of_another_form_is_shown_with_its_row(engine: LivePolarsEngine, good, bad) -> None:
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
def test_a_format_means_what_strftime_means(engine: LivePolarsEngine, text, pattern) -> None:
    assert stamps(engine, [text], pattern) == [NOON]


def test_text_that_does_not_fit_the_format_is_shown_with_its_row(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid, match="'2024-01-31' in row 1"):
        stamps(engine, ["31.01.2024", "2024-01-31"], "%d.%m.%Y")


@pytest.mark.parametrize("values", [[1706702400], [1.5]], ids=["integers", "floats"])
def test_numbers_are_no_times_and_the_hint_makes_them_some(engine: LivePolarsEngine, values) -> None:
    with pytest.raises(Invalid, match=r"pl\.from_epoch"):
        stamps(engine, values)


def test_clock_times_are_no_instants(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid, match="is Time"):
        stamps(engine, [time(12)])


def test_a_time_beyond_what_microseconds_hold_is_shown_with_its_row(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid, match=f"{2**62} ms after 1970 in row 1"):
        stamps(engine, [0, 2**62], dtype=pl.Datetime("ms"))


def test_an_alias_that_is_taken_is_refused(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid, match="'u'"):
        held(engine, pl.DataFrame({"t": [NOON], "u": [1]}), Timestamp("t", alias="u"))


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Decimal(10, 2), pl.List(pl.Int64)], ids=str)
def test_keys_of_other_types_are_refused(engine: LivePolarsEngine, dtype) -> None:
    with pytest.raises(Invalid, match=r"'k'.*cannot be a key"):
        held(engine, pl.DataFrame({"k": []}, schema={"k": dtype}))


def test_a_lazy_frame_is_held_and_a_duplicate_is_counted(engine: LivePolarsEngine) -> None:
    shape = Shape((Key("k"),))
    held = engine.conform(pl.LazyFrame({"k": [1, None, 1]}), shape)
    assert (held.rows, held.null_keys) == (3, 1)
    with pytest.raises(Invalid, match=r"2 rows share their k with another, such as k=1\."):
        engine.settle(held.frame, shape)


def test_surrogate_keys_are_those_of_python_for_repeated_null_and_odd_values(engine: LivePolarsEngine) -> None:
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


def test_rows_of_frames_that_were_not_held_come_as_instants_in_utc(engine: LivePolarsEngine) -> None:
    frame = pl.LazyFrame({"t": [NOON.replace(tzinfo=None)], "c": pl.Series(["a"], dtype=pl.Categorical)})
    assert list(engine.rows(frame)) == [[{"t": NOON, "c": "a"}]]


def test_rows_that_do_not_fit_their_schema_are_refused(engine: LivePolarsEngine) -> None:
    for value in ("x", 2**70, object()):
        with pytest.raises(Invalid, match="a Int64"):
            engine.from_rows([{"a": value}], Schema.of(a="Int64"))


@pytest.mark.linux
def test_a_full_disk_is_the_plugins_failure_with_a_hint(engine: LivePolarsEngine) -> None:
    with pytest.raises(PluginFailed, match=r"No space left.*full disk"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "/dev/full"))
    with pytest.raises(PluginFailed, match="users"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "/nowhere/at/all.parquet"))
    with pytest.raises(Unsupported, match="delta"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "x", "delta"))
