"""Statements that a session of Spark runs: on Databricks itself, or over Spark Connect."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge_databricks.failures import Refused, refused
from mlforge_databricks.statements import Row

if TYPE_CHECKING:
    import pyarrow as pa


def active_session() -> Any:
    """The session that is active; None where there is none, or Spark was never imported."""
    if "pyspark.sql" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


class SparkStatements:
    """What `Statements` asks for, of a session that is not ended here."""

    where = "the Spark session"

    def __init__(self, session: Any) -> None:
        self._session = session

    def rows(self, statement: str) -> Sequence[Row]:
        with self._told():
            frame = self._session.sql(statement)
            names = frame.columns
            return [dict(zip(names, map(_text, row), strict=True)) for row in frame.collect()]

    def columns(self, table: str) -> list[str]:
        with self._told():
            return list(self._session.sql(f"SELECT * FROM {table} LIMIT 0").columns)

    def batches(self, statement: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        with self._told():
            table = self._session.sql(statement).toArrow()
        return table.schema, iter(table.to_batches())

    def send(self, path: str, there: str) -> None:
        """A volume is a folder where Databricks runs Python; elsewhere it is not there."""
        try:
            Path(there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
        except OSError as error:
            raise Refused(
                f"{there} cannot be written from here: {error.strerror or error}.",
                'Give warehouse_id="…": files are then sent over HTTP. Or build with Spark.',
            ) from None

    def remove(self, there: str) -> None:
        Path(there).unlink(missing_ok=True)

    def close(self) -> None:
        """The session is its owner's."""

    @contextmanager
    def _told(self) -> Iterator[None]:
        from pyspark.errors import PySparkException

        try:
            yield
        except PySparkException as error:
            raise refused(self.where, error.getCondition(), str(error)) from None


def _text(value: Any) -> str | None:
    """A value as text; an instant, which Spark gives in this machine's zone, as a warehouse gives it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value is None else str(value)
