"""What is recorded of versions, in `_mlforge_metadata`: a row for each version, each pointer, and the manifest.

A row is created where there is none, and replaced where it still has the tag that was read; a version is shown by
creating its row and replacing the pointer. Each is one statement on one table, which Delta runs as if nobody else
changed the table meanwhile: it is made with the isolation level Serializable, under which of two statements that touch
the same, or create it, one is refused and run again. So a process that dies leaves all of it done, or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from mlforge_databricks import sql
from mlforge_databricks.address import Table
from mlforge_databricks.failures import Refused, is_absent
from mlforge_databricks.statements import Row, Statements, change

TABLE = "_mlforge_metadata"
VERSION, LATEST, MANIFEST, PRUNED = "version", "latest", "manifest", "pruned"
_COLUMNS = ("kind", "feature", "version", "tag", "written", "table_name", "table_version", "data")
_ABOUT = "What mlforge records: versions of features, the tables they are in, and which is the latest."


class Record(msgspec.Struct, frozen=True):
    """A row: what it is of, the document it holds, and the tag it has until it is written again."""

    kind: str
    feature: str = ""
    version: str = ""
    data: bytes = b""
    table: Table | None = None
    tag: str = ""


class Metadata:
    """The table of a schema. It is made when something is first written."""

    def __init__(self, statements: Statements, catalog: str, schema: str, form: str) -> None:
        self._statements = statements
        self._place = (catalog, schema)
        self._form = form
        self._table = Table(catalog, schema, TABLE)
        self.where = self._table.shown

    def make(self) -> None:
        """Make the table where there is none."""
        properties = " TBLPROPERTIES ('delta.isolationLevel' = 'Serializable')" if self._form == "delta" else ""
        self._statements.rows(
            f"CREATE TABLE IF NOT EXISTS {self._table.quoted} (kind STRING, feature STRING, version STRING, "
            f"tag STRING, written TIMESTAMP, table_name STRING, table_version BIGINT, data STRING) USING {self._form} "
            f"COMMENT {sql.text(_ABOUT)}{properties}"
        )

    def column(self, column: str, kind: str, feature: str | None = None) -> list[str]:
        """One column of the rows of a kind: `feature` or `version`."""
        return [str(row[column]) for row in self._rows(f"DISTINCT {column}", _where(kind, feature))]

    def read(self, kind: str, feature: str = "", version: str = "") -> Record | None:
        """A row; None where there is none."""
        found = self.find(_where(kind, feature, version))
        return found[0] if found else None

    def all(self, kind: str, feature: str | None = None) -> list[Record]:
        """All rows of a kind, of one feature or of all of them."""
        return self.find(_where(kind, feature))

    def find(self, condition: str) -> list[Record]:
        """The rows that meet a condition."""
        rows = self._rows("kind, feature, version, tag, table_name, table_version, data", condition)
        return [self._record(row) for row in rows]

    def _rows(self, columns: str, condition: str) -> Sequence[Row]:
        try:
            return self._statements.rows(f"SELECT {columns} FROM {self._table.quoted} WHERE {condition}")
        except Refused as error:
            if not is_absent(error):
                raise
        self._statements.rows(f"DESCRIBE SCHEMA {sql.name(*self._place)}")  # refused where there is no such schema
        return []

    def _record(self, row: Row) -> Record:
        version, name = row["table_version"], row["table_name"]
        table = Table(*self._place, name, None if version is None else int(version)) if name else None
        data = (row["data"] or "").encode(errors="surrogatepass")
        return Record(str(row["kind"]), str(row["feature"]), str(row["version"]), data, table, str(row["tag"]))

    def create(self, record: Record) -> Record | None:
        """Write a row where there is none; None where there is one."""
        mine = msgspec.structs.replace(record, tag=_fresh())
        there = (
            f"t.kind = s.kind AND t.feature = s.feature AND t.version = s.version AND t.kind = {sql.text(mine.kind)}"
        )
        self._change(
            f"MERGE INTO {self._table.quoted} AS t USING ({_identity(mine)}) AS s ON {there} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(_COLUMNS)}) VALUES ({_values(mine)})",
            mine,
        )
        tags = self._tags(mine)
        if tags == [mine.tag]:
            return mine
        if mine.tag in tags:  # somebody created it at the same time, and may have seen that: neither did
            self.delete(mine)
        return None

    def show(self, version: Record, pointer: Record, seen: Record | None) -> bool:
        """Create a version's row and write the pointer that was seen: both, or neither where one is not as expected."""
        rows = [msgspec.structs.replace(one, tag=_fresh()) for one in (version, pointer)]
        held = f"{_where_of(pointer)} AND tag = {sql.text(seen.tag)}" if seen else _where_of(pointer)
        taken = f"{of_feature(version.feature)} AND {of_versions(version.version)}"
        asked = f"{'' if seen else 'NOT '}{self._exists(held)} AND NOT {self._exists(taken)}"
        source = " UNION ALL ".join(f"SELECT {_source(one)} WHERE {asked}" for one in rows)
        self._change(
            f"MERGE INTO {self._table.quoted} AS t USING ({source}) AS s ON t.kind = s.kind AND t.feature = s.feature "
            f"AND t.version = s.version AND t.{of_feature(version.feature)} "
            "WHEN MATCHED THEN UPDATE SET tag = s.tag, written = current_timestamp(), data = s.data "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(_COLUMNS)}) VALUES ({', '.join(f's.{c}' for c in _COLUMNS)})",
            rows[0],
        )
        shown = self._tags(rows[0])
        done = rows[0].tag in shown  # the pointer may be another's by now
        if done and seen is None and max(len(shown), len(self._tags(rows[1]))) > 1:  # as where one row is created
            for one in rows:
                self.delete(one)
            return False
        return done

    def _exists(self, condition: str) -> str:
        return f"EXISTS (SELECT 1 FROM {self._table.quoted} WHERE {condition})"

    def swap(self, record: Record, seen: Record) -> Record | None:
        """Write a row where it is still what was seen; None where it is another or gone."""
        mine = msgspec.structs.replace(record, tag=_fresh())
        answer = self._change(
            f"UPDATE {self._table.quoted} SET tag = {sql.text(mine.tag)}, written = current_timestamp(), "
            f"data = {_data(mine)} WHERE {_where_of(mine)} AND tag = {sql.text(seen.tag)}",
            mine,
        )
        done = [row["num_affected_rows"] for row in answer if "num_affected_rows" in row] == ["1"]
        return mine if done or self._tags(mine) == [mine.tag] else None

    def put(self, record: Record) -> None:
        """Write a row, whatever is there."""
        mine = msgspec.structs.replace(record, tag=_fresh())
        there = (
            f"t.kind = s.kind AND t.feature = s.feature AND t.version = s.version AND t.kind = {sql.text(mine.kind)}"
        )
        change(
            self._statements,
            f"MERGE INTO {self._table.quoted} AS t USING ({_identity(mine)}) AS s ON {there} WHEN MATCHED THEN UPDATE "
            f"SET tag = {sql.text(mine.tag)}, written = current_timestamp(), data = {_data(mine)} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(_COLUMNS)}) VALUES ({_values(mine)})",
        )

    def delete(self, record: Record) -> None:
        """Remove a row, if it is still what was written."""
        change(
            self._statements,
            f"DELETE FROM {self._table.quoted} WHERE {_where_of(record)} AND tag = {sql.text(record.tag)}",
        )

    def _change(self, statement: str, mine: Record) -> Sequence[Row]:
        """Run a statement that writes a row. One that was done though its answer was an error passes."""
        try:
            return change(self._statements, statement)
        except Refused:
            with suppress(Refused):
                if mine.tag in self._tags(mine):
                    return []
            raise

    def _tags(self, record: Record) -> list[str]:
        return [str(row["tag"]) for row in self._rows("tag", _where_of(record))]


