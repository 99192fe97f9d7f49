"""What Unity Catalog knows: catalogs, schemas, tables and volumes by their full names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlforge_databricks.testing.answers import Body, need
from mlforge_databricks.testing.lake import CATALOGS, Lake

_NAMES_OF_TYPES = {"integer": "INT"}
"""Unity Catalog's names of types where they are not those of Spark."""


class Known:
    """All that is registered, beside what statements made in the catalogs of a lake."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.catalogs: dict[str, Body] = {name: {"id": name} for name in CATALOGS}
        self.schemas: dict[str, Body] = {}
        self.tables: dict[str, Body] = {}
        self.volumes: dict[str, Body] = {}

    def schemas_of(self, catalog: str) -> dict[str, Body]:
        """The schemas of a catalog that is there, by name."""
        need(self.catalogs, "CATALOG", catalog)
        return {name: told for name, told in self.all_schemas().items() if _above(name) == catalog}

    def all_schemas(self) -> dict[str, Body]:
        """The schemas of all catalogs, by name."""
        return dict(sorted(({name: {"schema_id": name} for name in self.lake.schemas} | self.schemas).items()))

    def tables_of(self, schema: str) -> list[str]:
        """The names of the tables of a schema that is there."""
        need(self.all_schemas(), "SCHEMA", schema)
        found = {name for name in self.tables if _above(name) == schema}
        if schema in self.lake.schemas:
            rows = self.lake.run(f"SHOW TABLES IN {schema}").to_pylist()
            found |= {f"{schema}.{row['tableName']}" for row in rows}
        return sorted(found)

    def volumes_of(self, schema: str) -> list[str]:
        """The names of the volumes of a schema that is there."""
        need(self.all_schemas(), "SCHEMA", schema)
        return sorted(name for name in self.volumes if _above(name) == schema)

    def has_table(self, name: str) -> bool:
        """Whether there is a table."""
        return _above(name) in self.all_schemas() and name in self.tables_of(_above(name))

    def table(self, name: str) -> Body:
        """What is known of a table that is there."""
        return self.tables.get(name) or self._of_lake(name)

    def _of_lake(self, name: str) -> Body:
        """What is known of a table that a statement made."""
        place = {"storage_location": self.lake.path(name).as_uri(), "data_source_format": "DELTA"}
        columns = [_column(place, field) for place, field in enumerate(self.lake.fields(name))]
        return place | {"table_type": "MANAGED", "columns": columns, "table_id": name}

    def remove_table(self, name: str) -> None:
        """Forget a table; the files of one that is managed go with it."""
        told = self.tables.pop(name, {})
        if _above(name) in self.lake.schemas:
            self.lake.run(f"DROP TABLE IF EXISTS {name}")
        if told.get("table_type") == "MANAGED":
            shutil.rmtree(path(told["storage_location"]), ignore_errors=True)

    def remove_schema(self, name: str) -> None:
        """Forget a schema and all that is in it."""
        for table in self.tables_of(name):
            self.remove_table(table)
        for volume in self.volumes_of(name):
            del self.volumes[volume]
        self.schemas.pop(name, None)
        if name in self.lake.schemas:
            self.lake.drop_schema(name)

    def rename(self, name: str, new: str) -> None:
        """Give a catalog or a schema, and all that is in it, another name."""
        for kept in (self.catalogs, self.schemas, self.tables, self.volumes):
            for full in [full for full in kept if full == name or full.startswith(f"{name}.")]:
                kept[new + full.removeprefix(name)] = kept.pop(full)


def path(location: str) -> Path:
    """Where the files of a location are on this machine."""
    return Path(unquote(urlsplit(location).path))


def _above(name: str) -> str:
    return name.rpartition(".")[0]


def _column(place: int, field: dict[str, Any]) -> Body:
    kind = field["kind"]
    told = {
        "name": field["name"],
        "type_text": field["text"],
        "type_json": field["json"],
        "type_name": _NAMES_OF_TYPES.get(kind, kind.upper()),
        "position": place,
        "nullable": field["nullable"],
        "type_precision": field["precision"],
        "type_scale": field["scale"],
    }
    return {key: value for key, value in told.items() if value is not None}
