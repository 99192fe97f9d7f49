"""What the settings of the stores must be, checked when they are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlforge.errors import Invalid, Unsupported
from mlforge.plugin.objects.settings import check_endpoint
from mlforge_databricks.address import PART

if TYPE_CHECKING:
    from mlforge_databricks.plugin import DatabricksOnlineStore, UnityCatalogStore

_WAREHOUSE = re.compile(r"[0-9a-zA-Z_-]+")


def check(config: UnityCatalogStore) -> None:
    """Raise `Invalid` for a setting that cannot be, naming it."""
    check_names(catalog=config.catalog, schema=config.schema, volume=config.volume)
    check_host(config.host)
    if config.warehouse_id is not None and not _WAREHOUSE.fullmatch(config.warehouse_id):
        raise Invalid(
            f"warehouse_id is {config.warehouse_id!r}.",
            hint="Give the ID alone, which stands in the warehouse's connection details behind /sql/1.0/warehouses/.",
        )
    _check_timeout(config.timeout, 600)


def check_online(config: DatabricksOnlineStore) -> None:
    """Raise for a setting of an online store that cannot be, naming it."""
    check_names(
        project=config.project, branch=config.branch, endpoint=config.endpoint, database=config.database,
        schema=config.schema,
    )  # fmt: skip
    check_host(config.host)
    if config.sync_mode != "triggered":
        raise Unsupported(
            f"sync_mode is {config.sync_mode!r}, and no pipeline syncs what is served.",
            hint='Leave it out, or sync_mode="triggered": what mlforge publish writes is there when it ends.',
        )
    if not 0 < config.port < 65536 or config.connections < 1:
        raise Invalid(
            f"port is {config.port}, connections {config.connections}.", hint="Such as port=5432, connections=8."
        )
    _check_timeout(config.timeout, 10)


def _check_timeout(timeout: float, such: int) -> None:
    if timeout <= 0:
        raise Invalid(f"timeout is {timeout:g}.", hint=f"Give seconds, such as timeout={such}.")


def check_names(**names: str | None) -> None:
    """Raise `Invalid` for what cannot be a name in Unity Catalog."""
    for what, name in names.items():
        if name is not None and not PART.fullmatch(name):
            raise Invalid(
                f"{what} is {name!r}.",
                hint=f'Give one name of letters, digits, - and _: {what}="features".',
            )


def check_host(host: str | None) -> None:
    """Raise `Invalid` for what is no address of a workspace."""
    if host is not None and "://" in host:
        check_endpoint(host, "https://dbc-a1b2.cloud.databricks.com")
