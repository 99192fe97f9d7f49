"""The online verbs as people use them: on the command line, on definitions, with tables of every kind."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.conftest import House

import mlforge as mlf
from mlforge.errors import Invalid, NotFound, Unsupported
from mlforge.plugin import decode_entry, encode_entry

ONLINE = """
defs = mlf.Definitions(
    "shop", features=[spend, plan], store=mlf.LocalStore("store"), online_store=mlf.SQLiteOnlineStore("online.db")
)
"""
SPEND = """
@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d", tags=["daily"],
             metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Count(windows="7d", name="events")])
def spend(df):
    return df

@mlf.feature(source="events.parquet", keys="user_id")
def plan(df):
    return df.group_by("user_id").agg(pl.col("amount").max().alias("dearest"))
"""
OF_ONE = {"amount__sum__1d": 0.0, "amount__sum__7d": 0.0, "events_7d": 0, "dearest": 2.0}


@pytest.fixture
def online(house):
    """The house with two features and an online store."""
    house.define(SPEND, ONLINE)
    return house


@pytest.fixture(scope="session")
def first_kept(tmp_path_factory):
    """The same, built once; not to be changed."""
    house = House(tmp_path_factory.mktemp("kept") / "shop")
    house.define(SPEND, ONLINE)
    house.built()
    return house


@pytest.fixture(scope="session")
def first_publish(first_kept, tmp_path_factory):
    """The same, built and published once; not to be changed."""
    house = House(tmp_path_factory.mktemp("served") / "shop", like=first_kept)
    assert house.mlforge("publish").returncode == 0
    return house


@pytest.fixture
def kept(first_kept, tmp_path):
    """A house of one's own that was just built."""
    return House(tmp_path / "shop", like=first_kept)


@pytest.fixture
def served(first_publish, tmp_path):
    """A house of one's own that was just built and published."""
    return House(tmp_path / "shop", like=first_publish)


@pytest.fixture
def defs(served, monkeypatch):
    """Its definitions."""
    monkeypatch.chdir(served.root)
    return mlf.Definitions(
        "shop", store=mlf.LocalStore("store"), online_store=mlf.SQLiteOnlineStore("online.db"), root=served.root
    )


def rows_of(done):
    return {
        line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.startswith(("spend", "plan"))
    }


def test_build_publishes_what_it_built_and_what_had_not_changed(online):
    done = online.built("--online", "--no-preview")
    assert "2 built" in done.stdout
    assert "2 published" in done.stdout
    done = online.built("--online", "--no-preview")
    assert "2 unchanged" in done.stdout
    assert "1 published, 1 unchanged" in done.stdout


def test_publish_says_what_it_wrote_and_how_fast(kept):
    done = kept.mlforge("publish")
    assert done.returncode == 0, done.stderr
    status, version, *_, written, removed, rate, _, _ = rows_of(done)["spend"]
    assert (status, version, written, removed) == ("published", "1.0.0", "2", "0")
    assert float(rate.replace(",", "")) > 0
    assert "spend: publishing 2 rows" in done.stderr


def test_online_only_builds_nothing(kept):
    kept.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 8.0])
    done = kept.mlforge("build", "--online-only")
    assert done.returncode == 0, done.stderr
    assert rows_of(done)["plan"][:2] == ["published", "1.0.0"]
    assert "reading" not in done.stderr


def test_online_only_publishes_a_version_by_its_number_and_takes_no_words_about_building(kept):
    kept.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 8.0])
    kept.built()
    done = kept.mlforge("build", "--online-only", "--features", "plan", "--version", "1.0.0")
    assert rows_of(done)["plan"][:2] == ["published", "1.0.0"]
    for words in (["--force"], ["--dry-run"], ["--last", "7d"]):
        kept.refused("build", "--online-only", *words, says="builds nothing")


