"""What is built on top of an earlier version is what a full build gives, and parts lie in the order of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession

import mlforge as mlf

START = datetime(2025, 3, 1, 10, tzinfo=UTC)


def events(days: int) -> pl.DataFrame:
    """Four users' payments, one a day each, the last of which are new."""
    rows = [(f"user {user}", START + timedelta(days=day, hours=user), day * user / 7) for user in range(4)
            for day in range(days)]  # fmt: skip
    return pl.DataFrame(rows, {"user": pl.String, "at": pl.Datetime("us", "UTC"), "amount": pl.Float64}, orient="row")


@pytest.fixture
def shop(tmp_path: Path, session: SparkSession) -> mlf.Definitions:
    """A project of which the first five days have been built."""
    events(5).write_parquet(tmp_path / "events.parquet")

    @mlf.feature(
        source=str(tmp_path / "events.parquet"), keys="user", timestamp="at", interval="1d", engine="pyspark",
        metrics=[mlf.Sum("amount", windows=["1d", "3d"]), mlf.Aggregate("amount", "median", windows=["3d"])],
    )  # fmt: skip
    def spend(payments: DataFrame) -> DataFrame:
        return payments

    kept = mlf.LocalStore(str(tmp_path / "store"))
    defs = mlf.Definitions("shop", features=[spend], offline_store=kept, engine="pyspark")
    defs.build(quality=False).raise_for_failure()
    return defs


def rows_of(shop: mlf.Definitions) -> list[tuple[object, ...]]:
    """The rows of the latest version, in their order."""
    return [tuple(row) for row in shop.read("spend").collect()]


def test_an_increment_gives_what_a_full_build_gives(shop: mlf.Definitions, tmp_path: Path) -> None:
    before = rows_of(shop)
    events(7).write_parquet(tmp_path / "events.parquet")
    shop.build(since="2025-03-06", quality=False).raise_for_failure()
    assert len(shop.metadata("spend").parts) > 1
    rows = rows_of(shop)
    shop.build(full_refresh=True, quality=False).raise_for_failure()
    assert len(shop.metadata("spend").parts) == 1
    assert rows == rows_of(shop)
    assert len(rows) > len(before)


@pytest.fixture
def many_parts(session: SparkSession) -> Iterator[None]:
    """The session spreads rows over four partitions, however few there are."""
    settings = {"spark.sql.shuffle.partitions": "4", "spark.sql.adaptive.coalescePartitions.enabled": "false"}
    before = {name: session.conf.get(name) for name in settings}
    for name, value in settings.items():
        session.conf.set(name, value)
    yield
    for name, old in before.items():
        session.conf.set(name, old)


@pytest.mark.usefixtures("many_parts")
def test_parts_lie_in_the_order_of_keys_and_stamps(shop: mlf.Definitions) -> None:
    shop.build(force=True, full_refresh=True, quality=False).raise_for_failure()
    with shop.offline_store.open() as store:
        places = store.get("spend", shop.metadata("spend").version).uris
    parts = [pl.read_parquet(part, columns=["user", "at"]).rows() for part in places]
    assert len(parts) > 1
    assert all(before[-1] < after[0] for before, after in pairwise(parts))
    assert all(rows == sorted(rows) for rows in parts)
    with mlf.PolarsEngine().open() as engine, shop.offline_store.open() as store:
        read = engine.read_version(store.get("spend", shop.metadata("spend").version))
        rows = [(row["user"], row["at"]) for batch in engine.rows(read) for row in batch]
    assert rows == [row for part in parts for row in part]
