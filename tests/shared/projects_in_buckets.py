"""A project whose store is a bucket, from the command line and from Python, with both engines.

What a person does is the same whichever service the bucket is of: the tests of each subclass `ProjectTests`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec
import polars as pl
import pytest

import mlforge as mlf
from mlforge.cli.app import run

PROFILES = """
profiles:
  dev:
    engine: {engine}
    offline_store: {{{bucket}, prefix: {prefix}, endpoint_url: "${{oc.env:URL}}"}}
    online_store: {{KIND: sqlite, path: online.db}}
  here:
    offline_store: {{KIND: local, path: here}}
  other:
    offline_store: {{{bucket}, prefix: {prefix}/other, endpoint_url: "${{oc.env:URL}}"}}
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


def events(until):
    days = range(1, until + 1)
    pl.DataFrame(
        {"user": [d % 2 for d in days], "amount": [float(d) for d in days], "at": [day(d) for d in days]}
    ).sort("at").write_parquet("events.parquet")


def told(capsys, *words):
    """What a command prints; it must succeed."""
    assert run(list(words)) == 0, capsys.readouterr()
    return capsys.readouterr().out


def rows_of(store, engine):
    """The rows of each version that readers get."""
    reader = mlf.Definitions("reader", store=store, engine=engine)
    return [reader.read("spend", version).rows() for version in ("1.0.0", "1.0.1")]


class ProjectTests:
    """What a project does whose store is the bucket of a service; the fixture `store_of` makes its settings."""

    settings: str
    """What `mlforge.yaml` says of the store besides the bucket, where in it, and where the service answers."""

    @pytest.fixture(params=["polars", "duckdb"])
    def shop(self, request, store_of, tmp_path, monkeypatch):
        """A project in a folder, with its store in a bucket."""
        config = store_of(tmp_path)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("URL", config.endpoint_url)
        monkeypatch.setenv("MLFORGE_PROFILE", "dev")
        Path("definitions.py").write_text(SHOP)
        bucket = f"{self.settings}, bucket: {config.bucket}"
        Path("mlforge.yaml").write_text(PROFILES.format(engine=request.param, bucket=bucket, prefix=config.prefix))
        return config, request.param

    def test_a_project_is_built_looked_at_trained_on_and_published_from_a_bucket(self, shop, capsys):
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

    def test_what_an_engine_gives_is_there_when_the_store_is_closed(self, shop, capsys):
        config, engine = shop
        events(4)
        assert run(["build", "-v"]) == 0
        (uploaded,) = re.findall(r"spend: uploading (\d+) of (\d+) kB … ", capsys.readouterr().err)
        assert len(set(uploaded)) == 1
        rows = mlf.Definitions("reader", store=config, engine=engine).read("spend")
        assert len(rows.pl() if engine == "duckdb" else rows) == 8
        if engine == "duckdb":
            spine = duckdb.sql("SELECT 0 AS user, TIMESTAMPTZ '2026-01-05 12:00:00+00' AS label")
            answer = mlf.get_training_data(spine, "spend", store=config, engine=engine)
            assert answer.pl()["amount__sum__7d"].to_list() == [6.0]

    @pytest.mark.parametrize("shop", ["polars"], indirect=True)
    def test_a_store_is_copied_out_of_a_bucket_and_into_another(self, shop, capsys):
        config, engine = shop
        for until in (4, 6):
            events(until)
            told(capsys, "build")
        told(capsys, "rollback", "spend", "1.0.0")
        for source, target in (("dev", "here"), ("here", "other")):
            assert told(capsys, "store", "copy", source, target) == "2 versions copied, 0 were there.\n"
            assert told(capsys, "store", "copy", source, target) == "0 versions copied, 2 were there.\n"
            assert told(capsys, "store", "verify", "--profile", target).endswith("all as it should be.\n")
        stores = config, mlf.LocalStore("here"), msgspec.structs.replace(config, prefix=f"{config.prefix}/other")
        kept = []
        for store in stores:
            with store.open() as live:
                metas = [live.get("spend", version).meta for version in live.versions("spend")]
                kept.append((live.latest("spend"), metas, rows_of(store, engine)))
        assert kept[0][0] == "1.0.0"
        assert kept == [kept[0]] * 3

    @pytest.mark.parametrize("shop", ["polars"], indirect=True)
    def test_numbers_of_removed_versions_are_passed_over(self, shop, capsys):
        config, engine = shop
        for until in (4, 6, 8):
            events(until)
            told(capsys, "build")
        told(capsys, "build", "--since", "2026-01-07", "--version", "2.0.0")  # is read from 1.0.1 and 1.0.2
        told(capsys, "rollback", "spend", "1.0.0")
        told(capsys, "versions", "spend", "--prune", "--keep", "1")
        assert "built   1.0.3" in told(capsys, "build", "--full-refresh")
        assert run(["build", "--full-refresh", "--version", "1.0.2"]) == 1
        assert "had a version 1.0.2, whose data newer versions use" in capsys.readouterr().out
        assert told(capsys, "store", "verify").endswith("all as it should be.\n")
        reader = mlf.Definitions("reader", store=config, engine=engine)
        rows = [sorted(reader.read("spend", version).rows()) for version in ("1.0.3", "2.0.0")]
        assert rows[0] == rows[1]