def test_publish_as_of_an_instant_and_never_back(kept):
    done = kept.mlforge("publish", "spend", "--as-of", "2025-01-04")
    assert "2025-01-04 00:00:00 UTC" in done.stdout
    kept.refused("publish", "spend", "--as-of", "2025-01-03T23:59:59Z", says=["spend", "2025-01-04", "as-of"])
    kept.refused("publish", "spend", "--as-of", "2999-01-01", says="lies ahead")
    kept.refused("publish", "spend", "--as-of", "yesterday", says="yesterday")
    kept.refused("build", "--as-of", "2025-01-04", says="publishing")


def test_an_instant_that_is_none_is_refused_before_anything_is_built(online):
    online.refused("build", "--online", "--as-of", "yesterday", says=["yesterday", "as_of"])
    assert not (online.root / "store").exists()


def test_what_cannot_be_published_is_refused(online):
    online.refused("publish", "spend", says="not been built")
    online.refused("publish", "spnd", says=["spnd", "spend"])
    online.built()
    online.refused("publish", "spend@9.9.9", says=["9.9.9", "1.0.0"])
    online.refused("publish", "spend@1.0.0", "spend@1.0.1", says="spend")
    online.refused("publish", "spend@", says=["spend@", "1.0.0"])
    online.refused("publish", "--tags", "weekly", says="weekly")


def test_without_an_online_store_the_way_to_one_is_shown(built_house):
    for words in (
        ["publish"],
        ["build", "--online"],
        ["build", "--online-only"],
        ["replay"],
        ["rollback", "spend", "1.0.0", "--online"],
    ):
        built_house.refused(*words, says=["no online store", "online_store="])


def test_the_online_store_may_be_in_a_profile(built_house):
    (built_house.root / "mlforge.yaml").write_text(
        "default_profile: dev\nprofiles:\n  dev:\n    online_store:\n      KIND: sqlite\n      path: served/online.db\n"
    )
    done = built_house.mlforge("publish")
    assert done.returncode == 0, done.stderr
    assert (built_house.root / "served" / "online.db").exists()


@pytest.mark.parametrize(
    ("setting", "says"),
    [("path: ''", "SQLiteOnlineStore"), ("timeout: -1", "timeout"), ("pth: x", "pth"), ("timeout: soon", "timeout")],
)
def test_a_setting_that_cannot_be_is_named(house, setting, says):
    (house.root / "mlforge.yaml").write_text(
        f"default_profile: dev\nprofiles:\n  dev:\n    online_store:\n      KIND: sqlite\n      {setting}\n"
    )
    house.refused("publish", says=says)


def test_rollback_may_reach_what_is_served(kept):
    kept.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    kept.built("--online")
    done = kept.mlforge("rollback", "plan", "1.0.0", "--online")
    assert done.returncode == 0, done.stderr
    assert "served online, too" in done.stdout
    assert "--online" in done.stdout
    store = mlf.SQLiteOnlineStore(kept.root / "online.db")
    found = mlf.get_online_features("plan", [{"user_id": 2}, {"user_id": 3}], store=store)
    assert [row["dearest"] for row in found] == [4.0, None]


def test_a_rollback_that_cannot_be_served_moves_nobody(kept):
    kept.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    kept.built("--online")
    online_db = kept.root / "online.db"
    online_db.write_bytes(b"no database any more" * 100)
    kept.refused("rollback", "plan", "1.0.0", "--online", says="online.db")
    assert "readers get 1.0.1" in kept.mlforge("versions", "plan").stdout


def test_a_rollback_is_undone_where_it_was_done(kept):
    (kept.root / "mlforge.yaml").write_text(
        "profiles:\n  other:\n    online_store:\n      KIND: sqlite\n      path: other.db\n"
    )
    kept.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    kept.built()
    done = kept.mlforge("rollback", "plan", "1.0.0", "--online", "--profile", "other")
    assert "To undo it: mlforge rollback --profile other plan 1.0.1 --online" in done.stdout


def test_publish_answers_in_json(kept):
    found = json.loads(kept.mlforge("publish", "--json").stdout)
    assert found["ok"]
    assert {r["feature"]: (r["status"], r["entities"]) for r in found["results"]} == {
        "spend": ("published", 2),
        "plan": ("published", 2),
    }
    both = json.loads(kept.mlforge("build", "--online", "--json").stdout)
    assert [r["status"] for r in both["published"]] == ["published", "unchanged"]


