"""Polars' own types and frames are held as what they mean, and messages say how either library makes another of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.meta import Target
from mlforge.model.timestamp import Timestamp

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
SHAPE = Shape((Key("k"),))
MAKES_TIMES = {"polars": r"pl\.from_epoch", "duckdb": "make_timestamp"}
CLOCK = {"polars": "is Time", "duckdb": "is TIME"}
BEYOND = {"polars": f"{2**62} ms after 1970 in row 1", "duckdb": f"{2**62} in row 1"}


def hold_times(engine, values: pl.Series) -> None:
    engine.conform(pl.DataFrame({"t": values}).with_row_index("k"), Shape((Key("k"),), Timestamp("t")))


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["a", "b"])], ids=["Categorical", "Enum"])
def test_categories_are_held_as_strings(engine, in_polars, dtype) -> None:
    given = pl.DataFrame({"k": ["b", "a"], "c": ["a", None]}, schema={"k": dtype, "c": dtype})
    frame = in_polars(engine.conform(given, SHAPE).frame)
    assert frame.schema == {"k": pl.String, "c": pl.String}
    assert frame.rows() == [("b", "a"), ("a", None)]


@pytest.mark.parametrize("values", [[1706702400], [1.5]], ids=["integers", "floats"])
def test_numbers_are_no_times_and_the_hint_makes_them_some(engine, library, values) -> None:
    with pytest.raises(Invalid, match=MAKES_TIMES[library]):
        hold_times(engine, pl.Series(values))


def test_clock_times_are_no_instants(engine, library) -> None:
    with pytest.raises(Invalid, match=CLOCK[library]):
        hold_times(engine, pl.Series([time(12)]))


def test_a_time_beyond_what_microseconds_hold_is_shown_with_its_row(engine, library) -> None:
    with pytest.raises(Invalid, match=BEYOND[library]):
        hold_times(engine, pl.Series([0, 2**62], dtype=pl.Datetime("ms")))


def test_a_lazy_frame_is_held_and_a_duplicate_is_counted(engine) -> None:
    held = engine.conform(pl.LazyFrame({"k": [1, None, 1]}), SHAPE)
    assert (held.rows, held.null_keys) == (3, 1)
    with pytest.raises(Invalid, match=r"2 rows share their k with another, such as k=1\."):
        engine.settle(held.frame, SHAPE)


def test_surrogate_keys_are_those_of_python_for_repeated_null_and_odd_values(engine, in_polars) -> None:
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
    assert in_polars(derived)["key"].to_list() == [surrogate_key(*row) for row in pl.DataFrame(columns).rows()]


def test_rows_of_a_lazy_frame_that_is_not_held_come_as_instants_in_utc(engine) -> None:
    frame = pl.LazyFrame({"t": [NOON.replace(tzinfo=None)], "c": pl.Series(["a"], dtype=pl.Categorical)})
    assert list(engine.rows(frame)) == [[{"t": NOON, "c": "a"}]]


@pytest.mark.linux
def test_a_full_disk_is_the_plugins_failure_with_a_hint(engine) -> None:
    with pytest.raises(PluginFailed, match=r"No space left.*full disk"):
        engine.write(pl.DataFrame({"a": [1]}), Target("users", "/dev/full"))
