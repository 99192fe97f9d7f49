"""The client of the open Unity Catalog asks the workspace that stands in, and its models check each answer."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pytest
import requests
from unitycatalog.client import (
    ApiClient,
    CatalogsApi,
    ColumnInfo,
    ColumnTypeName,
    Configuration,
    CreateCatalog,
    CreateSchema,
    CreateStagingTable,
    CreateTable,
    CreateVolumeRequestContent,
    DataSourceFormat,
    DeltaCommit,
    DeltaCommitInfo,
    DeltaCommitsApi,
    DeltaGetCommits,
    DeltaGetCommitsResponse,
    DeltaMetadata,
    SchemasApi,
    TablesApi,
    TableType,
    UpdateCatalog,
    UpdateSchema,
    UpdateVolumeRequestContent,
    VolumesApi,
    VolumeType,
)
from unitycatalog.client.exceptions import ApiException

from mlforge_databricks.testing import TOKEN, Workspace

COMMITS = "/api/2.1/unity-catalog/delta/preview/commits"
LONG = ColumnInfo(name="user", type_name=ColumnTypeName.LONG, type_text="bigint", type_json='"long"', position=0)
STAMP = ColumnInfo(name="at", type_name=ColumnTypeName.TIMESTAMP, type_text="timestamp", type_json='"timestamp"')


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with Workspace(tmp_path_factory.mktemp("lake")) as workspace:
        yield workspace


@pytest.fixture
def ask(workspace):
    """Ask a part of the API: what it answers, as its model."""

    async def asking(api, method, words, named):
        async with ApiClient(Configuration(host=f"{workspace.url}/api/2.1/unity-catalog")) as client:
            client.set_default_header("Authorization", f"Bearer {TOKEN}")
            return await getattr(api(client), method)(*words, **named)

    return lambda api, method, *words, **named: asyncio.run(asking(api, method, words, named))


@pytest.fixture
def refused(ask):
    """Ask what is refused: with which status of HTTP, and what it says."""

    def asking(*words, **named):
        with pytest.raises(ApiException) as caught:
            ask(*words, **named)
        return caught.value.status, caught.value.body

    return asking


@pytest.fixture
def schema(ask):
    """A schema of its own catalog, which goes with all that is in it."""
    ask(CatalogsApi, "create_catalog", CreateCatalog(name="open"))
    yield ask(SchemasApi, "create_schema", CreateSchema(name="features", catalog_name="open"))
    ask(CatalogsApi, "delete_catalog", "open", force=True)


def test_catalogs_are_made_listed_changed_and_removed(ask, refused):
    made = ask(CatalogsApi, "create_catalog", CreateCatalog(name="shop", comment="Ours", properties={"team": "risk"}))
    assert (made.name, made.comment, made.properties) == ("shop", "Ours", {"team": "risk"})
    assert made.id
    assert made.created_at == made.updated_at
    assert ask(CatalogsApi, "get_catalog", "shop") == made
    assert made in ask(CatalogsApi, "list_catalogs").catalogs
    assert refused(CatalogsApi, "create_catalog", CreateCatalog(name="shop"))[0] == 409
    ask(SchemasApi, "create_schema", CreateSchema(name="inside", catalog_name="shop"))
    new = ask(CatalogsApi, "update_catalog", "shop", UpdateCatalog(new_name="store", comment="Yours"))
    assert (new.name, new.comment, new.properties, new.id) == ("store", "Yours", {"team": "risk"}, made.id)
    assert ask(SchemasApi, "get_schema", "store.inside").catalog_name == "store"
    assert refused(CatalogsApi, "get_catalog", "shop")[0] == 404
    assert refused(CatalogsApi, "delete_catalog", "store")[0] == 400
    ask(CatalogsApi, "delete_catalog", "store", force=True)
    assert refused(SchemasApi, "list_schemas", "store")[0] == 404


def test_pages_follow_each_other(ask, refused, schema):
    for name in ("a", "b", "c"):
        ask(SchemasApi, "create_schema", CreateSchema(name=name, catalog_name="open"))
    found, token = [], None
    while token is None or token:
        page = ask(SchemasApi, "list_schemas", "open", max_results=3, page_token=token)
        assert len(page.schemas) <= 3
        found, token = found + [one.name for one in page.schemas], page.next_page_token or ""
    assert found == ["a", "b", "c", "features"]
    assert refused(SchemasApi, "list_schemas", "open", max_results=-1)[0] == 400


def test_schemas_are_made_changed_and_removed(ask, refused, schema):
    assert (schema.full_name, schema.catalog_name) == ("open.features", "open")
    assert ask(SchemasApi, "get_schema", "open.features") == schema
    said = UpdateSchema(new_name="feats", properties={"team": "risk"})
    new = ask(SchemasApi, "update_schema", "open.features", said)
    assert (new.full_name, new.properties, new.schema_id) == ("open.feats", {"team": "risk"}, schema.schema_id)
    assert [one.name for one in ask(SchemasApi, "list_schemas", "open").schemas] == ["feats"]
    ask(SchemasApi, "delete_schema", "open.feats")
    assert refused(SchemasApi, "get_schema", "open.feats")[0] == 404


def test_what_statements_made_is_told_with_its_types(ask, workspace):
    workspace.lake.make_schema("typed")
    rows = {
        "user": pa.array([1], pa.int64()),
        "age": pa.array([1], pa.int32()),
        "at": pa.array([1], pa.timestamp("us", "UTC")),
        "amounts": pa.array([[1.5]], pa.list_(pa.float64())),
        "paid": pa.array(["1.50"], pa.string()).cast(pa.decimal128(9, 2)),
    }
    workspace.lake.write("main.typed.spend", pa.table(rows))
    (table,) = ask(TablesApi, "list_tables", "main", "typed").tables
    assert (table.table_type, table.data_source_format) == (TableType.MANAGED, DataSourceFormat.DELTA)
    assert [(one.type_name.value, one.type_text, one.position) for one in table.columns] == [
        ("LONG", "bigint", 0),
        ("INT", "int", 1),
        ("TIMESTAMP", "timestamp", 2),
        ("ARRAY", "array<double>", 3),
        ("DECIMAL", "decimal(9,2)", 4),
    ]
    assert (table.columns[4].type_precision, table.columns[4].type_scale) == (9, 2)
    assert ask(TablesApi, "get_table", "main.typed.spend") == table
    ask(SchemasApi, "delete_schema", "main.typed", force=True)


def test_tables_are_made_listed_and_removed(ask, refused, schema, tmp_path):
    named = {"name": "spend", "catalog_name": "open", "schema_name": "features", "columns": [LONG]}
    external = {"table_type": TableType.EXTERNAL, "data_source_format": DataSourceFormat.DELTA}
    place = tmp_path.as_uri()
    assert refused(TablesApi, "create_table", CreateTable(**named, **external))[0] == 400
    made = ask(TablesApi, "create_table", CreateTable(**named, **external, storage_location=place, comment="Spent"))
    assert (made.storage_location, made.comment) == (place, "Spent")
    assert [(one.name, one.type_name, one.nullable) for one in made.columns] == [("user", ColumnTypeName.LONG, True)]
    assert ask(TablesApi, "list_tables", "open", "features").tables == [made]
    assert refused(TablesApi, "create_table", CreateTable(**named, **external, storage_location=place))[0] == 409
    assert refused(SchemasApi, "delete_schema", "open.features")[0] == 400
    ask(TablesApi, "delete_table", "open.features.spend")
    assert refused(TablesApi, "get_table", "open.features.spend")[0] == 404
    assert refused(TablesApi, "delete_table", "open.features.spend")[0] == 404


def test_volumes_are_made_listed_changed_and_removed(ask, refused, schema, tmp_path):
    named = {"catalog_name": "open", "schema_name": "features"}
    said = CreateVolumeRequestContent(**named, name="mlforge", volume_type=VolumeType.MANAGED, comment="Files")
    made = ask(VolumesApi, "create_volume", said)
    assert made.full_name == "open.features.mlforge"
    assert made.storage_location.endswith("/Volumes/open/features/mlforge")
    lacking = CreateVolumeRequestContent(**named, name="other", volume_type=VolumeType.EXTERNAL)
    assert refused(VolumesApi, "create_volume", lacking)[0] == 400
    assert refused(VolumesApi, "create_volume", said)[0] == 409
    assert ask(VolumesApi, "list_volumes", "open", "features").volumes == [made]
    new = ask(VolumesApi, "update_volume", made.full_name, UpdateVolumeRequestContent(new_name="files"))
    assert (new.full_name, new.comment, new.volume_id) == ("open.features.files", "Files", made.volume_id)
    assert refused(VolumesApi, "get_volume", made.full_name)[0] == 404
    ask(VolumesApi, "delete_volume", new.full_name)
    assert refused(VolumesApi, "get_volume", new.full_name)[0] == 404


@pytest.fixture
def managed(ask, schema):
    """A managed table, and what a commit of a version to it says."""
    named = {"name": "spend", "catalog_name": "open", "schema_name": "features"}
    staged = ask(TablesApi, "create_staging_table", CreateStagingTable(**named))
    kind = {"table_type": TableType.MANAGED, "data_source_format": DataSourceFormat.DELTA, "columns": [LONG]}
    made = ask(TablesApi, "create_table", CreateTable(**named, **kind, storage_location=staged.staging_location))
    assert (made.table_id, made.storage_location) == (staged.id, staged.staging_location)
    table = {"table_id": made.table_id, "table_uri": made.storage_location}

    def commit(version, file="one", **more):
        info = DeltaCommitInfo(
            version=version,
            timestamp=version,
            file_name=f"{version:020}.{file}.json",
            file_size=1,
            file_modification_timestamp=version,
        )
        return DeltaCommit(**table, commit_info=info, **more)

    return table, commit


def test_commits_to_a_managed_table_are_put_in_order(ask, refused, managed, workspace):
    def known(**versions):
        said = DeltaGetCommits(**table, **{"start_version": 0} | versions).to_dict()
        login = {"Authorization": f"Bearer {TOKEN}"}  # the client sends no body with GET, in which this is asked
        answer = requests.get(f"{workspace.url}{COMMITS}", json=said, headers=login, timeout=10)
        found = DeltaGetCommitsResponse.from_dict(answer.json())
        return [one.version for one in found.commits], found.latest_table_version

    table, commit = managed
    assert known() == ([], 0)
    for version in (1, 2):
        ask(DeltaCommitsApi, "commit", commit(version))
    assert known() == ([2, 1], 2)
    assert known(start_version=2) == ([2], 2)
    ask(DeltaCommitsApi, "commit", commit(2))  # whose answer was lost
    assert refused(DeltaCommitsApi, "commit", commit(2, "other"))[0] == 409
    assert refused(DeltaCommitsApi, "commit", commit(4))[0] == 400
    ask(DeltaCommitsApi, "commit", commit(3, latest_backfilled_version=1))
    assert known() == ([3, 2], 3)
    ask(DeltaCommitsApi, "commit", DeltaCommit(**table, latest_backfilled_version=3))
    assert known() == ([], 3)
    for version in range(4, 14):
        ask(DeltaCommitsApi, "commit", commit(version))
    assert refused(DeltaCommitsApi, "commit", commit(14))[0] == 429


def test_a_commit_says_anew_what_a_table_is(ask, managed):
    _, commit = managed
    metadata = DeltaMetadata.from_dict({
        "description": "Spent", "schema": {"columns": [LONG.to_dict(), STAMP.to_dict()]},
        "properties": {"properties": {"team": "risk"}},
    })  # fmt: skip
    ask(DeltaCommitsApi, "commit", commit(1, metadata=metadata))
    told = ask(TablesApi, "get_table", "open.features.spend")
    assert [one.name for one in told.columns] == ["user", "at"]
    assert (told.comment, told.properties) == ("Spent", {"team": "risk"})


def test_whoever_has_no_token_is_refused(workspace):
    async def asking():
        async with ApiClient(Configuration(host=f"{workspace.url}/api/2.1/unity-catalog")) as client:
            await CatalogsApi(client).list_catalogs()

    with pytest.raises(ApiException) as caught:
        asyncio.run(asking())
    assert caught.value.status == 401
