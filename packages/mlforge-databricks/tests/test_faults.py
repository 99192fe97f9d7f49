"""What the other side can do to a store: each is one error that says what, where and the way out, or passes."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.testing.refusals import refused
from mlforge_databricks import warehouse as asking
from mlforge_databricks.runner import statements_of
from mlforge_databricks.testing import TOKEN

STATEMENTS = "/api/2.0/sql/statements"


@pytest.fixture(autouse=True)
def _no_faults(workspace, monkeypatch):
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    yield
    workspace.faults.clear()
    workspace.warehouse.waits = workspace.warehouse.cancels = 0
    workspace.tokens.add(TOKEN)


def test_a_token_that_is_none_is_told_with_the_way_to_log_in(store_of, tmp_path):
    with store_of(tmp_path, token="dapi-wrong").open() as store, refused(PluginFailed, "UNAUTHENTICATED", "auth login"):
        store.names()


def test_no_credentials_at_all_are_told_with_the_way_to_log_in(store_of, tmp_path):
    with store_of(tmp_path, token=None).open() as store, refused(PluginFailed, "log in", "auth login"):
        store.names()


def test_a_token_that_ends_in_the_middle_is_told(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        assert store.names() == []
        workspace.tokens.clear()
        with refused(PluginFailed, "UNAUTHENTICATED"):
            store.names()


def test_a_right_that_lacks_is_told_with_what_to_grant(store_of, workspace, tmp_path):
    workspace.fail(STATEMENTS, 403, "PERMISSION_DENIED", "User does not have USE SCHEMA on main.features")
    with store_of(tmp_path).open() as store, refused(PluginFailed, "USE SCHEMA on main.features", "Grant"):
        store.names()


@pytest.mark.parametrize(("status", "code"), [(429, "REQUEST_LIMIT_EXCEEDED"), (503, "TEMPORARILY_UNAVAILABLE")])
def test_what_is_busy_is_asked_again_when_it_says(store_of, workspace, tmp_path, status, code):
    workspace.fail(STATEMENTS, status, code, retry_after="0")
    with store_of(tmp_path).open() as store:
        assert store.names() == []
    assert workspace.faults[0].times == 0


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
