"""Unity Catalog over HTTP: catalogs, schemas, tables and volumes are listed, told of, made, changed and removed.

Tables that statements made are there, and one that is made here of a folder with a Delta table is read by statements.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.routing import Route

from mlforge_databricks.testing import answers
from mlforge_databricks.testing.answers import Asked, Body, Failure, born, change, free, need, page, wrong
from mlforge_databricks.testing.commits import Commits
from mlforge_databricks.testing.known import Known
from mlforge_databricks.testing.lake import CATALOGS, Lake
from mlforge_databricks.testing.tables import Tables
from mlforge_databricks.testing.volumes import Volumes

_KEPT = ("comment", "properties", "storage_root")


class Catalog:
    """What Unity Catalog knows. Catalogs beside those of the lake hold what is registered here alone."""

    def __init__(self, lake: Lake) -> None:
        self._known = Known(lake)
        self._lock = threading.RLock()

    def routes(self) -> list[Route]:
        """What it answers, to one request at a time."""
        known = self._known
        doing = {
            ("GET", "/catalogs"): self._list_catalogs,
            ("POST", "/catalogs"): self._make_catalog,
            ("GET", "/catalogs/{name}"): self._catalog,
            ("PATCH", "/catalogs/{name}"): self._change_catalog,
            ("DELETE", "/catalogs/{name}"): self._drop_catalog,
            ("GET", "/schemas"): self._list_schemas,
            ("POST", "/schemas"): self._make_schema,
            ("GET", "/schemas/{full_name}"): self._schema,
            ("PATCH", "/schemas/{full_name}"): self._change_schema,
            ("DELETE", "/schemas/{full_name}"): self._drop_schema,
            **Tables(known).doing(),
            **Commits(known).doing(),
            **Volumes(known).doing(),
        }
        return [answers.route(method, path, self._alone(what)) for (method, path), what in doing.items()]

    def _alone(self, doing: Callable[[Asked], Body]) -> Callable[[Asked], Body]:
        def alone(asked: Asked) -> Body:
            with self._lock:
                return doing(asked)

        return alone

    def _list_catalogs(self, asked: Asked) -> Body:
        known = sorted(self._known.catalogs.items())
        return page(asked, "catalogs", (_catalog_info(name, told) for name, told in known))

    def _catalog(self, asked: Asked) -> Body:
        return _catalog_info(asked["name"], need(self._known.catalogs, "CATALOG", asked["name"]))

    def _make_catalog(self, asked: Asked) -> Body:
        name = free(self._known.catalogs, "CATALOG", asked["name"])
        self._known.catalogs[name] = born(asked, _KEPT, "id")
        return _catalog_info(name, self._known.catalogs[name])

    def _change_catalog(self, asked: Asked) -> Body:
        name, new = asked["name"], asked.get("new_name") or asked["name"]
        told = need(self._known.catalogs, "CATALOG", name)
        if new != name:
            _refuse_of_lake(name)
            self._known.rename(name, free(self._known.catalogs, "CATALOG", new))
        change(told, {key: asked.get(key) for key in ("comment", "properties")})
        return _catalog_info(new, told)

    def _drop_catalog(self, asked: Asked) -> Body:
        name = asked["name"]
        inside = list(self._known.schemas_of(name))
        _refuse_full("CATALOG", name, inside, asked)
        for schema in inside:
            self._known.remove_schema(schema)
        del self._known.catalogs[name]
        return {}

    def _list_schemas(self, asked: Asked) -> Body:
        found = self._known.schemas_of(asked["catalog_name"])
        return page(asked, "schemas", (_schema_info(full, told) for full, told in found.items()))

    def _schema(self, asked: Asked) -> Body:
        name = asked["full_name"]
        return _schema_info(name, need(self._known.all_schemas(), "SCHEMA", name))

    def _make_schema(self, asked: Asked) -> Body:
        catalog = asked["catalog_name"]
        name = free(self._known.schemas_of(catalog), "SCHEMA", f"{catalog}.{asked['name']}")
        if catalog in CATALOGS:
            self._known.lake.make_schema(asked["name"], catalog)
        self._known.schemas[name] = born(asked, _KEPT, "schema_id")
        return _schema_info(name, self._known.schemas[name])

    def _change_schema(self, asked: Asked) -> Body:
        name = asked["full_name"]
        catalog, _, last = name.partition(".")
        told = self._known.schemas.setdefault(name, need(self._known.all_schemas(), "SCHEMA", name))
        new = f"{catalog}.{asked.get('new_name') or last}"
        if new != name:
            _refuse_of_lake(catalog)
            self._known.rename(name, free(self._known.all_schemas(), "SCHEMA", new))
        change(told, {key: asked.get(key) for key in ("comment", "properties")})
        return _schema_info(new, told)

    def _drop_schema(self, asked: Asked) -> Body:
        name = asked["full_name"]
        _refuse_full("SCHEMA", name, self._known.tables_of(name) + self._known.volumes_of(name), asked)
        self._known.remove_schema(name)
        return {}


def _refuse_full(what: str, name: str, inside: list[str], asked: Asked) -> None:
    if inside and str(asked.get("force")).lower() != "true":
        raise Failure(400, f"{what}_NOT_EMPTY", f"{what.capitalize()} '{name}' is not empty.")


def _refuse_of_lake(catalog: str) -> None:
    if catalog in CATALOGS:
        raise wrong(f"Statements know the catalog '{catalog}' and what is in it by name, which stays.")


def _catalog_info(name: str, told: Body) -> Body:
    return {"name": name, "full_name": name, "catalog_type": "MANAGED_CATALOG"} | told


def _schema_info(full: str, told: Body) -> Body:
    catalog, _, name = full.partition(".")
    return {"name": name, "catalog_name": catalog, "full_name": full} | told
