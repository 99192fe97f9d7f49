"""The online verbs as people use them: on the command line, on definitions, with tables of every kind."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

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


@pytest.fixture
def defs(online, monkeypatch):
    """Its definitions, built and published."""
    online.built("--online")
    monkeypatch.chdir(online.root)
    return mlf.Definitions(
        "shop", store=mlf.LocalStore("store"), online_store=mlf.SQLiteOnlineStore("online.db"), root=online.root
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


def test_publish_says_what_it_wrote_and_how_fast(online):
    online.built()
    done = online.mlforge("publish")
    assert done.returncode == 0, done.stderr
    status, version, *_, written, removed, rate, _, _ = rows_of(done)["spend"]
    assert (status, version, written, removed) == ("published", "1.0.0", "2", "0")
    assert float(rate.replace(",", "")) > 0
    assert "spend: publishing 2 rows" in done.stderr


def test_online_only_builds_nothing(online):
    online.built()
    online.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 8.0])
    done = online.mlforge("build", "--online-only")
    assert done.returncode == 0, done.stderr
    assert rows_of(done)["plan"][:2] == ["published", "1.0.0"]
    assert "reading" not in done.stderr


def test_online_only_publishes_a_version_by_its_number_and_takes_no_words_about_building(online):
    online.built()
    online.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 8.0])
    online.built()
    done = online.mlforge("build", "--online-only", "--features", "plan", "--version", "1.0.0")
    assert rows_of(done)["plan"][:2] == ["published", "1.0.0"]
    for words in (["--force"], ["--dry-run"], ["--last", "7d"]):
        online.refused("build", "--online-only", *words, says="builds nothing")


def test_publish_as_of_an_instant_and_never_back(online):
    online.built()
    done = online.mlforge("publish", "spend", "--as-of", "2025-01-04")
    assert "2025-01-04 00:00:00 UTC" in done.stdout
    online.refused("publish", "spend", "--as-of", "2025-01-03T23:59:59Z", says=["spend", "2025-01-04", "as-of"])
    online.refused("publish", "spend", "--as-of", "2999-01-01", says="lies ahead")
    online.refused("publish", "spend", "--as-of", "yesterday", says="yesterday")
    online.refused("build", "--as-of", "2025-01-04", says="publishing")


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


def test_without_an_online_store_the_way_to_one_is_shown(house):
    house.built()
    for words in (
        ["publish"],
        ["build", "--online"],
        ["build", "--online-only"],
        ["replay"],
        ["rollback", "spend", "1.0.0", "--online"],
    ):
        house.refused(*words, says=["no online store", "online_store="])


def test_the_online_store_may_be_in_a_profile(house):
    house.built()
    (house.root / "mlforge.yaml").write_text(
        "default_profile: dev\nprofiles:\n  dev:\n    online_store:\n      KIND: sqlite\n      path: served/online.db\n"
    )
    done = house.mlforge("publish")
    assert done.returncode == 0, done.stderr
    assert (house.root / "served" / "online.db").exists()


@pytest.mark.parametrize(
    ("setting", "says"),
    [("path: ''", "SQLiteOnlineStore"), ("timeout: -1", "timeout"), ("pth: x", "pth"), ("timeout: soon", "timeout")],
)
def test_a_setting_that_cannot_be_is_named(house, setting, says):
    (house.root / "mlforge.yaml").write_text(
        f"default_profile: dev\nprofiles:\n  dev:\n    online_store:\n      KIND: sqlite\n      {setting}\n"
    )
    house.refused("publish", says=says)


def test_rollback_may_reach_what_is_served(online):
    online.built()
    online.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    online.built("--online")
    done = online.mlforge("rollback", "plan", "1.0.0", "--online")
    assert done.returncode == 0, done.stderr
    assert "served online, too" in done.stdout
    assert "--online" in done.stdout
    store = mlf.SQLiteOnlineStore(online.root / "online.db")
    found = mlf.get_online_features("plan", [{"user_id": 2}, {"user_id": 3}], store=store)
    assert [row["dearest"] for row in found] == [4.0, None]


def test_a_rollback_that_cannot_be_served_moves_nobody(online):
    online.built()
    online.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    online.built("--online")
    online_db = online.root / "online.db"
    online_db.write_bytes(b"no database any more" * 100)
    online.refused("rollback", "plan", "1.0.0", "--online", says="online.db")
    assert "readers get 1.0.1" in online.mlforge("versions", "plan").stdout


def test_a_rollback_is_undone_where_it_was_done(online):
    online.built()
    (online.root / "mlforge.yaml").write_text(
        "profiles:\n  other:\n    online_store:\n      KIND: sqlite\n      path: other.db\n"
    )
    online.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 8.0])
    online.built()
    done = online.mlforge("rollback", "plan", "1.0.0", "--online", "--profile", "other")
    assert "To undo it: mlforge rollback plan 1.0.1 --online --profile other" in done.stdout


def test_publish_answers_in_json(online):
    online.built()
    found = json.loads(online.mlforge("publish", "--json").stdout)
    assert found["ok"]
    assert {r["feature"]: (r["status"], r["entities"]) for r in found["results"]} == {
        "spend": ("published", 2),
        "plan": ("published", 2),
    }
    both = json.loads(online.mlforge("build", "--online", "--json").stdout)
    assert [r["status"] for r in both["published"]] == ["published", "unchanged"]


def test_a_feature_that_fails_to_build_is_not_published_and_stops_no_other(online):
    online.define(SPEND.replace("max()", "no_such_thing()"), ONLINE)
    done = online.mlforge("build", "--online")
    assert done.returncode == 1
    assert "1 published" in done.stdout


def test_replay_finds_all_equal(online):
    online.built("--online")
    done = online.mlforge("replay", "--sample", "50")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 % of 8 values are equal." in done.stdout


def test_replay_shows_the_cells_that_differ_and_why(online):
    online.built("--online")
    tamper(online.root / "online.db", "plan")
    done = online.mlforge("replay")
    assert done.returncode == 1
    assert "75.00 % of 8" not in done.stdout
    assert "87.50 % of 8 values are equal; 1 differ." in done.stdout
    assert "another value is online" in done.stdout
    found = json.loads(online.mlforge("replay", "plan", "--json").stdout)
    (difference,) = found["results"][0]["differences"]
    assert (difference["column"], difference["served"] - difference["offline"]) == ("dearest", 1.0)
    with sqlite3.connect(online.root / "online.db") as connection:
        connection.execute("delete from entries where feature = 'spend'")
    assert "the entity is not online" in online.mlforge("replay", "spend").stdout


def tamper(path, feature):
    """Add one to a value of one entity."""
    with sqlite3.connect(path) as connection:
        key, data = connection.execute("select key, data from entries where feature = ? limit 1", (feature,)).fetchone()
        entry = decode_entry(data, feature, key)
        point = msgspec.structs.replace(entry.points[0], values=tuple(v + 1 for v in entry.points[0].values))
        changed = msgspec.structs.replace(entry, points=(point,))
        connection.execute(
            "update entries set data = ? where feature = ? and key = ?", (encode_entry(changed), feature, key)
        )


def test_replay_says_what_it_cannot_compare(online):
    online.built()
    online.refused("replay", says=["not been published", "No value was compared"])
    online.mlforge("publish")
    online.refused("replay", "--sample", "0", says="sample")
    online.refused("replay", "nothing", says="nothing")


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
