"""Hundreds of metrics take as long as their number asks for, to build, to read and to train with, on every engine."""

from __future__ import annotations

import time
from datetime import datetime

import polars as pl
import pytest

import mlforge as mlf

FEW, MANY = 75, 300
ROOM = 1.9
"""How much more than in proportion is still let pass: what is compared are times. Growth by the square is 4."""

FLOOR = 1.5  # seconds: less than this is not much, however it grew; by the square it was 2 to 90
WINDOWED = {"sum": mlf.Sum, "std": mlf.Std, "median": mlf.Median, "min": mlf.Min}


def definitions(folder, engine, metrics, width):
    """A feature of these metrics over two rows of so many columns."""
    source = folder / f"{engine}-{len(metrics)}.parquet"
    columns = {f"c{i}": [i + 0.5, 2.0] for i in range(width)}
    pl.DataFrame({"k": [1, 1], "t": [datetime(2025, 1, 1), datetime(2025, 1, 2)], **columns}).write_parquet(source)

    @mlf.feature(source=str(source), keys="k", timestamp="t", metrics=metrics)
    def wide(df: pl.DataFrame) -> pl.DataFrame:
        return df

    store = mlf.LocalStore(folder / f"store-{engine}-{len(metrics)}")
    return mlf.Definitions("many", features=[wide], engine=engine, offline_store=store)


def seconds(work):
    """What a piece of work costs the processor."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measured_anew(tmp_path):
    """Folders to measure in, one after the other: what else the processor does may make one of three too long."""
    for name in ("first", "second", "third"):
        folder = tmp_path / name
        folder.mkdir()
        yield folder


def is_in_proportion(few, many):
    return many <= max(FLOOR, few * MANY / FEW * ROOM)


def assert_in_proportion(few, many):
    assert is_in_proportion(few, many), f"{FEW} take {few:.2f} s, and {MANY} take {many:.2f} s"


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("aggregation", WINDOWED)
def test_a_build_grows_in_proportion_to_its_columns(tmp_path, engine, aggregation):
    metric, taken = WINDOWED[aggregation], {}
    for folder in measured_anew(tmp_path):
        for number in (3, FEW, MANY):  # the first is to import what is needed
            defs = definitions(folder, engine, [metric(f"c{i}", "1d", name=f"m{i}") for i in range(number)], number)
            taken[number] = seconds(lambda defs=defs: defs.build().raise_for_failure())
        if is_in_proportion(taken[FEW], taken[MANY]):
            break
    assert_in_proportion(taken[FEW], taken[MANY])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_reading_and_training_grow_in_proportion_to_their_columns(tmp_path, engine):
    spine = pl.DataFrame({"k": [1, 1], "at": [datetime(2025, 1, 2), datetime(2025, 1, 3)]})
    read, trained = {}, {}
    for number in (3, FEW, MANY):
        defs = definitions(tmp_path, engine, [mlf.Sum(f"c{i}", "1d", name=f"m{i}") for i in range(number)], number)
        defs.build().raise_for_failure()
        read[number] = seconds(lambda defs=defs: defs.read("wide"))
        trained[number] = seconds(lambda defs=defs: defs.get_training_data(spine, ["wide"], timestamp="at"))
    assert_in_proportion(read[FEW], read[MANY])
    assert_in_proportion(trained[FEW], trained[MANY])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("aggregation", ["sum", "min"])
def test_a_build_grows_in_proportion_to_its_windows(tmp_path, engine, aggregation):
    """Each window has rows of its own and a column, so that what is written grows by the square, and is not much."""
    metric, taken = WINDOWED[aggregation], {}
    for number in (3, FEW, MANY):
        metrics = [metric("c0", f"{i + 1}h", name=f"m{i}") for i in range(number)]
        defs = definitions(tmp_path, engine, metrics, 1)
        taken[number] = seconds(lambda defs=defs: defs.build().raise_for_failure())
    assert_in_proportion(taken[FEW], taken[MANY])
    found = defs.read("wide")
    found = found.pl() if hasattr(found, "pl") else found
    assert found.width == MANY + 2
    assert found.height == MANY + 24 + 1  # an hour each, from the first event until the second left the last window
    nothing = 0.0 if aggregation == "sum" else None
    assert found.sort("t").select("m0_1h", "m299_300h").row(-1) == (nothing, nothing)
    both = 2.5 if aggregation == "sum" else 0.5
    assert found.filter(pl.col("t").dt.epoch("s") == 1_735_776_000)["m299_300h"].item() == both
