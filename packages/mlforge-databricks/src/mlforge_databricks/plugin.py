"""What this plugin is: the Databricks stores, announced without importing a client."""

from __future__ import annotations

from typing import ClassVar, Literal

from mlforge.plugin import (
    Lack,
    OnlineStoreConfig,
    OnlineStoreDescriptor,
    Secret,
    StoreConfig,
    StoreDescriptor,
    hookimpl,
)
from mlforge_databricks.settings import check, check_online

_MERGED = Lack("never", "An increment is merged into the table: a version is one version of it, whole.")
_ROWS = Lack("never", "What is hashed are the rows of a table; how its files hold them is the platform's.")


class UnityCatalogStore(StoreConfig, frozen=True, tag="unity-catalog"):
    """Keep every version of every feature in tables of Unity Catalog, one a feature.

    A version of a feature is a version of its Delta table; which one is said in `_mlforge_metadata`, a table beside
    them. Statements are run by the SQL warehouse that is named, or else by the session of Spark that is active.
    Credentials come from Databricks' own chain where none are given.

    Args:
        catalog: The catalog, which is there.
        schema: The schema, which is there.
        volume: A volume of the schema, by which engines other than Spark bring what they built.
        table_format: `delta`; or `iceberg`, on which every version has a table of its own.
        table_per_version: Give every version a table of its own, which no VACUUM makes unreadable.
        host: The workspace, such as `https://dbc-a1b2.cloud.databricks.com`.
        token: An access token.
        profile: Which profile of `~/.databrickscfg` is meant.
        warehouse_id: The SQL warehouse; without one, `DATABRICKS_WAREHOUSE_ID`.
        timeout: How many seconds a statement may take, the start of its warehouse included.

    Raises:
        Invalid: A name that cannot be, or a `host` that is no address.

    Example:
        >>> UnityCatalogStore("main", "features", warehouse_id="a1b2c3").kind
        'unity-catalog'
    """

    target: ClassVar[str] = "mlforge_databricks.store:open_store"

    catalog: str
    schema: str
    volume: str | None = None
    table_format: Literal["delta", "iceberg"] = "delta"
    table_per_version: bool = False
    host: str | None = None
    token: Secret | None = None
    profile: str | None = None
    warehouse_id: str | None = None
    timeout: float = 600.0

    def __post_init__(self) -> None:
        check(self)


class DatabricksOnlineStore(OnlineStoreConfig, frozen=True, tag="databricks-online-tables"):
    """Serve values from Lakebase, the PostgreSQL of Databricks, which follows its Online Tables.

    What is published from Unity Catalog is written to the database and served at once; no pipeline syncs it.
    Credentials of the database are made by the workspace, and renewed before they end.

    Args:
        catalog: Where the published features are kept. Each catalog has a schema of its own in the database, called
            like both, such as `prod.features_online`, so that what is served of `dev` is never taken for `prod`.
        schema: The schema for two tables; it is made where it is not there.
        sync_mode: `triggered`: what a publish writes is there when it ends.
        backend: `lakebase`: the database is written to directly.
        project: The Lakebase project; without one, the only one of the workspace, which the log then names.
        branch: Its branch.
        endpoint: The endpoint of the branch that takes writes.
        database: The database.
        user: The role of PostgreSQL; without one, whoever is logged in.
        port: Where the endpoint listens.
        tls: Whether connections are encrypted.
        connections: How many connections are open at the same time.
        timeout: How many seconds a connection or a statement may take.
        host: The workspace, such as `https://dbc-a1b2.cloud.databricks.com`.
        token: An access token of the workspace.
        profile: Which profile of `~/.databrickscfg` is meant.

    Raises:
        Invalid: A name that cannot be, or a `host` that is no address.
        Unsupported: A `sync_mode` or a `backend` that needs a pipeline, or that Databricks has ended.

    Example:
        >>> DatabricksOnlineStore(catalog="main", schema="features_online", sync_mode="triggered").kind
        'databricks-online-tables'
    """

    target: ClassVar[str] = "mlforge_databricks.online:open_online_store"

    catalog: str | None = None
    schema: str = "features_online"
    sync_mode: str = "triggered"
    backend: str = "lakebase"
    project: str | None = None
    branch: str = "production"
    endpoint: str = "primary"
    database: str = "databricks_postgres"
    user: str | None = None
    port: int = 5432
    tls: bool = True
    connections: int = 8
    timeout: float = 10.0
    host: str | None = None
    token: Secret | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        check_online(self)

    @property
    def place(self) -> str:
        """The schema of the database that is served from.

        Example:
            >>> DatabricksOnlineStore("prod").place, DatabricksOnlineStore(schema="served").place
            ('prod.features_online', 'served')
        """
        return self.schema if self.catalog is None else f"{self.catalog}.{self.schema}"


class LakebaseStore(DatabricksOnlineStore, frozen=True, tag="databricks-online"):
    """The same under the name that it has without Online Tables, `databricks-online`.

    Example:
        >>> LakebaseStore(catalog="main").kind
        'databricks-online'
    """


def _described(name: str, config: type[DatabricksOnlineStore]) -> OnlineStoreDescriptor:
    return OnlineStoreDescriptor(
        name=name,
        summary="Values in Lakebase, the PostgreSQL of Databricks.",
        api=1,
        config=config,
        publishes_from=("unity-catalog",),
    )


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """The one online store, under both its names."""
    return [
        _described("databricks-online-tables", DatabricksOnlineStore),
        _described("databricks-online", LakebaseStore),
    ]


@hookimpl
def mlforge_stores() -> list[StoreDescriptor]:
    """The one offline store."""
    return [
        StoreDescriptor(
            name="unity-catalog",
            summary="Versions in tables of Unity Catalog, on Databricks.",
            api=1,
            config=UnityCatalogStore,
            formats=("delta", "parquet"),
            lacks={
                "a_version_may_be_made_of_parts_of_earlier_ones": _MERGED,
                "its_content_hash_is_that_of_all_its_parts": _MERGED,
                "removing_a_version_breaks_no_newer_one": _MERGED,
                "what_newer_versions_are_read_from_is_no_leftover": _MERGED,
                "parts_say_their_size_and_hash": _ROWS,
                "every_byte_counts": _ROWS,
            },
        )
    ]
