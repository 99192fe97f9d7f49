"""The workspace that stands in has a Unity Catalog that databricks-sdk believes.

Others ask it, too, in an environment of their own: see `../clients`.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pyarrow as pa
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, InternalError, NotFound, ResourceConflict, TooManyRequests
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableType, VolumeType
from deltalake import write_deltalake

from mlforge_databricks.testing import TOKEN

UNITY = "/api/2.1/unity-catalog"


@pytest.fixture(scope="module")
def client(workspace):
    return WorkspaceClient(config=Config(host=workspace.url, token=TOKEN, retry_timeout_seconds=1))


def test_what_statements_made_is_there(client, workspace):
    workspace.lake.make_schema("seen")
    workspace.lake.write("main.seen.spend", pa.table({"user": [1], "amount": [0.5]}))
    assert {"main", "dev", "prod"} <= {catalog.name for catalog in client.catalogs.list()}
    assert "main.seen" in {schema.full_name for schema in client.schemas.list("main")}
    (table,) = client.tables.list("main", "seen")
    assert (table.full_name, table.data_source_format) == ("main.seen.spend", DataSourceFormat.DELTA)
    columns = client.tables.get("main.seen.spend").columns
    assert [(column.name, column.type_name, column.type_text) for column in columns] == [
        ("user", ColumnTypeName.LONG, "bigint"),
        ("amount", ColumnTypeName.DOUBLE, "double"),
    ]
    client.tables.delete("main.seen.spend")
    assert not client.tables.exists("main.seen.spend").table_exists
    client.schemas.delete("main.seen")


def test_what_it_made_is_read_by_statements(client, workspace, tmp_path):
    write_deltalake(str(tmp_path), pa.table({"user": [7]}))
    client.schemas.create("made", "main")
    columns = [ColumnInfo(name="user", type_name=ColumnTypeName.LONG, type_text="bigint", position=0)]
    made = client.tables.create(
        "spend", "main", "made", TableType.EXTERNAL, DataSourceFormat.DELTA, tmp_path.as_uri(), columns=columns
    )
    assert made.columns[0].type_name is ColumnTypeName.LONG
    assert workspace.lake.run("SELECT user FROM main.made.spend").to_pydict() == {"user": [7]}
    with pytest.raises(BadRequest, match="not empty"):
        client.schemas.delete("main.made")
    client.schemas.delete("main.made", force=True)
    with pytest.raises(NotFound):
        client.tables.get("main.made.spend")


def test_catalogs_are_made_listed_by_pages_and_removed(client):
    client.catalogs.create("extra", comment="One more")
    client.schemas.create("inside", "extra")
    assert client.catalogs.get("extra").comment == "One more"
    assert "extra" in [catalog.name for catalog in client.catalogs.list(max_results=1)]
    with pytest.raises(ResourceConflict):
        client.catalogs.create("extra")
    with pytest.raises(BadRequest, match="not empty"):
        client.catalogs.delete("extra")
    client.catalogs.delete("extra", force=True)


@pytest.mark.parametrize("what", ["catalogs", "schemas", "tables"])
def test_what_is_not_there_is_said_to_be_none(client, what):
    for asking in (getattr(client, what).get, getattr(client, what).delete):
        with pytest.raises(NotFound):
            asking("main.nowhere.nothing" if what == "tables" else "nowhere")


def test_catalogs_and_schemas_are_renamed_with_all_that_is_in_them(client, tmp_path):
    client.catalogs.create("before")
    client.schemas.create("old", "before", comment="Kept")
    client.tables.create(
        "spend", "before", "old", TableType.EXTERNAL, DataSourceFormat.DELTA, tmp_path.as_uri(), columns=[]
    )
    assert client.catalogs.update("before", new_name="after", comment="Moved").comment == "Moved"
    assert client.schemas.update("after.old", new_name="new").comment == "Kept"
    assert client.tables.get("after.new.spend").catalog_name == "after"
    for name in ("before", "main"):
        with pytest.raises((NotFound, BadRequest)):
            client.catalogs.update(name, new_name="other")
    client.catalogs.delete("after", force=True)


def test_what_statements_made_is_commented_and_not_renamed(client, workspace):
    workspace.lake.make_schema("stays")
    assert client.schemas.update("main.stays", comment="Here").comment == "Here"
    assert client.schemas.get("main.stays").comment == "Here"
    with pytest.raises(BadRequest, match="which stays"):
        client.schemas.update("main.stays", new_name="goes")
    client.schemas.delete("main.stays")


def test_volumes_are_made_listed_changed_and_removed(client):
    client.schemas.create("held", "main")
    client.volumes.create("main", "held", "files", VolumeType.MANAGED)
    with pytest.raises(ResourceConflict):
        client.volumes.create("main", "held", "files", VolumeType.MANAGED)
    with pytest.raises(BadRequest, match="storage_location"):
        client.volumes.create("main", "held", "others", VolumeType.EXTERNAL)
    assert client.volumes.update("main.held.files", new_name="kept", comment="Ours").comment == "Ours"
    assert [volume.full_name for volume in client.volumes.list("main", "held")] == ["main.held.kept"]
    with pytest.raises(BadRequest, match="not empty"):
        client.schemas.delete("main.held")
    client.volumes.delete("main.held.kept")
    with pytest.raises(NotFound):
        client.volumes.read("main.held.kept")
    client.volumes.create("main", "held", "files", VolumeType.MANAGED)
    client.schemas.delete("main.held", force=True)


@pytest.fixture
def managed(client):
    """A managed table, and a way to ask about commits to it."""
    client.catalogs.create("managed")
    client.schemas.create("features", "managed")
    named = {"catalog_name": "managed", "schema_name": "features"}
    staged = client.api_client.do("POST", f"{UNITY}/staging-tables", body=named | {"name": "spend"})
    place = staged["staging_location"]
    kind = {"table_type": "MANAGED", "data_source_format": "DELTA", "storage_location": place, "columns": []}
    with pytest.raises(BadRequest, match="staged for another table"):
        client.api_client.do("POST", f"{UNITY}/tables", body=named | kind | {"name": "other"})
    made = client.api_client.do("POST", f"{UNITY}/tables", body=named | kind | {"name": "spend"})
    assert made["table_id"] == staged["id"]
    with pytest.raises(NotFound):
        client.api_client.do("POST", f"{UNITY}/tables", body=named | kind | {"name": "again"})

    def ask(method, **said):
        table = {"table_id": made["table_id"], "table_uri": place}
        return client.api_client.do(method, f"{UNITY}/delta/preview/commits", body=table | said)

    yield ask, Path(urlsplit(place).path)
    client.catalogs.delete("managed", force=True)


def commit(version, file="one"):
    times = {"timestamp": version, "file_modification_timestamp": version}
    return {"version": version, "file_name": f"{version:020}.{file}.json", "file_size": 1} | times


def test_commits_to_a_managed_table_follow_each_other(managed):
    def known(**versions):
        found = ask("GET", **{"start_version": 0} | versions)
        return [one["version"] for one in found["commits"]], found["latest_table_version"]

    ask, _ = managed
    assert known() == ([], 0)
    ask("POST", commit_info=commit(1))
    ask("POST", commit_info=commit(1))  # whose answer was lost
    with pytest.raises(ResourceConflict):
        ask("POST", commit_info=commit(1, "other"))
    with pytest.raises(BadRequest, match="does not follow"):
        ask("POST", commit_info=commit(3))
    ask("POST", commit_info=commit(2), latest_backfilled_version=1)
    assert known() == ([2], 2)
    with pytest.raises(BadRequest, match="cannot be backfilled"):
        ask("POST", latest_backfilled_version=3)
    ask("POST", latest_backfilled_version=2)
    assert known() == ([], 2)
    for version in range(3, 13):
        ask("POST", commit_info=commit(version))
    assert known(start_version=4, end_version=5) == ([5, 4], 12)
    with pytest.raises(TimeoutError) as caught:
        ask("POST", commit_info=commit(13))
    assert isinstance(caught.value.__cause__, TooManyRequests)


def test_a_commit_that_is_in_the_log_already_is_known_by_what_it_holds(managed):
    ask, place = managed
    (place / "_delta_log" / "_staged_commits").mkdir(parents=True)
    for version in (1, 2):
        ask("POST", commit_info=commit(version))
    ask("POST", latest_backfilled_version=2)
    with pytest.raises(InternalError, match="cannot be read"):
        ask("POST", commit_info=commit(1))
    (place / "_delta_log" / f"{1:020}.json").write_text("{}")
    for file, written in (("one", "{}"), ("other", "[]")):
        (place / "_delta_log" / "_staged_commits" / commit(1, file)["file_name"]).write_text(written)
    ask("POST", commit_info=commit(1))
    with pytest.raises(ResourceConflict):
        ask("POST", commit_info=commit(1, "other"))


def test_what_commits_cannot_be_asked_of_is_refused(client, managed, workspace, tmp_path):
    ask, _ = managed
    with pytest.raises(BadRequest, match="neither"):
        ask("POST")
    with pytest.raises(BadRequest, match="no versions from 2 to 1"):
        ask("GET", start_version=2, end_version=1)
    with pytest.raises(BadRequest, match="not at"):
        ask("GET", start_version=0, table_uri="file:///elsewhere")
    with pytest.raises(NotFound):
        ask("GET", start_version=0, table_id="none")
    place = tmp_path.as_uri()
    other = client.tables.create(
        "other", "managed", "features", TableType.EXTERNAL, DataSourceFormat.DELTA, place, columns=[]
    )
    with pytest.raises(BadRequest, match="no managed Delta table"):
        ask("GET", start_version=0, table_id=other.table_id, table_uri=place)


def test_the_files_of_a_managed_table_go_with_it(client, managed):
    _, place = managed
    (place / "_delta_log").mkdir(parents=True)
    client.tables.delete("managed.features.spend")
    assert not place.exists()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("catalogs", b"{", "MALFORMED_REQUEST"),
        ("catalogs", b"[]", "MALFORMED_REQUEST"),
        ("catalogs", b"{}", "INVALID_PARAMETER_VALUE"),
        ("catalogs?max_results=-1", None, "INVALID_PARAMETER_VALUE"),
        ("schemas", None, "INVALID_PARAMETER_VALUE"),
    ],
    ids=["no JSON", "no object", "no name", "no number", "no catalog"],
)
def test_a_request_that_cannot_be_is_refused_with_its_code(workspace, path, body, code):
    login = {"Authorization": f"Bearer {TOKEN}"}
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(f"{workspace.url}{UNITY}/{path}", body, login))
    with caught.value as error:
        assert (error.code, json.load(error)["error_code"]) == (400, code)
