"""A project whose store is a bucket, from the command line and from Python, with both engines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

import mlforge as mlf
from mlforge.cli.app import run

pytestmark = pytest.mark.linux  # its server has no wheel for others

PROFILE = """
profiles:
  dev:
    engine: {engine}
    offline_store: {{KIND: gcs, anonymous: true, bucket: {bucket}, prefix: {prefix}, endpoint_url: "${{oc.env:URL}}"}}
    online_store: {{KIND: sqlite, path: online.db}}
"""
SHOP = """
import mlforge as mlf

@mlf.feature(source="events.parquet", keys="user", timestamp="at", interval="1d", tags=["daily"], incremental=True,
             metrics=[mlf.Sum("amount", windows=["7d"])])
def spend(df):
    return df

defs = mlf.Definitions("shop", features=[spend])
"""


def day(number):
    return datetime(2026, 1, number, 12, tzinfo=UTC)


@pytest.fixture(params=["polars", "duckdb"])
def shop(request, store_of, tmp_path, monkeypatch):
    """A project in a folder, with its store in a bucket."""
    config = store_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URL", config.endpoint_url)
    monkeypatch.setenv("MLFORGE_PROFILE", "dev")
    Path("definitions.py").write_text(SHOP)
    text = PROFILE.format(engine=request.param, bucket=config.bucket, prefix=config.prefix)
    Path("mlforge.yaml").write_text(text)
    return config, request.param


def events(until):
    days = range(1, until + 1)
    pl.DataFrame(
        {"user": [d % 2 for d in days], "amount": [float(d) for d in days], "at": [day(d) for d in days]}
    ).sort("at").write_parquet("events.parquet")


def told(capsys, *words):
    """What a command prints; it must succeed."""
    assert run(list(words)) == 0, capsys.readouterr()
    return capsys.readouterr().out


def test_a_project_is_built_looked_at_trained_on_and_published_from_a_bucket(shop, capsys):
    config, engine = shop
    for until, version in ((4, "1.0.0"), (6, "1.0.1")):
        events(until)
        (result,) = json.loads(told(capsys, "build", "--json"))["results"]
        assert (result["status"], result["version"], result["engine"]) == ("built", version, engine)
    assert "unchanged" in told(capsys, "build")
    assert "spend" in told(capsys, "list")
    assert version in told(capsys, "inspect", "spend")
    assert "1.0.0" in told(capsys, "versions", "spend")
    spine = pl.DataFrame({"user": [0, 1, 9], "label": [day(5), day(7), day(7)]})
    frame, lock = mlf.get_training_data(spine, "spend", store=config, engine=engine, with_lock=True)
    assert frame["amount__sum__7d"].to_list() == [6.0, 9.0, None]
    assert mlf.get_training_data(spine, lock, store=config, engine=engine).equals(frame)
    assert "spend" in told(capsys, "publish", "spend")
    assert told(capsys, "replay", "spend")
    assert told(capsys, "explain", "spend", "--key", "user=1", "--at", "2026-01-07T12:00:00Z")
    assert told(capsys, "rollback", "spend", "1.0.0")
    assert told(capsys, "versions", "spend", "--prune", "--keep", "1")
    assert mlf.get_training_data(spine, "spend", store=config, engine=engine)["amount__sum__7d"].to_list() == [
        6.0, 4.0, None,
    ]  # fmt: skip


def test_what_an_engine_gives_is_there_when_the_store_is_closed(shop, capsys):
    config, engine = shop
    events(4)
    told(capsys, "build")
    rows = mlf.Definitions("reader", store=config, engine=engine).read("spend")
    assert len(rows.pl() if engine == "duckdb" else rows) == 8
    if engine == "duckdb":
        spine = duckdb.sql("SELECT 0 AS user, TIMESTAMPTZ '2026-01-05 12:00:00+00' AS label")
        answer = mlf.get_training_data(spine, "spend", store=config, engine=engine)
        assert answer.pl()["amount__sum__7d"].to_list() == [6.0]
