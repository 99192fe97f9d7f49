"""The workspace that stands in has a Unity Catalog that databricks-sdk believes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableType
from deltalake import write_deltalake

from mlforge_databricks.testing import TOKEN


@pytest.fixture(scope="module")
def client(workspace):
    return WorkspaceClient(config=Config(host=workspace.url, token=TOKEN))


def test_what_statements_made_is_there(client, workspace):
    workspace.lake.make_schema("seen")
    workspace.lake.write("main.seen.spend", pa.table({"user": [1], "amount": [0.5]}))
    assert {"main", "dev", "prod"} <= {catalog.name for catalog in client.catalogs.list()}
    assert "main.seen" in {schema.full_name for schema in client.schemas.list("main")}
    (table,) = client.tables.list("main", "seen")
    assert (table.full_name, table.data_source_format) == ("main.seen.spend", DataSourceFormat.DELTA)
    assert [column.name for column in client.tables.get("main.seen.spend").columns] == ["user", "amount"]
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
