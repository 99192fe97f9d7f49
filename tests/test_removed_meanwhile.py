"""A version that somebody removes while it is read is told as what it is, whatever was being done with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import NotFound
from mlforge.flow.failure import error_of
from mlforge.stores.local.store import LiveLocalStore

NOW = datetime.now(UTC).replace(microsecond=0)


def events(count):
    days = [NOW - timedelta(days=90 - d) for d in range(count)]
    rows = {"user": [1] * count, "at": days, "amount": [1.0 * d for d in range(count)]}
    pl.DataFrame(rows).write_parquet("e.parquet")


@pytest.fixture(params=["polars", "duckdb"])
def defs(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events(20)

    @mlf.feature(source="e.parquet", keys="user", timestamp="at", incremental=True)
    def spend(df):
        return df

    places = {"store": mlf.LocalStore("kept"), "online_store": mlf.SQLiteOnlineStore("online.db")}
    made = mlf.Definitions("shop", [spend], engine=request.param, **places)
    made.build(preview=False).raise_for_failure()
    return made


@pytest.fixture
def removed(defs, monkeypatch):
    """Lets somebody build another version and remove the first one, as soon as that was found whole."""
    looked = LiveLocalStore.verify

    def verify(store, artifact, relied):
        looked(store, artifact, relied)
        if artifact.meta.version == "1.0.0":
            monkeypatch.setattr(LiveLocalStore, "verify", looked)
            defs.build(preview=False, full_refresh=True, force=True).raise_for_failure()
            defs.prune("spend", keep=1)

    return lambda: monkeypatch.setattr(LiveLocalStore, "verify", verify)


def spine():
    return pl.DataFrame({"user": [1], "at": [NOW]})


def build(defs):
    events(25)
    defs.build(preview=False).raise_for_failure()


def replay(defs):
    """A replay goes on with the other features where one fails."""
    if failure := defs.replay("spend")["spend"].failure:
        raise error_of(failure, "spend")


DOING = {
    "read": lambda defs: defs.read("spend"),
    "train": lambda defs: defs.get_training_data(spine(), "spend"),
    "build": build,
    "publish": lambda defs: defs.publish("spend").raise_for_failure(),
    "explain": lambda defs: defs.explain("spend", {"user": 1}),
    "drift": lambda defs: defs.drift("spend", since="7d"),
    "replay": replay,
}


@pytest.mark.parametrize("doing", DOING)
def test_a_version_that_is_removed_while_it_is_read_is_told_with_what_is_there(defs, removed, doing):
    if doing == "replay":
        defs.publish("spend").raise_for_failure()
    removed()
    with pytest.raises(NotFound, match=r"'spend' 1\.0\.0 was removed while it was read") as caught:
        DOING[doing](defs)
    assert "1.0.1" in caught.value.hint
    if doing != "replay":
        DOING[doing](defs)
