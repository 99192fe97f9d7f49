"""The online store is held to the whole kit, on a real PostgreSQL whose credentials a workspace makes."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.testing import DamagedOnlineStoreTests, OnlineStoreTests
from mlforge.testing.online.subject import assert_found, entry
from mlforge.testing.refusals import refused
from mlforge_databricks import lakebase
from mlforge_databricks.plugin import DatabricksOnlineStore


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
    monkeypatch.setattr(lakebase, "LONGEST", 0.0)
    with online_of(tmp_path).open() as store:
        store.write([entry(1, x=1)])
        made = workspace.postgres.made
        store.ping()
        assert workspace.postgres.made == made, "a credential that lasts was renewed"
    monkeypatch.setattr(workspace.postgres, "lifetime", lakebase.BEFORE_ITS_END / 2)
    with online_of(tmp_path).open() as store:
        made = workspace.postgres.made
        for _ in range(2):
            assert_found(store.read([entry(1).address]), [entry(1, x=1)])
        assert workspace.postgres.made == made + 2


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


def test_modes_of_syncing_are_refused_with_the_one_that_works():
    with refused(Unsupported, "continuous", 'sync_mode="triggered"'):
        DatabricksOnlineStore("fraud", sync_mode="continuous")


@pytest.mark.parametrize("settings", [{"schema": "a.b"}, {"port": 0}, {"timeout": -1}, {"host": "ftp://x"}])
def test_a_setting_that_cannot_be_is_named(settings):
    with refused(Invalid):
        DatabricksOnlineStore("fraud", **settings)