def test_a_feature_that_fails_to_build_is_not_published_and_stops_no_other(online):
    online.define(SPEND.replace("max()", "no_such_thing()"), ONLINE)
    done = online.mlforge("build", "--online")
    assert done.returncode == 1
    assert "1 published" in done.stdout


def test_replay_finds_all_equal(served):
    done = served.mlforge("replay", "--sample", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 % of 8 values are equal." in done.stdout


def test_replay_shows_the_cells_that_differ_and_why(served):
    tamper(served.root / "online.db", "plan")
    done = served.mlforge("replay")
    assert done.returncode == 1
    assert "75.00 % of 8" not in done.stdout
    assert "87.50 % of 8 values are equal; 1 differ." in done.stdout
    assert "another value is online" in done.stdout
    found = json.loads(served.mlforge("replay", "plan", "--json").stdout)
    (difference,) = found["results"][0]["differences"]
    assert (difference["column"], difference["served"] - difference["offline"]) == ("dearest", 1.0)
    with closing(sqlite3.connect(served.root / "online.db")) as connection, connection:
        connection.execute("delete from entries where feature = 'spend'")
    assert "the entity is not online" in served.mlforge("replay", "spend").stdout


def test_replay_beyond_the_horizon_says_so_whatever_is_served(tmp_path):
    @mlf.feature(source="events.parquet", keys="user", timestamp="t", max_age="3h", online_horizon="1h")
    def last(df):
        return df

    start = datetime(2024, 2, 29, tzinfo=UTC)
    times = [start, start + timedelta(hours=4), start + timedelta(hours=4)]
    pl.DataFrame({"user": ["a", "a", "b"], "t": times, "n": [1, 2, 3]}).write_parquet(tmp_path / "events.parquet")
    defs = mlf.Definitions("p", [last], "store", "online.db", root=tmp_path)
    defs.build().raise_for_failure()
    defs.publish(as_of=start).raise_for_failure()
    report = defs.replay("last", at=start + timedelta(hours=5))
    assert len(report["last"].differences) == 2
    assert {one.why for one in report["last"].differences} == {"stale: what was published ends at 2024-02-29T01:00:00Z"}


def tamper(path, feature):
    """Add one to a value of one entity."""
    with closing(sqlite3.connect(path)) as connection, connection:
        key, data = connection.execute("select key, data from entries where feature = ? limit 1", (feature,)).fetchone()
        entry = decode_entry(data, feature, key)
        point = msgspec.structs.replace(entry.points[0], values=tuple(v + 1 for v in entry.points[0].values))
        changed = msgspec.structs.replace(entry, points=(point,))
        connection.execute(
            "update entries set data = ? where feature = ? and key = ?", (encode_entry(changed), feature, key)
        )


def test_replay_says_what_it_cannot_compare(kept):
    kept.refused("replay", says=["not been published", "No value was compared"])
    kept.mlforge("publish")
    kept.refused("replay", "--sample", "0", says="sample")
    kept.refused("replay", "nothing", says="nothing")


def test_dicts_are_answered_with_dicts(defs):
    found = defs.get_online_features(["spend", "plan"], [{"user_id": 2}, {"user_id": 9}, {"user_id": 1}])
    assert [row["dearest"] for row in found] == [4.0, None, 2.0]
    assert found[2] == {"user_id": 1, **OF_ONE}


def test_several_features_may_be_one_text(defs):
    assert defs.get_online_features("spend,plan", [{"user_id": 1}]) == [{"user_id": 1, **OF_ONE}]


def test_statuses_come_on_request(defs):
    values, statuses = defs.get_online_features("plan", [{"user_id": 1}, {"user_id": 9}], with_status=True)
    assert [row["dearest"] for row in values] == [2.0, None]
    assert statuses == [{"plan": "present"}, {"plan": "missing"}]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    "make",
    [pl.DataFrame, lambda c: pl.DataFrame(c).lazy(), pa.table, pd.DataFrame],
    ids=["polars", "lazy", "arrow", "pandas"],
)
def test_a_table_is_answered_with_a_table_of_its_kind(defs, make, engine):
    table = make({"user_id": [2, 9, 1], "note": ["a", "b", "c"]})
    found = defs.get_online_features(["plan", "spend"], table, engine=engine)
    assert type(found) is type(table)
    rows = as_rows(found)
    assert [row["note"] for row in rows] == ["a", "b", "c"]
    assert [*rows[0]] == ["user_id", "note", "dearest", "amount__sum__1d", "amount__sum__7d", "events_7d"]
    assert rows[2] == {"user_id": 1, "note": "c", **OF_ONE}
    assert rows[0]["dearest"] == 4.0
    assert pd.isna(rows[1]["dearest"])


