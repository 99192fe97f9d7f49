"""The tables that rows are in: one a feature, of which a version is read by time travel, or one a version."""

from __future__ import annotations

import hashlib
import os
import re
import time
from contextlib import suppress
from datetime import datetime

import msgspec

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.meta import FeatureMeta
from mlforge.plugin import layout
from mlforge_databricks import sql
from mlforge_databricks.address import PART, Table
from mlforge_databricks.failures import Refused, is_absent, is_lost_race
from mlforge_databricks.statements import LOST_RACES, Statements

GONE = "_gone"
_BEGUN = re.compile(r"(?P<feature>.+)__(?P<begun>\d{10})_[0-9a-f]{16}(_gone)?")
_BYTES = re.compile(r"numOutputBytes\W+(\d+)")
_LOOKED_BACK = 50
"""How many changes of a table are looked at to find one's own."""


class Rows(msgspec.Struct, frozen=True):
    """Where what was built is, as a query reads it: the rows, and the keys and stamps of rows that are gone."""

    read: str
    gone: str | None = None


class Contents(msgspec.Struct, frozen=True):
    """What a table has, whatever files it is in: how many rows, and their hash."""

    rows: int
    hash: str


class Tables:
    """The tables of features in a schema."""

    def __init__(self, statements: Statements, catalog: str, schema: str, form: str, per_version: bool) -> None:
        self._statements = statements
        self._catalog, self._schema = catalog, schema
        self._form = form
        self._per_version = per_version or form == "iceberg"

    def begun(self, name: str) -> Table:
        """A table that is not there, with a name that nobody else has."""
        return self._table(f"{_plain(name)}__{int(time.time()):010}_{os.urandom(8).hex()}")

    def _table(self, name: str) -> Table:
        return Table(self._catalog, self._schema, name)

    def write(self, meta: FeatureMeta, begun: Table, rows: Rows, base: Table | None) -> tuple[Table, int]:
        """Bring rows to where their version is read, on top of the version that it continues; and say their bytes.

        Whatever the table has by now, since others may write to it at the same time: its contents become those of the
        version that is continued, without what is gone or comes anew, and the new rows.
        """
        if self._per_version:
            if base is None and rows.read == begun.quoted:
                return begun, self._size(begun)
            kept = self._table(f"{begun.name}_all" if rows.read == begun.quoted else begun.name)
            self._fill(kept, meta, begun.name, _merged(meta, rows, base))
            return kept, self._size(kept)
        kept = self._table(_plain(meta.name))
        self._fill(kept, meta, begun.name, _merged(meta, rows, base))
        number, size = self._own_version(kept, begun.name)
        return msgspec.structs.replace(kept, version=number), size

    def _fill(self, table: Table, meta: FeatureMeta, mark: str, query: str) -> None:
        about = f" COMMENT {sql.text(meta.description)}" if meta.description else ""
        told = {"mlforge.feature": meta.name, "mlforge.written": mark, "mlforge.keys": ",".join(meta.entity_keys)}
        properties = ", ".join(f"{sql.text(key)} = {sql.text(value)}" for key, value in told.items())
        statement = (
            f"CREATE OR REPLACE TABLE {table.quoted} USING {self._form}{about} TBLPROPERTIES ({properties}) AS {query}"
        )
        for _ in range(LOST_RACES):
            try:
                self._statements.rows(statement)
                return
            except Refused as error:
                if not is_lost_race(error):
                    raise
        self._statements.rows(statement)

    def _own_version(self, table: Table, mark: str) -> tuple[int, int]:
        """The number of the table's version that was written with a mark, and its bytes.

        The mark is among the properties that the table was given then, of which its history tells.
        """
        for row in self._statements.rows(f"DESCRIBE HISTORY {table.quoted} LIMIT {_LOOKED_BACK}"):
            if mark in (row["operationParameters"] or ""):
                told = _BYTES.search(row.get("operationMetrics") or "")
                return int(str(row["version"])), int(told[1]) if told else 0
        raise PluginFailed(
            f"The history of {table.shown} does not tell which of its versions was written just now.",
            hint="Build it again; if that is so every time, give each version its own table: table_per_version=True",
        )

    def contents(self, table: Table) -> Contents:
        """What a version of a table has. The hash does not depend on the order of rows, nor on files."""
        columns = [sql.name(column) for column in self._statements.columns(table.read)]
        seen = ", ".join(f"{c}, {c} IS NULL" for c in columns)
        sums = (
            f"CAST(SUM(CAST(xxhash64({start}{seen}) AS DECIMAL(38, 0))) AS STRING)" for start in ("", "'mlforge', ")
        )
        one, other = sums
        query = f"SELECT COUNT(*) AS counted, {one} AS one, {other} AS other FROM {table.read}"
        (row,) = self._statements.rows(query)
        told = f"{row['counted']} {row['one']} {row['other']} {' '.join(columns)}"
        return Contents(int(str(row["counted"])), hashlib.sha256(told.encode()).hexdigest())

    def _size(self, table: Table) -> int:
        """How many bytes a table has; 0 where the platform does not tell."""
        with suppress(Refused):
            for row in self._statements.rows(f"DESCRIBE DETAIL {table.quoted}"):
                return int(row.get("sizeInBytes") or 0)
        return 0

    def written(self, table: Table) -> float:
        """When a table was last written to, in seconds since the Unix epoch; 0 where the platform does not tell."""
        with suppress(Refused):
            for row in self._statements.rows(f"DESCRIBE DETAIL {table.quoted}"):
                said = row.get("lastModified")
                return datetime.fromisoformat(said).timestamp() if said else 0.0
        return 0.0

    def drop(self, table: Table) -> None:
        """Remove a table of one version, or one that was begun; one that is gone is no error."""
        if _BEGUN.fullmatch(table.name.removesuffix("_all")):
            self._statements.rows(f"DROP TABLE IF EXISTS {table.quoted}")

    def left(self) -> list[tuple[Table, int]]:
        """The tables that were begun and are there, and when, in seconds since the Unix epoch."""
        try:
            rows = self._statements.rows(f"SHOW TABLES IN {sql.name(self._catalog, self._schema)}")
        except Refused as error:
            if is_absent(error):
                return []
            raise
        names = [str(row["tableName"]) for row in rows]
        found = ((name, _BEGUN.fullmatch(name.removesuffix("_all"))) for name in names)
        return [(self._table(name), int(match["begun"])) for name, match in found if match]


def _plain(name: str) -> str:
    """What the table of a feature is called. Tables' names have no capitals; features that differ in them differ."""
    if not PART.fullmatch(layout.safe_name(name)):
        raise Invalid(
            f"{name!r} cannot be a feature's name here: a table is called like it.",
            hint="Use letters, digits, - and _.",
        )
    return name if name == name.lower() else f"{name.lower()}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _merged(meta: FeatureMeta, rows: Rows, base: Table | None) -> str:
    """The query that gives a version's rows."""
    fresh = f"SELECT * FROM {rows.read}"
    if base is None:
        return fresh
    identity = [sql.name(column) for column in meta.identity]
    ids = ", ".join(identity)
    others = [source for source in (rows.read, rows.gone) if source]
    replaced = " UNION ALL ".join(f"SELECT {ids} FROM {source}" for source in others)
    same = " AND ".join(f"kept.{column} <=> other.{column}" for column in identity)
    return f"SELECT kept.* FROM {base.read} AS kept LEFT ANTI JOIN ({replaced}) AS other ON {same} UNION ALL {fresh}"
