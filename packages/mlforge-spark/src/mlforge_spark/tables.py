"""Tables that Spark knows by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException

from mlforge.errors import Invalid
from mlforge.model.source import DeltaFormat, IcebergFormat
from mlforge.plugin import Scan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_UNKNOWN = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND", "REQUIRES_SINGLE_PART_NAMESPACE")
"""Of what Spark's errors are where there is no such table; the last one where it has one catalog alone."""


def open_table(scan: Scan, session: SparkSession) -> DataFrame:
    """The rows of a table, as it is or was. Raises `Invalid` for one that Spark does not know, or not as it was."""
    name = ".".join(f"`{part}`" for part in scan.uris[0].split("."))
    try:
        rows = session.sql(f"SELECT * FROM {name}{_as_of(scan.format)}")
        rows.columns  # noqa: B018 - some servers look for the table only now
    except AnalysisException as error:
        if found := _untold(scan, str(error)):
            raise found from error
        raise
    return rows


def _untold(scan: Scan, reason: str) -> Invalid | None:
    """The error for a table that Spark does not know, or not as it was."""
    where = f"Source {scan.name!r}: Spark"
    if any(word in reason for word in _UNKNOWN):
        return Invalid(
            f"{where} knows no table {scan.uris[0]}.",
            hint="Name it as Spark does, schema.table or catalog.schema.table; see spark.catalog.listTables().",
        )
    if "UNSUPPORTED_FEATURE.TIME_TRAVEL" in reason:
        return Invalid(
            f"{where} reads {scan.uris[0]} only as it is now, not as {scan.format}.",
            hint="Leave format= out, or name a table of Delta or Iceberg.",
        )
    return None


def _as_of(form: DeltaFormat | IcebergFormat | Any) -> str:
    version = form.version if isinstance(form, DeltaFormat) else form.snapshot
    if version is not None:
        return f" VERSION AS OF {version}"
    as_of = getattr(form, "as_of", None)
    return f" TIMESTAMP AS OF '{as_of}'" if as_of else ""