def as_rows(table):
    frame = table.collect() if isinstance(table, pl.LazyFrame) else table
    return (
        frame.to_dict("records")
        if isinstance(frame, pd.DataFrame)
        else (frame.to_pylist() if isinstance(frame, pa.Table) else frame.to_dicts())
    )


def test_a_relation_of_duckdb_is_refused(defs):
    relation = duckdb.sql("select 2 as user_id")
    with pytest.raises(Unsupported, match="DuckDBPyRelation"):
        defs.get_online_features("plan", relation, engine="duckdb")


def test_pandas_keeps_its_index_and_integers_beside_nulls(defs):
    table = pd.DataFrame({"user_id": [2, None, 1]}, index=["x", "y", "z"])
    found = defs.get_online_features("spend", table)
    assert [*found.index] == ["x", "y", "z"]
    assert str(found["events_7d"].dtype) == "Int64"
    assert found["events_7d"].isna().tolist() == [False, True, False]


def test_no_rows_are_no_rows(defs):
    assert defs.get_online_features("plan", []) == []
    assert defs.get_online_features("plan", pl.DataFrame({"user_id": pl.Series([], dtype=pl.Int64)})).columns == [
        "user_id",
        "dearest",
    ]


def test_the_async_twin_answers_the_same(defs):
    asked = [{"user_id": 1}, {"user_id": 9}]
    assert asyncio.run(defs.aget_online_features("plan", asked)) == defs.get_online_features("plan", asked)
    table = pl.DataFrame({"user_id": [1]})
    assert asyncio.run(defs.aget_online_features("plan", table)).equals(defs.get_online_features("plan", table))
    store = mlf.SQLiteOnlineStore("online.db")
    assert asyncio.run(mlf.aget_online_features("plan", asked, store=store))[0]["dearest"] == 2.0


def test_a_reader_is_kept_and_asked_again(defs):
    with defs.online_reader(["plan"]) as reader:
        assert reader.read([{"user_id": 1}]).values == [{"dearest": 2.0}]
        assert reader.features["plan"].version == "1.0.0"


def test_several_readers_may_share_a_store(defs):
    with defs.online_store_of().open() as store:
        readers = [defs.reader_on(store, name) for name in ("plan", ["spend", "plan"])]
        assert [reader.read([{"user_id": 1}]).values[0]["dearest"] for reader in readers] == [2.0, 2.0]


def test_bad_questions_are_refused(defs):
    with pytest.raises(NotFound, match="nothing"):
        defs.get_online_features("nothing", [{"user_id": 1}])
    with pytest.raises(Invalid, match="user_id"):
        defs.get_online_features("plan", [{"user_id": "1"}])
    with pytest.raises(Invalid, match="user_id"):
        defs.get_online_features("plan", pl.DataFrame({"user": [1]}))
    with pytest.raises(Invalid, match="dearest"):
        defs.get_online_features("plan", pl.DataFrame({"user_id": [1], "dearest": [1]}))
    with pytest.raises(Invalid, match="user_id"):
        defs.get_online_features("plan", pl.DataFrame({"user_id": ["1"]}))
    with pytest.raises(Invalid):
        defs.get_online_features([], [{"user_id": 1}])
    with pytest.raises(Invalid, match="plan@"):
        defs.get_online_features("plan@", [{"user_id": 1}])
    with pytest.raises(Invalid, match="int"):
        defs.get_online_features("plan", 7)
