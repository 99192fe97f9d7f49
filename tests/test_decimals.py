"""Sums of decimals are decimals, exact to the last digit: built, grown, joined, explained, published and served."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import polars as pl
import pytest

import mlforge as mlf
from mlforge_serve.answers import FORMATS

ENGINES = ["polars", "duckdb"]
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LONG = Decimal("123456789012345678901234567890.05")
AMOUNTS = [Decimal("0.10"), Decimal("0.20"), Decimal("-0.30"), LONG]
METRICS = [
    mlf.Sum("amount", "30d", name="total"),
    mlf.Mean("amount", "30d", name="mean"),
    mlf.Max("amount", "30d", name="most"),
]


def write(tmp_path, amounts):
    times = [NOON + i * DAY for i in range(len(amounts))]
    frame = pl.DataFrame({"k": 1, "t": times, "amount": pl.Series(amounts, dtype=pl.Decimal(38, 2))})
    frame.write_parquet(tmp_path / "x.parquet")


def project(tmp_path, engine, online_store=None, **more):
    @mlf.feature(source=str(tmp_path / "x.parquet"), keys="k", timestamp="t", metrics=METRICS, **more)
    def spend(df):
        return df

    store = mlf.LocalStore(tmp_path / "store")
    return mlf.Definitions("p", features=[spend], engine=engine, offline_store=store, online_store=online_store)


def totals(defs):
    rows = defs.read("spend")
    frame = rows if isinstance(rows, pl.DataFrame) else rows.pl()
    return frame["total_30d"].to_list(), frame.schema["total_30d"]


@pytest.mark.parametrize("engine", ENGINES)
def test_built_joined_and_explained_they_are_exact(tmp_path, engine):
    write(tmp_path, AMOUNTS)
    defs = project(tmp_path, engine)
    defs.build().raise_for_failure()
    found, dtype = totals(defs)
    assert dtype == pl.Decimal(38, 2)
    assert found[:4] == [Decimal("0.10"), Decimal("0.30"), Decimal("0.00"), LONG]
    row = defs.get_training_data(pl.DataFrame({"k": [1], "at": [NOON + 2 * DAY]}), features=["spend"]).row(
        0, named=True
    )
    assert (row["total_30d"], row["mean_30d"], row["most_30d"]) == (Decimal("0.00"), 0.0, Decimal("0.20"))
    explained = defs.explain("spend", {"k": 1}, at=NOON + 3 * DAY)
    value = next(v for v in explained.values if v.column == "total_30d")
    assert (value.stored, value.recomputed, value.agrees) == (LONG, LONG, True)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_increment_gives_what_a_whole_build_gives(tmp_path, engine):
    write(tmp_path, AMOUNTS[:2])
    defs = project(tmp_path, engine, incremental=True)
    defs.build().raise_for_failure()
    write(tmp_path, AMOUNTS)
    defs.build().raise_for_failure()
    grown = totals(defs)
    defs.build(full_refresh=True).raise_for_failure()
    assert totals(defs) == grown
    assert grown[0][3] == LONG


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sum_that_has_more_than_38_digits_fails_the_build(tmp_path, engine):
    write(tmp_path, [Decimal(f"{'9' * 36}.99"), Decimal("0.01")])
    failure = project(tmp_path, engine).build()["spend"].failure
    assert failure.kind == "Invalid"
    assert "total_30d: overflow: a sum does not fit 38 digits" in failure.message
    assert failure.hint


@pytest.mark.parametrize("engine", ENGINES)
def test_published_they_are_read_digit_by_digit(tmp_path, engine, online_config):
    write(tmp_path, AMOUNTS)
    defs = project(tmp_path, engine)
    defs.build().raise_for_failure()
    served = project(tmp_path, engine, online_store=online_config)
    assert [r.status for r in served.publish(as_of=NOON + 3 * DAY)] == ["published"]
    (row,) = served.get_online_features("spend", [{"k": 1}])
    assert (row["total_30d"], type(row["total_30d"])) == (LONG, Decimal)
    assert row["most_30d"] == LONG


def test_over_http_they_are_text_with_all_their_digits():
    as_json, as_messagepack = FORMATS
    assert as_json.row(["total"], [LONG]) == f'{{"total":"{LONG}"}}'.encode()
    assert msgspec.msgpack.decode(as_messagepack.row(["total"], [LONG])) == {"total": str(LONG)}
