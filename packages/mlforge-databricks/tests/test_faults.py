"""What the other side can do to a store: each is one error that says what, where and the way out, or passes."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pyarrow as pa
import pytest
from answering import PAGE, answering

from mlforge.errors import Invalid, PluginFailed
from mlforge.testing.online.subject import assert_found, entry
from mlforge.testing.refusals import refused
from mlforge.testing.versions import meta_of
from mlforge_databricks import address
from mlforge_databricks import warehouse as asking
from mlforge_databricks.client import Workspace as Client
from mlforge_databricks.login import Login
from mlforge_databricks.runner import statements_of
from mlforge_databricks.testing import TOKEN
from mlforge_databricks.testing.lake import StatementError

STATEMENTS = "/api/2.0/sql/statements"


@pytest.fixture(autouse=True)
def _no_faults(workspace, monkeypatch):
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    yield
    workspace.faults.clear()
    workspace.warehouse.waits = workspace.warehouse.cancels = 0
    workspace.warehouse.refusals.clear()
    workspace.tokens.add(TOKEN)


@pytest.fixture(params=["unity-catalog", "databricks-online-tables"])
def asked(request, tmp_path):
    """A store by its settings, where it asks the workspace, and what it asks there."""
    if request.param == "unity-catalog":
        return request.getfixturevalue("store_of"), STATEMENTS, lambda store: store.names()
    return request.getfixturevalue("online_of"), "/api/2.0/postgres", lambda store: store.ping()


def test_a_token_that_is_none_is_told_with_the_way_to_log_in(asked, tmp_path):
    make, _, ask = asked
    with make(tmp_path, token="dapi-wrong").open() as store, refused(PluginFailed, "UNAUTHENTICATED", "auth login"):
        ask(store)


def test_no_credentials_at_all_are_told_with_the_way_to_log_in(asked, tmp_path):
    make, _, ask = asked
    with make(tmp_path, token=None).open() as store, refused(PluginFailed, "log in", "auth login"):
        ask(store)


def test_a_right_that_lacks_is_told_with_what_to_grant(asked, workspace, tmp_path):
    make, path, ask = asked
    workspace.fail(path, 403, "PERMISSION_DENIED", "User does not have it")
    what = "CAN USE on the warehouse" if path == STATEMENTS else "CAN USE on the Lakebase project"
    with make(tmp_path).open() as store, refused(PluginFailed, "User does not have it", what):
        ask(store)


@pytest.mark.parametrize(("status", "code"), [(429, "REQUEST_LIMIT_EXCEEDED"), (503, "TEMPORARILY_UNAVAILABLE")])
def test_what_is_busy_is_asked_again_when_it_says(asked, workspace, tmp_path, status, code):
    make, path, ask = asked
    workspace.fail(path, status, code, retry_after="0")
    with make(tmp_path).open() as store:
        ask(store)
    assert workspace.faults[0].times == 0


def test_what_is_busy_is_not_asked_again_before_it_says(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        store.names()
        workspace.fail(STATEMENTS, 429, "REQUEST_LIMIT_EXCEEDED", retry_after="2")  # sooner than that without it
        began = time.monotonic()
        store.names()
        assert time.monotonic() - began >= 2


def test_a_workspace_that_stays_busy_is_told(asked, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.client.PATIENCE", 1)
    make, path, ask = asked
    workspace.fail(path, 429, "REQUEST_LIMIT_EXCEEDED", times=10_000, retry_after="1")
    began = time.monotonic()
    with make(tmp_path).open() as store, refused(PluginFailed, "REQUEST_LIMIT_EXCEEDED", "Try again later"):
        ask(store)
    assert time.monotonic() - began < 60, "it was asked for longer than is said"


def test_a_token_that_ends_in_the_middle_is_told(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        assert store.names() == []
        workspace.tokens.clear()
        with refused(PluginFailed, "UNAUTHENTICATED"):
            store.names()


def test_a_token_that_ends_while_the_warehouse_starts_is_told(store_of, workspace, tmp_path):
    workspace.warehouse.waits = 3
    workspace.fail(STATEMENTS, 401, "UNAUTHENTICATED", "The token expired", times=10_000, after=2)
    with store_of(tmp_path).open() as store, refused(PluginFailed, "The token expired", "auth login"):
        store.names()


def test_a_token_that_ends_between_the_pieces_of_an_answer_is_told(store_of, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.testing.warehouse.PIECE", 1)
    workspace.fail(STATEMENTS, 401, "UNAUTHENTICATED", "The token expired", times=10_000, after=2)
    with store_of(tmp_path).open() as store, refused(PluginFailed, "The token expired", "auth login"):
        store.statements.rows("SELECT * FROM VALUES (1), (2), (3) AS t(user)")


@pytest.mark.parametrize("status", [403, 503])
def test_a_link_to_a_piece_that_ended_is_asked_for_anew(store_of, workspace, tmp_path, monkeypatch, status):
    monkeypatch.setattr("mlforge_databricks.testing.warehouse.PIECE", 1)
    workspace.fail("/signed", status, "AuthenticationFailed", after=1)
    with store_of(tmp_path).open() as store:
        schema, batches = store.statements.batches("SELECT * FROM VALUES (1), (2), (3) AS t(user)")
        assert pa.Table.from_batches(batches, schema).to_pydict() == {"user": [1, 2, 3]}
    assert workspace.faults[0].times == 0


def test_storage_that_gives_no_answer_is_told(store_of, workspace, tmp_path):
    workspace.fail("/signed", 403, "AuthorizationFailure", times=10_000)
    with store_of(tmp_path).open() as store, refused(PluginFailed, "storage", "403", "Let this machine reach") as told:
        store.statements.batches("SELECT 1 AS user")
    assert told.value.__cause__.closed, "its connection is open still"


def test_storage_that_breaks_off_is_told(store_of, workspace, tmp_path, monkeypatch):
    class Half(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Half) as storage:
        threading.Thread(target=storage.serve_forever, daemon=True).start()
        monkeypatch.setattr(workspace.warehouse, "url", f"http://127.0.0.1:{storage.server_port}")
        with store_of(tmp_path).open() as store, refused(PluginFailed, "storage", "IncompleteRead", "try again"):
            store.statements.batches("SELECT 1 AS user")
        storage.shutdown()


def test_a_token_that_ends_in_a_commit_leaves_what_was_there(store_of, workspace, tmp_path, monkeypatch):
    with store_of(tmp_path).open() as store:
        first, second = store.begin("spend", "delta"), store.begin("spend", "delta")
        for target in (first, second):
            rows = pa.table({"user": [1], "ts": [datetime(2024, 2, 29, tzinfo=UTC)]})
            workspace.lake.write(address.parse(target.uri).shown, rows)
        store.commit(first, meta_of("1.0.0"), None)
        with monkeypatch.context() as patch:
            contents = store.tables.contents
            patch.setattr(store.tables, "contents", lambda table: (workspace.tokens.clear(), contents(table))[1])
            with refused(PluginFailed, "UNAUTHENTICATED", "auth login"):
                store.commit(second, meta_of("1.1.0"), "1.0.0")
        workspace.tokens.add(TOKEN)
        assert (store.latest("spend"), store.versions("spend")) == ("1.0.0", ["1.0.0"])
        assert store.fetch(store.get("spend", "1.0.0")).meta.parts[0].rows


def test_a_token_that_ends_before_a_credential_is_renewed_is_told(online_of, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.postgres, "lifetime", 1)
    monkeypatch.setattr("mlforge_databricks.lakebase.LONGEST", 0.0)
    config = online_of(tmp_path)
    asking = Login(config, Client(config))
    asking.settings()
    workspace.tokens.clear()
    with refused(PluginFailed, "UNAUTHENTICATED", "auth login"):
        asking.settings()


@pytest.mark.parametrize("word", ["INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED"])
def test_a_right_that_lacks_to_a_statement_is_told_with_what_to_grant(store_of, workspace, tmp_path, word):
    workspace.warehouse.refusals = [StatementError(word, "User does not have USE SCHEMA on main.features")]
    with store_of(tmp_path).open() as store, refused(PluginFailed, "USE SCHEMA on main.features", "Grant"):
        store.names()


def test_a_volume_that_may_not_be_written_is_told_with_what_to_grant(store_of, workspace, tmp_path):
    workspace.fail("/api/2.0/fs/files", 403, "PERMISSION_DENIED", "No WRITE VOLUME on main.features.mlforge")
    (tmp_path / "data.parquet").write_bytes(b"rows")
    with store_of(tmp_path).open() as store, refused(PluginFailed, "mlforge", "Grant READ VOLUME"):
        store.statements.send(str(tmp_path / "data.parquet"), "/Volumes/main/features/mlforge/data.parquet")


def test_a_database_that_lets_nobody_in_is_told(online_of, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = online_of(tmp_path, timeout=0.3, port=silent.getsockname()[1])
        with config.open() as store, refused(PluginFailed, "let it in within 0.3", "timeout=30"):
            store.ping()


@contextmanager
def with_no_more_than_is_granted(database):
    database.run("ALTER ROLE me NOSUPERUSER")
    try:
        yield
    finally:
        database.run("ALTER ROLE me SUPERUSER")


def test_a_role_that_may_make_nothing_is_told_with_what_to_grant(online_of, database, tmp_path):
    said = "permission denied", "CREATE on the database"
    with with_no_more_than_is_granted(database), online_of(tmp_path).open() as store, refused(PluginFailed, *said):
        store.read_note("spend")


def test_a_role_that_may_not_read_is_told_with_what_to_grant(online_of, database, tmp_path):
    config = online_of(tmp_path)
    with config.open() as store:
        assert store.read_note("spend") is None
        database.run(f"ALTER SCHEMA {config.schema} OWNER TO owner")
        database.run(f"ALTER TABLE {config.schema}.mlforge_notes OWNER TO owner")
        database.run(f"GRANT USAGE ON SCHEMA {config.schema} TO me")
        with with_no_more_than_is_granted(database), refused(PluginFailed, "permission denied", "SELECT on its tables"):
            store.read_note("spend")


def test_a_schema_that_was_dropped_is_told_and_made_anew(online_of, database, tmp_path):
    config = online_of(tmp_path)
    with config.open() as store:
        assert store.read_note("spend") is None
        database.run(f"DROP SCHEMA {config.schema} CASCADE")
        with refused(PluginFailed, "does not exist", "mlforge publish"):
            store.read_note("spend")
        assert store.read_note("spend") is None


def test_an_endpoint_without_an_address_is_told(online_of, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.postgres, "host", None)
    with online_of(tmp_path).open() as store, refused(PluginFailed, "has no address", "active"):
        store.ping()


def test_a_statement_that_waits_too_long_is_cancelled_and_told(online_of, database, tmp_path):
    config = online_of(tmp_path, timeout=2)
    with config.open() as store:
        assert store.read_note("spend") is None
        with database.connect() as other, other.transaction():
            other.execute(f"LOCK TABLE {config.schema}.mlforge_notes")
            with refused(PluginFailed, "canceling statement", "timeout=30"):
                store.read_note("spend")
        assert store.read_note("spend") is None


@pytest.mark.parametrize("table", ["entries", "notes"])
def test_where_one_table_was_dropped_the_next_publish_writes_everything(online_of, database, tmp_path, table):
    config, kept = online_of(tmp_path), entry(1, x=1)
    with config.open() as store:
        store.write([kept])
        store.swap_note("spend", None, b"published")
        database.run(f"DROP TABLE {config.schema}.mlforge_{table}")
        with refused(PluginFailed, "publish again"):
            store.read([kept.address]) if table == "entries" else store.read_note("spend")
        assert store.read_note("spend") is None, "what is noted is not there"
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])


def test_a_table_that_was_dropped_is_made_by_who_comes_next_too(online_of, database, tmp_path):
    config, kept = online_of(tmp_path), entry(1, x=1)
    with config.open() as store:
        store.swap_note("spend", None, b"published")
        database.run(f"DROP TABLE {config.schema}.mlforge_entries")
    with config.open() as store:
        assert store.read([kept.address]) == [None]
        assert store.read_note("spend") is None


def test_who_serves_before_anything_was_published_is_told_to_publish_first(online_of, database, tmp_path):
    said = "permission denied", "Publish first"
    with with_no_more_than_is_granted(database), online_of(tmp_path).open() as store, refused(PluginFailed, *said):
        store.read_note("spend")


def test_an_endpoint_that_takes_no_writes_is_told(online_of, database, tmp_path):
    database.run("ALTER ROLE me SET default_transaction_read_only = on")
    try:
        with online_of(tmp_path).open() as store, refused(PluginFailed, "read-only", 'endpoint="primary"'):
            store.write([entry(1, x=1)])
    finally:
        database.run("ALTER ROLE me RESET default_transaction_read_only")


def test_more_connections_than_the_database_takes_are_told_with_how_to_open_fewer(online_of, database, tmp_path):
    database.run("ALTER ROLE me NOSUPERUSER CONNECTION LIMIT 0")
    try:
        with online_of(tmp_path).open() as store, refused(PluginFailed, "too many connections", "connections=4"):
            store.ping()
    finally:
        database.run("ALTER ROLE me SUPERUSER CONNECTION LIMIT -1")


@pytest.mark.parametrize(("status", "code"), [(409, "ABORTED"), (500, "INTERNAL_ERROR"), (504, "DEADLINE_EXCEEDED")])
def test_a_request_that_goes_wrong_there_is_told_with_what_to_do(asked, workspace, tmp_path, status, code):
    make, path, ask = asked
    workspace.fail(path, status, code, "Something broke")
    with make(tmp_path).open() as store:
        with refused(PluginFailed, "Something broke", "Try again"):
            ask(store)
        ask(store)


def test_a_warehouse_that_starts_is_waited_for(store_of, workspace, tmp_path):
    workspace.warehouse.waits = 3
    with store_of(tmp_path).open() as store:
        assert store.names() == []


def test_a_warehouse_that_does_not_start_is_told_and_the_statement_cancelled(store_of, workspace, tmp_path):
    workspace.warehouse.waits = 10_000
    with store_of(tmp_path, timeout=0.05).open() as store, refused(PluginFailed, "still starting", "timeout=1800"):
        store.names()
    *_, last = workspace.warehouse.statements.values()
    assert last.state == "CANCELED"


def test_a_statement_that_somebody_cancelled_is_told(store_of, workspace, tmp_path):
    workspace.warehouse.cancels = 1
    with store_of(tmp_path).open() as store, refused(PluginFailed, "canceled", "run it again"):
        store.names()


def test_a_schema_that_is_not_there_is_told_with_how_to_make_it(store_of, tmp_path):
    config = msgspec.structs.replace(store_of(tmp_path), schema="nowhere")
    with config.open() as store, refused(PluginFailed, "nowhere", "CREATE SCHEMA"):
        store.names()


def test_a_catalog_that_is_not_there_is_told_with_how_to_see_which_are(store_of, tmp_path):
    config = msgspec.structs.replace(store_of(tmp_path), catalog="nowhere")
    with config.open() as store, refused(PluginFailed, "nowhere", "SHOW CATALOGS"):
        store.names()


def test_a_warehouse_that_is_none_is_told(store_of, tmp_path):
    with store_of(tmp_path, warehouse_id="other").open() as store, refused(PluginFailed, "other", "warehouse_id"):
        store.names()


def test_a_workspace_that_does_not_answer_is_told(store_of, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.client.PATIENCE", 1)
    config = store_of(tmp_path, host="http://127.0.0.1:9")
    with config.open() as store, refused(PluginFailed, "does not answer", "host"):
        store.names()


def test_nobody_to_run_statements_is_told(store_of, tmp_path, monkeypatch):
    monkeypatch.setattr("mlforge_databricks.runner.active_session", lambda: None)
    with refused(Invalid, "no SQL warehouse is named", "warehouse_id"):
        statements_of(store_of(tmp_path, warehouse_id=None))


def test_no_secret_is_printed(store_of, tmp_path):
    assert TOKEN not in repr(store_of(tmp_path))


def test_the_client_is_imported_when_something_is_asked():
    code = (
        "import sys, mlforge as mlf\n"
        "mlf.UnityCatalogStore('main', 'features', warehouse_id='a').open()\n"
        "assert not {'databricks.sdk', 'pyarrow', 'psycopg', 'pyspark'} & set(sys.modules), 'imported too early'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("body", [b"", PAGE], ids=["nothing", "a page"])
def test_what_answers_in_the_place_of_the_workspace_is_said_to_be_somebody_else(store_of, tmp_path, body):
    with (
        answering(body) as url,
        store_of(tmp_path, host=url).open() as store,
        refused(PluginFailed, "is not Databricks", "127.0.0.1"),
    ):
        store.names()
