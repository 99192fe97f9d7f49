"""What is Snowflake's own: how its driver is asked, and that each of its integers is a number of 38 digits."""

from __future__ import annotations

from typing import Any

from mlforge.errors import Invalid
from mlforge.model.source import Source

SETTINGS = {"adbc.snowflake.sql.client_option.max_timestamp_precision": "microseconds"}
"""In nanoseconds, which the driver else takes, no time after 2262 can be said."""


def schema_of(schema: Any) -> Any:
    """The columns of an answer (`pyarrow.Schema`), numbers without decimal places as integers."""
    import pyarrow as pa

    def dtype(kind: Any) -> Any:
        return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else kind

    return pa.schema([field.with_type(dtype(field.type)) for field in schema], schema.metadata)


def batch_of(source: Source, batch: Any) -> Any:
    """A part of an answer (`pyarrow.RecordBatch`) so. Raises `Invalid` for a number that 64 bits do not hold."""
    import pyarrow as pa

    schema = schema_of(batch.schema)
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowInvalid:
            raise Invalid(
                f"Source {source.name!r}: {field.name!r} holds integers beyond 64 bits.",
                hint=f"Read them as text or as floats: query='SELECT … CAST({field.name} AS VARCHAR) …'.",
            ) from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)
