"""Delta tables in folders of this machine, and SQL over them.

Statements are run by Sail, a server for Spark Connect. What it lacks and Databricks has is done by delta-rs on the same
tables: replacing a table with another schema, its history, VACUUM. What only Unity Catalog has – tags, constraints,
comments – is recorded as it was said.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from mlforge_databricks import sql

CATALOGS = ("main", "dev", "prod")
_NAME = r"(?P<table>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)"
_TEXT = r"'(?:[^'\\]|\\.)*'"
_REPLACE = re.compile(
    rf"CREATE OR REPLACE TABLE {_NAME} USING delta(?: COMMENT (?P<comment>{_TEXT}))?"
    rf"(?: TBLPROPERTIES \((?P<properties>(?:{_TEXT}|[^)'])*)\))? AS (?P<query>.+)",
    re.IGNORECASE | re.DOTALL,
)
_CREATE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_NAME} (?:\(|USING)", re.IGNORECASE)
_HISTORY = re.compile(rf"DESCRIBE HISTORY {_NAME}(?: LIMIT (?P<limit>\d+))?", re.IGNORECASE)
_DETAIL = re.compile(rf"DESCRIBE DETAIL {_NAME}", re.IGNORECASE)
_ALTER = re.compile(rf"ALTER TABLE {_NAME} (?P<what>.+)", re.IGNORECASE | re.DOTALL)
_VACUUM = re.compile(rf"VACUUM {_NAME}(?: RETAIN (?P<hours>\d+) HOURS)?", re.IGNORECASE)
_DROP = re.compile(rf"DROP TABLE (?:IF EXISTS )?{_NAME}", re.IGNORECASE)
_READING = ("SELECT", "DESCRIBE", "SHOW", "WITH")
_CLASSES = {
    r"\[([A-Z_.]+)\]": None,
    rf"[Dd]atabase not found: (?!(?:{'|'.join(CATALOGS)})\.)\w+\.": "NO_SUCH_CATALOG_EXCEPTION",
    r"[Dd]atabase not found": "SCHEMA_NOT_FOUND",
    r"Missing commit file|expected final version": "DELTA_VERSION_NOT_FOUND",
    r"Object at location .* not found|No such file": "FAILED_READ_FILE.DBR_FILE_NOT_EXIST",
    r"Parquet error|Object Store error": "FAILED_READ_FILE.NO_HINT",
    r"[Cc]oncurrent|[Cc]onflict": "DELTA_CONCURRENT_APPEND",
}


class StatementError(Exception):
    """A statement that is refused, with the class of the error as Databricks names it."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(f"[{word}] {message}")
        self.word = word


