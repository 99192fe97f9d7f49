"""DuckDB from outside: strangers' words, settings in a profile, and what is said where it cannot do what is asked."""

from pathlib import Path

import polars as pl
import pytest

RELATION = """
import duckdb

@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d", engine="duckdb",
             metrics=[mlf.Share("amount", "hours", windows=["7d"])], validators={"email": [v.is_email()]})
def spend(df: duckdb.DuckDBPyRelation):
    return df
"""
IN_POLARS = """
import duckdb

@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", engine="duckdb")
def spend(df: duckdb.DuckDBPyRelation):
    return {frame}
"""
WIDE = """
import duckdb

@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1h",
             metrics=[mlf.Sum("amount", windows=["1d"]), mlf.Median("amount", windows=["1d"])])
def spend(df: duckdb.DuckDBPyRelation):
    return df.query("df", "SELECT i AS user_id, event_time, amount FROM df, range(300_000) r(i)")
"""
PANDAS = """
import pandas as pd

@mlf.feature(source="events.parquet", keys="user_id", engine="duckdb")
def spend(df: pd.DataFrame):
    return df
"""
PROFILES = """
default_profile: dev
profiles:
  dev:
    offline_store: {{KIND: local, path: store}}
    engine: {{KIND: duckdb, memory_limit: {limit}, threads: 2, temp_directory: scratch}}
"""
PROFILED = "defs = mlf.Definitions('shop', features=[spend])"


def test_a_strangers_metric_and_validator_run_on_it(house):
    house.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 4.0], hours=[2.0, 1.0, 0.0], email=["a@b.c", "d@e.f", "g@h.i"])
    house.define(RELATION)
    assert "leaked" not in house.built().stderr
    found = {(row["user_id"], row["event_time"].day): row["amount_per_hours_7d"] for row in house.read().to_dicts()}
    assert found[1, 2] == 0.5
    assert found[1, 4] == 1.0
    assert found[2, 3] is None
    house.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 4.0], hours=[2.0, 1.0, 0.0], email=["a@b.c", "nobody", "g@h.i"])
    house.refused("build", says=["is_email", "nobody"])


@pytest.mark.parametrize(
    "frame", ["pl.DataFrame(df)", "df.pl()", "df.pl(lazy=True)", "pl.from_arrow(df.to_arrow_table())"]
)
def test_nothing_of_a_relation_that_a_function_turned_into_polars_outlives_duckdb(house, frame):
    house.define(IN_POLARS.format(frame=frame))
    assert "leaked" not in house.built().stderr


def test_a_profile_sets_its_memory_threads_and_folder(house):
    house.define(WIDE, PROFILED)
    (house.root / "mlforge.yaml").write_text(PROFILES.format(limit="1GB"))
    house.built("--no-preview")
    assert house.read().height == 1_800_000
    assert list((house.root / "scratch").iterdir()) == []


def test_too_little_memory_is_one_clear_error_and_leaves_nothing_behind(house):
    house.define(WIDE, PROFILED)
    (house.root / "mlforge.yaml").write_text(PROFILES.format(limit="8MB"))
    house.refused("build", says=["spend", "ran out of memory", "memory_limit"])
    assert list((house.root / "scratch").iterdir()) == []
    assert [p.name for p in Path(house.root, "store").rglob("*.parquet")] == []


def test_a_frame_that_it_does_not_hand_out_is_refused_by_name(house):
    house.define(PANDAS)
    house.refused("build", says=["spend", "pandas", "duckdb.DuckDBPyRelation"])


@pytest.mark.parametrize("setting", ["memory_limit: much", "threads: 0", "cores: 3"])
def test_a_setting_that_cannot_be_is_refused(house, setting):
    house.define(WIDE, PROFILED)
    text = PROFILES.format(limit="1GB").replace("threads: 2", setting).replace("memory_limit: 1GB, memory", "memory")
    (house.root / "mlforge.yaml").write_text(text)
    house.refused("build", says=setting.split(":")[0])


def test_both_engines_build_the_same(house):
    house.built("--engine", "polars")
    polars = house.read()
    house.built("--engine", "duckdb", "--force")
    assert house.read("spend", "1.0.1").equals(polars, null_equal=True)
    assert isinstance(polars, pl.DataFrame)
