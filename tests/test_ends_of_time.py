"""Events in the last and the first days there are, and times that never come: built right, or refused when built."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest

import mlforge as mlf

ENGINES = ["polars", "duckdb"]
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)


def project(tmp_path, engine, **more):
    @mlf.feature(source=str(tmp_path / "x.parquet"), keys="k", timestamp="t", **more)
    def f(df):
        return df

    stores = {"offline_store": mlf.LocalStore(tmp_path / "s"), "online_store": mlf.SQLiteOnlineStore(tmp_path / "o.db")}
    return mlf.Definitions("p", features=[f], engine=engine, **stores)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("interval", [None, "1d"])
def test_an_event_in_the_last_days_is_built_explained_published_and_read(tmp_path, engine, interval):
    times = [FIRST, datetime(2025, 1, 1, 12, tzinfo=UTC), LAST - timedelta(days=2), LAST]
    pl.DataFrame({"k": [1] * 4, "t": times, "v": [1, 2, 4, 8]}).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine, interval=interval, metrics=mlf.Sum("v", "7d", name="s"))
    defs.build(preview=True).raise_for_failure()
    rows = defs.read("f")
    stamps = (rows if isinstance(rows, pl.DataFrame) else rows.pl())["t"].to_list()
    assert stamps == sorted(stamps)
    assert stamps[-1] <= LAST
    spine = pl.DataFrame({"k": [1, 1, 1], "at": [FIRST + timedelta(days=1), datetime(2025, 1, 3, tzinfo=UTC), LAST]})
    assert defs.get_training_data(spine, features=["f"])["s_7d"].to_list() == [1, 2, 4 if interval else 12]
    for at in spine["at"]:
        explained = defs.explain("f", {"k": 1}, at=at)
        assert explained.values[0].agrees is True
        assert str(explained)
    assert [r.status for r in defs.publish()] == ["published"]
    assert defs.get_online_features("f", [{"k": 1}])[0]["s_7d"] == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "value", ["TIMESTAMP 'infinity'", "DATE '-infinity'", "TIMESTAMPTZ 'infinity'", "DATE '5000000-01-01'"]
)
@pytest.mark.parametrize("column", ["t", "valid_to"])
def test_a_time_that_never_comes_is_refused_as_out_of_range_not_as_null(tmp_path, engine, value, column):
    other = "valid_to" if column == "t" else "t"
    query = f"SELECT 1 AS k, {value} AS {column}, TIMESTAMP '2025-01-01' AS {other}"
    duckdb.connect().execute(f"COPY ({query}) TO '{tmp_path / 'x.parquet'}'")
    failure = project(tmp_path, engine).build()["f"].failure
    assert failure.kind == "Invalid"
    assert "out of range: times lie in the years 1 to 9999" in failure.message
    assert column in failure.message or "DATE" in value
    assert failure.hint


@pytest.mark.parametrize("engine", ENGINES)
def test_for_ever_as_the_last_day_is_a_value_like_any(tmp_path, engine):
    row = {"k": [1], "t": [datetime(2025, 1, 1, tzinfo=UTC)], "valid_to": [LAST], "day": [date(9999, 12, 31)]}
    pl.DataFrame(row).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine)
    defs.build(preview=True).raise_for_failure()
    assert defs.explain("f", {"k": 1}).status == "row"
    assert [r.status for r in defs.publish()] == ["published"]
    assert defs.get_online_features("f", [{"k": 1}])[0]["valid_to"] == LAST


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("column", ["t", "valid_to"])
@pytest.mark.parametrize(("number", "shown"), [(2**62, f"{2**62} ms after 1970"), (2**63 - 1, "infinity")])
def test_a_time_that_microseconds_do_not_hold_is_refused_by_column_and_row(tmp_path, engine, column, number, shown):
    times = {"t": [0, 0, 0], "valid_to": [0, 0, 0]} | {
        column: [0, None, number] if column == "valid_to" else [0, 1, number]
    }
    frame = pl.DataFrame({"k": [1, 2, 3]} | times)
    frame.with_columns(pl.col("t", "valid_to").cast(pl.Datetime("ms"))).write_parquet(tmp_path / "x.parquet")
    failure = project(tmp_path, engine).build()["f"].failure
    assert f"Column {column!r}: {shown} in row 2 is out of range: times lie in the years 1 to 9999." in failure.message


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/St_Johns", "Pacific/Apia", "UTC"])
def test_the_clocks_of_a_zone_show_the_same_in_training_and_serving_at_the_ends(tmp_path, engine, zone):
    parts = {p: getattr(mlf.col("until"), p)(zone) for p in ("year", "quarter", "month", "day", "weekday", "hour")}
    until = [FIRST, FIRST + timedelta(hours=20), LAST - timedelta(hours=20), LAST]
    pl.DataFrame({"k": range(4), "t": [FIRST] * 4, "until": until}).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine, derived=parts)
    defs.build(quality=False).raise_for_failure()
    defs.publish().raise_for_failure()
    trained = defs.get_training_data(pl.DataFrame({"k": range(4), "at": [LAST] * 4}), "f").select(*parts).rows()
    served = defs.get_online_features("f", [{"k": k} for k in range(4)])
    assert [tuple(row[part] for part in parts) for row in served] == trained
    assert [result.ok for result in defs.replay()] == [True]
    told = defs.explain("f", {"k": 3}, at=LAST, columns=list(parts))
    assert [(value.answer, value.agrees) for value in told.values] == [(value, True) for value in trained[3]]
