"""The online store is held to the whole kit, on a real PostgreSQL whose credentials a workspace makes."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, NotFound, PluginFailed, Unsupported
from mlforge.testing import DamagedOnlineStoreTests, OnlineStoreTests
from mlforge.testing.online.subject import DAY, assert_found, entry, tombstone
from mlforge.testing.refusals import refused
from mlforge_databricks import lakebase
from mlforge_databricks.client import Workspace
from mlforge_databricks.lakebase import Lakebase
from mlforge_databricks.login import BEFORE_ITS_END, Login
from mlforge_databricks.plugin import DatabricksOnlineStore, LakebaseStore


class TestOnlineStore(OnlineStoreTests, DamagedOnlineStoreTests):
    @pytest.fixture(autouse=True)
    def _database(self, online_of, database, workspace):
        self.online_of, self.database = online_of, database

    def config(self, folder):
        return self.online_of(folder)

    @contextmanager
    def failing(self, folder):
        self.database.run("ALTER ROLE me NOLOGIN")
        self.database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'me'")
        try:
            yield
        finally:
            self.database.run("ALTER ROLE me LOGIN")

    def damage(self, folder, address, change):
        table = f"{self.config(folder).schema}.mlforge_entries"
        where = f"feature = '{address.feature}' AND key = '{address.key}'"
        with self.database.connect() as connection:
            (data,) = connection.execute(f"SELECT entry FROM {table} WHERE {where}").fetchone()
            connection.execute(f"UPDATE {table} SET entry = %s WHERE {where}", [change(bytes(data))])


def test_a_credential_is_renewed_before_it_ends(online_of, workspace, tmp_path, monkeypatch):
    def asked(times):
        asking, made = Login(config, Workspace(config)), workspace.postgres.made
        assert all(asking.settings()["password"] for _ in range(times))
        return workspace.postgres.made - made

    config = online_of(tmp_path)
    assert asked(3) == 1, "a credential that lasts was renewed"
    monkeypatch.setattr(workspace.postgres, "lifetime", BEFORE_ITS_END / 2)
    assert asked(3) == 3


def test_connections_that_were_kept_long_are_made_anew_with_the_next_credential(
    online_of, workspace, tmp_path, monkeypatch
):
    monkeypatch.setattr(lakebase, "LONGEST", 0.0)
    monkeypatch.setattr(workspace.postgres, "lifetime", BEFORE_ITS_END / 2)
    with online_of(tmp_path).open() as store:
        for n in range(5):
            store.write([entry(n, x=n)])
            assert_found(store.read([entry(n).address]), [entry(n, x=n)])


def test_a_login_that_is_refused_is_told_at_once_with_the_cause(online_of, database, tmp_path):
    database.run("ALTER ROLE me NOLOGIN")
    try:
        with online_of(tmp_path, timeout=60).open() as store, refused(PluginFailed, "not permitted to log in", "role"):
            began = time.monotonic()
            store.ping()
        assert time.monotonic() - began < 30, "it was waited for"
    finally:
        database.run("ALTER ROLE me LOGIN")


def end_connections(database):
    database.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'me'")


def test_connections_that_were_ended_while_nobody_used_them_are_made_anew(online_of, database, tmp_path):
    kept = entry(1, x=1)
    with online_of(tmp_path).open() as store:
        for verb in (
            lambda: store.write([kept]),
            lambda: store.read_note("spend"),
            lambda: store.swap_note("spend", None, b"1"),
            lambda: assert_found(store.read([kept.address]), [kept]),
            store.ping,
        ):
            verb()
            end_connections(database)
        assert store.read_note("spend") == b"1"


@pytest.mark.parametrize("how", ["takes too long", "is ended"])
def test_who_waits_for_a_connection_is_not_told_of_what_befell_others(online_of, database, tmp_path, how):
    config = online_of(tmp_path, connections=2, timeout=2 if how == "takes too long" else 30)
    with config.open() as store, ThreadPoolExecutor(8) as pool:
        store.write([entry(1, x=1)])
        with database.connect() as holding, holding.transaction():
            holding.execute(f"LOCK TABLE {config.schema}.mlforge_entries")
            held = [pool.submit(store.write, [entry(1, x=1)]) for _ in range(2)]
            time.sleep(1)
            waiting = [pool.submit(store.read_note, "spend") for _ in range(6)]
            if how == "is ended":
                end_connections(database)
            assert [one.result() for one in waiting] == [None] * 6
            for one in held:
                with refused(PluginFailed, "Lakebase", "Try again"):
                    one.result()


def test_a_credential_that_the_database_refuses_is_made_anew(online_of, workspace, database, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.login.SURE", 0.0)
    kept = entry(1, x=1)
    with online_of(tmp_path).open() as store:
        store.write([kept])
        database.run("ALTER ROLE me PASSWORD 'another'")
        monkeypatch.setattr(workspace.postgres, "_ends", 0.0)
        end_connections(database)
        with refused(PluginFailed, "password authentication failed"):
            store.read([kept.address])
        assert_found(store.read([kept.address]), [kept])


def test_an_endpoint_that_moved_is_found_again(online_of, workspace, database, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.login.SURE", 0.0)
    with online_of(tmp_path).open() as store:
        with monkeypatch.context() as before:
            before.setattr(workspace.postgres, "host", "127.0.0.2")
            with refused(PluginFailed, "127.0.0.2"):
                store.ping()
        store.ping()


def test_what_the_database_refuses_is_not_asked_again_at_once(online_of, workspace, database, tmp_path):
    with online_of(tmp_path).open() as store:
        store.ping()
        database.run("ALTER ROLE me NOLOGIN")
        end_connections(database)
        asked = len(workspace.asked)
        try:
            for _ in range(5):
                with refused(PluginFailed, "not permitted to log in"):
                    store.ping()
        finally:
            database.run("ALTER ROLE me LOGIN")
        assert len(workspace.asked) == asked


def test_what_is_known_of_the_database_stays_where_the_workspace_does_not_tell(
    online_of, workspace, database, tmp_path, monkeypatch
):
    monkeypatch.setattr("mlforge_databricks.login.SURE", 0.0)
    with online_of(tmp_path).open() as store:
        store.ping()
        database.run("ALTER ROLE me NOLOGIN")
        end_connections(database)
        try:
            with refused(PluginFailed, "not permitted to log in"):
                store.ping()
        finally:
            database.run("ALTER ROLE me LOGIN")
        monkeypatch.setattr(workspace, "tokens", set())
        store.ping()


def test_that_somebody_is_gone_is_forgotten_after_a_month(online_of, database, tmp_path):
    config = online_of(tmp_path)
    with config.open() as store:
        store.write([tombstone(1, as_of=0), tombstone(2, as_of=10 * DAY), entry(3, as_of=0, x=1)])
        store.write([tombstone(4, as_of=31 * DAY), tombstone(5, as_of=0, feature="other")])
        assert store.write([entry(1, as_of=-1, x=1), entry(2, as_of=9 * DAY, x=1)]) == 1
        assert_found(store.read([entry(3).address]), [entry(3, as_of=0, x=1)])
    with config.open() as store:
        store.write([entry(4, as_of=62 * DAY, x=1)])
    with database.connect() as connection:
        left = connection.execute(f"SELECT feature FROM {config.schema}.mlforge_entries WHERE NOT lives")
        assert left.fetchall() == [("other",)]


def test_who_is_gone_for_a_month_is_removed_by_whoever_may_and_holds_up_nobody_else(
    online_of, database, tmp_path, caplog
):
    caplog.set_level(logging.INFO, "mlforge.databricks")
    config = online_of(tmp_path)
    with config.open() as store:
        store.write([tombstone(1, as_of=0)])
        database.run(f"ALTER TABLE {config.schema}.mlforge_entries OWNER TO owner")
        database.run(f"GRANT USAGE ON SCHEMA {config.schema} TO me")
        database.run(f"GRANT SELECT, INSERT, UPDATE ON {config.schema}.mlforge_entries TO me")
        database.run("ALTER ROLE me NOSUPERUSER")
        try:
            assert store.write([entry(2, as_of=40 * DAY, x=1)]) == 1
        finally:
            database.run("ALTER ROLE me SUPERUSER")
    assert "is kept" in caplog.text


def test_who_waits_for_a_connection_in_vain_is_told(online_of, tmp_path):
    config = online_of(tmp_path)
    database = Lakebase(Login(config, Workspace(config)), 1, 2)
    with database.connection(), refused(PluginFailed, "none of 1 connections"), database.connection():
        pass
    database.close()


@pytest.mark.parametrize("online", [DatabricksOnlineStore("main"), LakebaseStore("main")], ids=lambda one: one.kind)
def test_what_is_not_in_unity_catalog_is_refused_before_it_is_built(tmp_path, online):
    @mlf.feature(source="nowhere.parquet", keys="user_id")
    def seen(df):
        return df

    defs = mlf.Definitions("shop", [seen], offline_store=tmp_path / "store", online_store=online, root=tmp_path)
    for publishing in (
        lambda: defs.build(online=True),
        lambda: defs.build(online=True, dry_run=True),
        lambda: defs.publish("seen"),
        lambda: defs.rollback("seen", "1.0.0", online=True),
    ):
        with refused(Unsupported, online.kind, "'local'", "KIND: unity-catalog"):
            publishing()


def test_many_keys_take_one_round_trip(online_of, tmp_path, monkeypatch):
    with online_of(tmp_path).open() as store:
        kept = [entry(n, x=n) for n in range(500)]
        store.write(kept)
        asked, execute = [], psycopg.Cursor.execute
        counted = lambda *words, **how: asked.append(words) or execute(*words, **how)  # noqa: E731
        monkeypatch.setattr(psycopg.Cursor, "execute", counted)
        assert_found(store.read([one.address for one in kept]), kept)
        assert len(asked) == 1


def test_a_project_that_is_none_is_told(online_of, tmp_path):
    with online_of(tmp_path, project="other").open() as store, refused(PluginFailed, "projects/other", "Correct"):
        store.ping()


def test_a_database_that_is_none_is_told(online_of, tmp_path):
    with online_of(tmp_path, database="nothing").open() as store, refused(PluginFailed, "nothing", "database"):
        store.ping()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sync_mode": "snapshot"}, ("snapshot", 'or "triggered"', "publish --force")),
        ({"sync_mode": "continuous"}, ("continuous", 'or "triggered"', "build --online")),
        ({"backend": "feature-store"}, ("feature-store", 'or "lakebase"', "before it is served")),
        ({"backend": "online-tables"}, ("online-tables", 'or "lakebase"', "January 2026")),
    ],
    ids=["snapshot", "continuous", "feature-store", "online-tables"],
)
def test_what_needs_a_pipeline_is_refused_with_the_reason(settings, words):
    with refused(Unsupported, *words):
        DatabricksOnlineStore(**settings)


def test_the_only_project_of_the_workspace_is_taken_and_named_in_the_log(online_of, tmp_path, caplog):
    caplog.set_level(logging.INFO, "mlforge.databricks")
    with online_of(tmp_path, project=None).open() as store:
        store.ping()
    assert "fraud, the only one" in caplog.text


def test_of_several_projects_none_is_guessed(online_of, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.postgres, "projects", ["shop", "fraud"])
    with online_of(tmp_path, project=None).open() as store, refused(Invalid, "fraud, shop", 'project="fraud"'):
        store.ping()


def test_a_workspace_without_projects_is_told_with_how_to_make_one(online_of, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.postgres, "projects", [])
    with online_of(tmp_path, project=None).open() as store, refused(NotFound, "no Lakebase project", "create-project"):
        store.ping()


def test_what_is_served_of_one_catalog_is_never_taken_for_anothers(online_of, tmp_path):
    with online_of(tmp_path, catalog="dev").open() as dev, online_of(tmp_path, catalog="prod").open() as prod:
        dev.write([entry(1, x=1)])
        assert prod.read([entry(1).address]) == [None]
        prod.write([entry(1, x=2)])
        assert_found(dev.read([entry(1).address]), [entry(1, x=1)])


@pytest.mark.parametrize(
    "settings",
    [
        {"schema": "a.b"},
        {"port": 0},
        {"timeout": -1},
        {"host": "ftp://x"},
        {"catalog": "a.b"},
        {"backend": "redis"},
        {"sync_mode": "hourly"},
        {"catalog": "a" * 40, "schema": "b" * 23},
    ],
    ids=["schema", "port", "timeout", "host", "catalog", "backend", "sync_mode", "length"],
)
def test_a_setting_that_cannot_be_is_named(settings):
    with refused(Invalid):
        DatabricksOnlineStore(**settings)