def _fresh() -> str:
    return os.urandom(12).hex()


def _where(kind: str, feature: str | None = None, version: str | None = None) -> str:
    asked = {"kind": kind, "feature": feature, "version": version}
    return " AND ".join(f"{column} = {sql.text(value)}" for column, value in asked.items() if value is not None)


def of_feature(name: str) -> str:
    """The condition that a row is of a feature."""
    return f"feature = {sql.text(name)}"


def of_versions(*versions: str) -> str:
    """The condition that a row is of one of these versions; the pointer's is empty."""
    return f"version IN ({', '.join(map(sql.text, versions))})"


def _where_of(record: Record) -> str:
    return _where(record.kind, record.feature, record.version)


def _identity(record: Record) -> str:
    kind, feature, version = map(sql.text, (record.kind, record.feature, record.version))
    return f"SELECT {kind} AS kind, {feature} AS feature, {version} AS version"


def _data(record: Record) -> str:
    return sql.text(record.data.decode())


def _source(record: Record) -> str:
    return ", ".join(f"{value} AS {column}" for value, column in zip(_each_value(record), _COLUMNS, strict=True))


def _values(record: Record) -> str:
    return ", ".join(_each_value(record))


def _each_value(record: Record) -> list[str]:
    kind, feature, version, tag = map(sql.text, (record.kind, record.feature, record.version, record.tag))
    table = record.table
    name = sql.text(table.name if table else None)
    number = "CAST(NULL AS BIGINT)" if table is None or table.version is None else f"CAST({table.version} AS BIGINT)"
    return [kind, feature, version, tag, "current_timestamp()", name, number, _data(record)]
