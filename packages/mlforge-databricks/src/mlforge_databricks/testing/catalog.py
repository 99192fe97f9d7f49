"""Unity Catalog over HTTP: catalogs, schemas and tables are listed, told of, made and removed.

Tables that statements made are there, and one that is made here of a folder with a Delta table is read by statements.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlforge_databricks.testing.lake import CATALOGS, Lake, StatementError

_AT = "/api/2.1/unity-catalog"
_MOST = 100
"""How many things a page has where nobody says fewer."""
_KEPT = ("comment", "properties", "storage_location", "columns", "table_type", "data_source_format")
Body = dict[str, Any]


class Failure(Exception):
    """What a request is refused with: a status of HTTP, the error's code, and the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Catalog:
    """What Unity Catalog knows. Catalogs beside those of the lake hold what is registered here alone."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._catalogs: dict[str, Body] = {name: {} for name in CATALOGS}
        self._schemas: dict[str, Body] = {}
        self._tables: dict[str, Body] = {}

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route(f"{_AT}/catalogs", self._answer(self._list_catalogs)),
            Route(f"{_AT}/catalogs", self._answer(self._make_catalog), methods=["POST"]),
            Route(f"{_AT}/catalogs/{{name}}", self._answer(self._catalog)),
            Route(f"{_AT}/catalogs/{{name}}", self._answer(self._drop_catalog), methods=["DELETE"]),
            Route(f"{_AT}/schemas", self._answer(self._list_schemas)),
            Route(f"{_AT}/schemas", self._answer(self._make_schema), methods=["POST"]),
            Route(f"{_AT}/schemas/{{name}}", self._answer(self._schema)),
            Route(f"{_AT}/schemas/{{name}}", self._answer(self._drop_schema), methods=["DELETE"]),
            Route(f"{_AT}/tables", self._answer(self._list_tables)),
            Route(f"{_AT}/tables", self._answer(self._make_table), methods=["POST"]),
            Route(f"{_AT}/tables/{{name}}/exists", self._answer(self._exists)),
            Route(f"{_AT}/tables/{{name}}", self._answer(self._table)),
            Route(f"{_AT}/tables/{{name}}", self._answer(self._drop_table), methods=["DELETE"]),
        ]

    def _answer(self, doing: Any) -> Any:
        async def answer(request: Request) -> Response:
            asked = dict(request.query_params) | dict(request.path_params)
            if request.method == "POST":
                asked |= await request.json()
            try:
                return JSONResponse(await run_in_threadpool(doing, asked))
            except Failure as error:
                return JSONResponse({"error_code": error.code, "message": str(error)}, error.status)

        return answer

    def _list_catalogs(self, asked: Body) -> Body:
        return _page(asked, "catalogs", (_catalog_info(name, told) for name, told in sorted(self._catalogs.items())))

    def _catalog(self, asked: Body) -> Body:
        return _catalog_info(asked["name"], self._need(self._catalogs, "CATALOG", asked["name"]))

    def _make_catalog(self, asked: Body) -> Body:
        name = _free(self._catalogs, "CATALOG", asked["name"])
        self._catalogs[name] = _kept(asked)
        return _catalog_info(name, self._catalogs[name])

    def _drop_catalog(self, asked: Body) -> Body:
        name = asked["name"]
        self._need(self._catalogs, "CATALOG", name)
        inside = [schema for schema in self._all_schemas() if schema.partition(".")[0] == name]
        _refuse_full("CATALOG", name, inside, asked)
        for schema in inside:
            self._drop_schema({"name": schema, "force": "true"})
        del self._catalogs[name]
        return {}

    def _all_schemas(self) -> dict[str, Body]:
        return {name: {} for name in sorted(self._lake.schemas)} | self._schemas

    def _list_schemas(self, asked: Body) -> Body:
        name = asked["catalog_name"]
        self._need(self._catalogs, "CATALOG", name)
        found = ((full, told) for full, told in sorted(self._all_schemas().items()) if full.partition(".")[0] == name)
        return _page(asked, "schemas", (_schema_info(full, told) for full, told in found))

    def _schema(self, asked: Body) -> Body:
        return _schema_info(asked["name"], self._need(self._all_schemas(), "SCHEMA", asked["name"]))

    def _make_schema(self, asked: Body) -> Body:
        catalog = asked["catalog_name"]
        self._need(self._catalogs, "CATALOG", catalog)
        name = _free(self._all_schemas(), "SCHEMA", f"{catalog}.{asked['name']}")
        if catalog in CATALOGS:
            self._lake.make_schema(asked["name"], catalog)
        self._schemas[name] = _kept(asked)
        return _schema_info(name, self._schemas[name])

    def _drop_schema(self, asked: Body) -> Body:
        name = asked["name"]
        self._need(self._all_schemas(), "SCHEMA", name)
        inside = self._names(name)
        _refuse_full("SCHEMA", name, inside, asked)
        for table in inside:
            self._drop_table({"name": table})
        self._schemas.pop(name, None)
        if name in self._lake.schemas:
            self._lake.drop_schema(name)
        return {}

    def _names(self, schema: str) -> list[str]:
        """The full names of the tables of a schema."""
        found = {name for name in self._tables if name.rpartition(".")[0] == schema}
        if schema in self._lake.schemas:
            rows = self._lake.run(f"SHOW TABLES IN {schema}").to_pylist()
            found |= {f"{schema}.{row['tableName']}" for row in rows}
        return sorted(found)

    def _list_tables(self, asked: Body) -> Body:
        schema = f"{asked['catalog_name']}.{asked['schema_name']}"
        self._need(self._all_schemas(), "SCHEMA", schema)
        return _page(asked, "tables", (self._table_info(name) for name in self._names(schema)))

    def _table(self, asked: Body) -> Body:
        if not self._is_there(asked["name"]):
            raise _absent("TABLE", asked["name"])
        return self._table_info(asked["name"])

    def _exists(self, asked: Body) -> Body:
        return {"table_exists": self._is_there(asked["name"])}

    def _is_there(self, name: str) -> bool:
        return name.count(".") == 2 and name in self._names(name.rpartition(".")[0])

    def _make_table(self, asked: Body) -> Body:
        schema = f"{asked['catalog_name']}.{asked['schema_name']}"
        self._need(self._all_schemas(), "SCHEMA", schema)
        name = _free(self._names(schema), "TABLE", f"{schema}.{asked['name']}")
        place = urlsplit(asked.get("storage_location") or "").path
        if schema in self._lake.schemas and place and (Path(place) / "_delta_log").is_dir():
            try:
                self._lake.adopt(name, Path(place))
            except StatementError as error:
                raise Failure(400, "INVALID_PARAMETER_VALUE", str(error)) from None
        self._tables[name] = _kept(asked)
        return self._table_info(name)

    def _drop_table(self, asked: Body) -> Body:
        name = asked["name"]
        if not self._is_there(name):
            raise _absent("TABLE", name)
        self._tables.pop(name, None)
        if name.rpartition(".")[0] in self._lake.schemas:
            self._lake.run(f"DROP TABLE IF EXISTS {name}")
        return {}

    def _table_info(self, full: str) -> Body:
        catalog, schema, name = full.split(".")
        told = self._tables.get(full) or self._of_lake(full)
        return {
            "name": name,
            "catalog_name": catalog,
            "schema_name": schema,
            "full_name": full,
            "table_id": full,
        } | told

    def _of_lake(self, full: str) -> Body:
        """What is known of a table that a statement made."""
        fields = self._lake.run(f"SELECT * FROM {full} LIMIT 0").schema
        columns = [
            {"name": field.name, "position": place, "nullable": field.nullable, "type_text": str(field.type)}
            for place, field in enumerate(fields)
        ]
        place = {"storage_location": self._lake.path(full).as_uri(), "data_source_format": "DELTA"}
        return place | {"table_type": "MANAGED", "columns": columns}

    @staticmethod
    def _need(known: dict[str, Body], what: str, name: str) -> Body:
        if name not in known:
            raise _absent(what, name)
        return known[name]


def _absent(what: str, name: str) -> Failure:
    return Failure(404, f"{what}_DOES_NOT_EXIST", f"{what.capitalize()} '{name}' does not exist.")


def _free(known: Iterable[str], what: str, name: str) -> str:
    if name in known:
        raise Failure(409, f"{what}_ALREADY_EXISTS", f"{what.capitalize()} '{name}' already exists.")
    return name


def _refuse_full(what: str, name: str, inside: list[str], asked: Body) -> None:
    if inside and asked.get("force") != "true":
        raise Failure(400, f"{what}_NOT_EMPTY", f"{what.capitalize()} '{name}' is not empty.")


def _kept(asked: Body) -> Body:
    return {key: asked[key] for key in _KEPT if asked.get(key) is not None}


def _catalog_info(name: str, told: Body) -> Body:
    return {"name": name, "full_name": name, "catalog_type": "MANAGED_CATALOG", "id": name} | told


def _schema_info(full: str, told: Body) -> Body:
    catalog, _, name = full.partition(".")
    return {"name": name, "catalog_name": catalog, "full_name": full, "schema_id": full} | told


def _page(asked: Body, what: str, found: Iterable[Body]) -> Body:
    """A page of them; which comes next is its token."""
    every = list(found)
    first, most = int(asked.get("page_token") or 0), int(asked.get("max_results") or 0) or _MOST
    more = {"next_page_token": str(first + most)} if first + most < len(every) else {}
    return {what: every[first : first + most]} | more
