"""The tables of Unity Catalog. One that is managed is staged first: it gets a place, and its first files there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from mlforge_databricks.testing.answers import Asked, Body, absent, born, free, need, page, wrong
from mlforge_databricks.testing.known import Known, path
from mlforge_databricks.testing.lake import StatementError

_KEPT = ("comment", "properties", "storage_location", "table_type", "data_source_format")


class Tables:
    """What is asked of tables."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._staged: dict[str, Body] = {}

    def doing(self) -> dict[tuple[str, str], Callable[[Asked], Body]]:
        """What is done, by method and path."""
        return {
            ("GET", "/tables"): self._list,
            ("POST", "/tables"): self._make,
            ("POST", "/staging-tables"): self._stage,
            ("GET", "/tables/{full_name}/exists"): self._exists,
            ("GET", "/tables/{full_name}"): self._table,
            ("DELETE", "/tables/{full_name}"): self._drop,
        }

    def _list(self, asked: Asked) -> Body:
        names = self._known.tables_of(f"{asked['catalog_name']}.{asked['schema_name']}")
        return page(asked, "tables", (self._info(name) for name in names))

    def _table(self, asked: Asked) -> Body:
        return self._info(self._there(asked))

    def _exists(self, asked: Asked) -> Body:
        return {"table_exists": self._known.has_table(asked["full_name"])}

    def _there(self, asked: Asked) -> str:
        name: str = asked["full_name"]
        if not self._known.has_table(name):
            raise absent("TABLE", name)
        return name

    def _stage(self, asked: Asked) -> Body:
        known, catalog, schema = self._known, asked["catalog_name"], asked["schema_name"]
        name = free(known.tables_of(f"{catalog}.{schema}"), "TABLE", f"{catalog}.{schema}.{asked['name']}")
        above = (known.all_schemas()[f"{catalog}.{schema}"], known.catalogs[catalog])
        root = next((one["storage_root"] for one in above if one.get("storage_root")), str(known.lake.folder))
        identity = str(uuid.uuid4())
        place = f"{_uri(root)}/__unitystorage/catalogs/{known.catalogs[catalog]['id']}/tables/{identity}"
        self._staged[place] = {"name": name, "id": identity}
        told = {"name": asked["name"], "catalog_name": catalog, "schema_name": schema}
        return told | {"id": identity, "staging_location": place}

    def _make(self, asked: Asked) -> Body:
        schema = f"{asked['catalog_name']}.{asked['schema_name']}"
        name = free(self._known.tables_of(schema), "TABLE", f"{schema}.{asked['name']}")
        told = born(asked, _KEPT, "table_id") | {"columns": _columns(asked)}
        if asked["table_type"] == "MANAGED":
            told["table_id"] = self._of_staged(name, asked)
        elif asked["table_type"] == "EXTERNAL" and not asked.get("storage_location"):
            raise wrong("An external table needs a storage_location.")
        self._let_read(schema, name, asked.get("storage_location") or "")
        self._known.tables[name] = told
        return self._info(name)

    def _of_staged(self, name: str, asked: Asked) -> str:
        """The identity of the staging table that becomes a managed one."""
        place = asked["storage_location"]
        if need(self._staged, "STAGING_TABLE", place)["name"] != name:
            raise wrong(f"{place} was staged for another table than {name}.")
        return str(self._staged.pop(place)["id"])

    def _let_read(self, schema: str, name: str, location: str) -> None:
        """Statements know a Delta table of some folder by its name, where they know its schema."""
        if schema not in self._known.lake.schemas or not (path(location) / "_delta_log").is_dir():
            return
        try:
            self._known.lake.adopt(name, path(location))
        except StatementError as error:
            raise wrong(str(error)) from None

    def _drop(self, asked: Asked) -> Body:
        self._known.remove_table(self._there(asked))
        return {}

    def _info(self, full: str) -> Body:
        catalog, schema, name = full.split(".")
        named = {"name": name, "catalog_name": catalog, "schema_name": schema, "full_name": full}
        return named | self._known.table(full)


def _uri(root: str) -> str:
    return (root if urlsplit(root).scheme else Path(root).as_uri()).rstrip("/")


def _columns(asked: Asked) -> list[Body]:
    return [{"position": place, "nullable": True} | column for place, column in enumerate(asked.get("columns") or [])]
