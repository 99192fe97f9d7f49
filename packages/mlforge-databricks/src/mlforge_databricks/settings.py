"""What the settings of the stores must be, checked when they are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlforge.errors import Invalid, Unsupported
from mlforge.plugin.objects.settings import check_endpoint
from mlforge_databricks.address import PART

if TYPE_CHECKING:
    from mlforge_databricks.plugin import DatabricksOnlineStore, UnityCatalogStore

LONGEST_NAME = 63
"""How many letters PostgreSQL keeps of a name: what is longer would be cut off, and two schemas become one."""
_PIPELINES = {
    "snapshot": (
        "a publish compares with what was published before, and writes what changed",
        "All of it is written by mlforge publish --force",
    ),
    "continuous": (
        "no pipeline runs between one publish and the next",
        "Publish as often as rows come: mlforge build --online",
    ),
}
_BACKENDS = {
    "feature-store": (
        "its pipeline copies tables when it comes to it, so a publish could end before it is served",
        "Lakebase is written to directly.",
    ),
    "online-tables": ("Databricks ended Online Tables in January 2026", "Lakebase is what follows them."),
}
"""What `sync_mode` and `backend` could be elsewhere: why it is not here, and what is done instead."""
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
        catalog=config.catalog, schema=config.schema, project=config.project, branch=config.branch,
        endpoint=config.endpoint, database=config.database,
    )  # fmt: skip
    check_host(config.host)
    if len(config.place) > LONGEST_NAME:
        raise Invalid(
            f"catalog and schema have {len(config.place)} letters together.",
            hint=f"They name one schema of PostgreSQL, which has at most {LONGEST_NAME}: shorten schema.",
        )
    _check_choice("sync_mode", config.sync_mode, "triggered", _PIPELINES)
    _check_choice("backend", config.backend, "lakebase", _BACKENDS)
    if not 0 < config.port < 65536 or config.connections < 1:
        raise Invalid(
            f"port is {config.port}, connections {config.connections}.", hint="Such as port=5432, connections=8."
        )
    _check_timeout(config.timeout, 10)


def _check_choice(what: str, given: str, able: str, others: Mapping[str, tuple[str, str]]) -> None:
    """Raise for a word other than the one that is able: with the reason for one that is known, `Unsupported`."""
    if given == able:
        return
    if given not in others:
        raise Invalid(f"{what} is {given!r}.", hint=f'There is {what}="{able}".')
    reason, hint = others[given]
    raise Unsupported(f"{what}={given!r} is not offered: {reason}.", hint=f'Leave {what} out, or "{able}". {hint}')


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
