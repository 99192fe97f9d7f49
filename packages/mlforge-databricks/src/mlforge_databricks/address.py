"""Addresses of tables: `table://catalog.schema.table`, and `?version=12` behind for one version of it."""

from __future__ import annotations

import re

import msgspec

from mlforge_databricks import sql

SCHEME = "table://"
PART = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""What a catalog, a schema and a table may be called here: Unity Catalog keeps no `.`, `/` or space in names."""


class Table(msgspec.Struct, frozen=True):
    """A table, or one version of it: the number of a Delta version."""

    catalog: str
    schema: str
    name: str
    version: int | None = None

    @property
    def quoted(self) -> str:
        """Its name as SQL writes it."""
        return sql.name(self.catalog, self.schema, self.name)

    @property
    def read(self) -> str:
        """What a query reads it by."""
        return self.quoted if self.version is None else f"{self.quoted} VERSION AS OF {self.version}"

    @property
    def uri(self) -> str:
        """Its address."""
        behind = "" if self.version is None else f"?version={self.version}"
        return f"{SCHEME}{self.catalog}.{self.schema}.{self.name}{behind}"

    @property
    def shown(self) -> str:
        """Its name for people."""
        return f"{self.catalog}.{self.schema}.{self.name}"


def parse(uri: str) -> Table:
    """The table at an address that this package made."""
    names, _, version = uri.removeprefix(SCHEME).partition("?version=")
    catalog, schema, name = names.split(".")
    return Table(catalog, schema, name, int(version) if version else None)