class Lake:
    """Catalogs of tables, which go with it.

    Args:
        folder: An empty folder for the tables' files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.described: dict[str, list[str]] = {}
        self.schemas: set[str] = set()
        self._changing = threading.RLock()
        self._server: Any = None
        self._session: Any = None

    def __enter__(self) -> Self:
        with _variables(_settings()), _main_file(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client warns of a newer pandas, which plays no part here
            from pysail.spark import SparkConnectServer
            from pyspark.sql.connect.logging import logger

            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
            self._server = SparkConnectServer("127.0.0.1", port)
            self._server.start(background=True)
        self.remote = f"sc://127.0.0.1:{port}/;session_id={uuid.uuid4()}"
        logger.setLevel(logging.CRITICAL + 1)  # what is refused is told to whoever asked
        self._session = self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.stop()
        self._server.stop()

    def connect(self) -> Any:
        """A session of Spark Connect that sees the same tables, in UTC."""
        from pyspark.sql import SparkSession

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            session = SparkSession.builder.remote(self.remote).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.warehouse.dir", str(self.folder / "warehouse"))
        return session

    def path(self, table: str) -> Path:
        """Where a table's files are, by its full name."""
        return self.folder.joinpath(*table.lower().split("."))

    def make_schema(self, schema: str, catalog: str = "main") -> None:
        """Make a schema where there is none."""
        with self._changing:
            self._sail(f"CREATE SCHEMA IF NOT EXISTS `{catalog}`.`{schema}`")
            self.schemas.add(f"{catalog}.{schema}")

    def drop_schema(self, schema: str) -> None:
        """Remove an empty schema, by its full name."""
        with self._changing:
            self._sail(f"DROP SCHEMA {sql.name(*schema.split('.'))}")
            self.schemas.discard(schema)

    def adopt(self, table: str, place: Path) -> None:
        """Let statements read a Delta table of some other folder by a name."""
        with self._changing:
            self._sail(f"CREATE TABLE {sql.name(*table.split('.'))} USING delta LOCATION '{place}'")

    def fields(self, table: str) -> list[dict[str, Any]]:
        """The columns of a table, by its full name, as Spark tells of them."""
        return [
            {
                "name": field.name,
                "kind": str(field.dataType.typeName()).partition("(")[0],
                "text": field.dataType.simpleString(),
                "json": field.json(),
                "nullable": field.nullable,
                "precision": getattr(field.dataType, "precision", None),
                "scale": getattr(field.dataType, "scale", None),
            }
            for field in self._session.table(sql.name(*table.split("."))).schema.fields
        ]

    def run(self, statement: str) -> pa.Table:
        """The answer to a statement. Those that change tables run one at a time, as if under Serializable.

        Raises:
            StatementError: It is refused.
        """
        local = statement.replace("/Volumes/", f"{self.folder}/Volumes/").strip()
        if local.upper().startswith(_READING):
            return self._run(local)
        with self._changing:
            return self._run(local)

    def _run(self, statement: str) -> pa.Table:
        for pattern, doing in self._own.items():
            if found := pattern.fullmatch(statement):
                return doing(self, found)
        if (found := _CREATE.match(statement)) and "LOCATION" not in statement:
            statement = f"{statement} LOCATION '{self.path(_plain(found['table']))}'"
        return self._sail(statement)

    def _sail(self, statement: str) -> pa.Table:
        from pyspark.errors import PySparkException

        try:
            answer = self._session.sql(statement)
            with suppress(PySparkException):  # seldom gRPC cannot read it; it is asked for again, nothing done twice
                _ = answer.schema
            return answer.toArrow()
        except PySparkException as error:
            raise _refused(str(error)) from None

    def write(self, table: str, rows: pa.Table, told: str = "{}") -> None:
        """Make or replace a table; `told` is what its history tells of that."""
        from deltalake import CommitProperties, write_deltalake

        place = self.path(table)
        with self._changing:
            is_new = not place.exists()
            properties = CommitProperties(custom_metadata={"told": told})
            write_deltalake(
                str(place), _kept(rows), mode="overwrite", schema_mode="overwrite", commit_properties=properties
            )
            if is_new:
                self._sail(f"CREATE TABLE {sql.name(*table.split('.'))} USING delta LOCATION '{place}'")

    def _replace(self, found: re.Match[str]) -> pa.Table:
        name = _plain(found["table"])
        self._sail(f"DESCRIBE SCHEMA {'.'.join(name.split('.')[:2])}")
        rows = self._sail(found["query"])
        self.write(name, rows, json.dumps({"isManaged": "true", "properties": found["properties"] or "{}"}))
        self.described.pop(name, None)
        return _rows(num_affected_rows=[str(rows.num_rows)], num_inserted_rows=[str(rows.num_rows)])

    def _history(self, found: re.Match[str]) -> pa.Table:
        entries = self._delta(found["table"]).history(int(found["limit"]) if found["limit"] else None)
        told = [entry.get("told") or json.dumps(entry.get("operationParameters", {})) for entry in entries]
        return _rows(
            version=[entry["version"] for entry in entries],
            operation=[entry["operation"] for entry in entries],
            operationParameters=told,
            operationMetrics=[json.dumps(entry.get("operationMetrics", {})) for entry in entries],
        )

    def _detail(self, found: re.Match[str]) -> pa.Table:
        delta = self._delta(found["table"])
        files = pa.table(delta.get_add_actions(flatten=True))
        written = datetime.fromtimestamp(delta.history(1)[0]["timestamp"] / 1000, UTC)
        sizes = files["size_bytes"].to_pylist()
        return _rows(format=["delta"], lastModified=[written], numFiles=[len(sizes)], sizeInBytes=[sum(sizes)])

    def _vacuum(self, found: re.Match[str]) -> pa.Table:
        hours = int(found["hours"]) if found["hours"] else None
        gone = self._delta(found["table"]).vacuum(hours, dry_run=False, enforce_retention_duration=False)
        return _rows(path=gone)

    def _alter(self, found: re.Match[str]) -> pa.Table:
        name = _plain(found["table"])
        self._delta(found["table"])
        self.described.setdefault(name, []).append(found["what"])
        return _rows()

    def _drop(self, found: re.Match[str]) -> pa.Table:
        answer = self._sail(found[0])
        shutil.rmtree(self.path(_plain(found["table"])), ignore_errors=True)
        return answer

    def _delta(self, table: str) -> Any:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(str(self.path(_plain(table))))
        except TableNotFoundError:
            raise StatementError("TABLE_OR_VIEW_NOT_FOUND", f"The table {table} cannot be found.") from None

    _own: Mapping[re.Pattern[str], Callable[[Lake, re.Match[str]], pa.Table]] = {
        _REPLACE: _replace, _HISTORY: _history, _DETAIL: _detail, _ALTER: _alter, _VACUUM: _vacuum, _DROP: _drop,
    }  # fmt: skip


def _kept(rows: pa.Table) -> pa.Table:
    """Rows in the types that Spark reads from Parquet: numbers have signs, lengths of time are numbers."""
    wider = {
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.uint64(): pa.decimal128(20, 0),
    }
    return rows.cast(pa.schema([field.with_type(_signed(field.type, wider)) for field in rows.schema]))


def _signed(found: pa.DataType, wider: Mapping[pa.DataType, pa.DataType]) -> pa.DataType:
    return pa.int64() if pa.types.is_duration(found) else wider.get(found, found)


def _settings() -> dict[str, str]:
    catalogs = ", ".join(f'{{name="{name}", type="memory", initial_database=["default"]}}' for name in CATALOGS)
    return {
        "SAIL_CATALOG__LIST": f"[{catalogs}]",
        "SAIL_CATALOG__DEFAULT_CATALOG": f'"{CATALOGS[0]}"',
        "RUST_LOG": "off",
    }


@contextmanager
def _main_file() -> Iterator[None]:
    """Let the main module have a file: without one, as in a worker of tests, pyspark takes it for its own doctests."""
    main = vars(sys.modules["__main__"])
    added = "__file__" not in main
    main.setdefault("__file__", sys.executable)
    try:
        yield
    finally:
        if added:
            del main["__file__"]


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment, for as long as a server starts."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _plain(name: str) -> str:
    return name.replace("`", "").lower()


def _rows(**columns: Any) -> pa.Table:
    return pa.table(columns or {"result": pa.array([], pa.string())})


def _refused(message: str) -> StatementError:
    for pattern, word in _CLASSES.items():
        if found := re.search(pattern, message, re.DOTALL):
            return StatementError(word or found[1], message.replace(f"[{found[1]}] " if word is None else "", ""))
    return StatementError("INTERNAL_ERROR", message)
