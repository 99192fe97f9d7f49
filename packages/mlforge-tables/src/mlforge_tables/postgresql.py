"""What is PostgreSQL's own: types that Arrow, or the engines, have none for come as text, as PostgreSQL writes them."""

from __future__ import annotations

from typing import Any

from mlforge.errors import Invalid
from mlforge.model.source import Source

_TYPE = b"POSTGRESQL:type"
_CASTS = {b"money": "text", b"record": "text", b"oid": "bigint"}
"""Types whose values the driver gives otherwise: as cents, cut, and with a sign."""
_DAY = 86_400_000_000
"""A day in microseconds."""


def casts(schema: Any) -> dict[str, str]:
    """The columns of an answer (`pyarrow.Schema`) that are to be cast, and to what."""
    found = {field.name: _cast(field) for field in schema}
    return {name: cast for name, cast in found.items() if cast}


def cast_schema(schema: Any) -> Any:
    """The columns as they come where they are cast."""
    import pyarrow as pa

    types = {"text": pa.string(), "text[]": pa.list_(pa.string()), "bigint": pa.int64()}
    cast = casts(schema)
    return pa.schema([pa.field(f.name, types[cast[f.name]]) if f.name in cast else f for f in schema])


def refuse_midnights(source: Source, batch: Any) -> None:
    """Raise `Invalid` for a 24:00 in a part of an answer (`pyarrow.RecordBatch`): engines would take it for a null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        values = column.flatten() if pa.types.is_list(field.type) else column
        if pa.types.is_time64(values.type) and (pc.max(values.cast("int64")).as_py() or 0) >= _DAY:
            raise Invalid(
                f"Source {source.name!r}: {field.name!r} holds 24:00:00, which is a time of day in PostgreSQL alone.",
                hint=f"Make it text or a null in the query: {field.name}::text, nullif({field.name}, '24:00').",
            )


def _cast(field: Any) -> str | None:
    import pyarrow as pa

    told = (field.metadata or {}).get(_TYPE, b"")
    if told in _CASTS:
        return _CASTS[told]
    if pa.types.is_list(field.type) and _is_foreign_in_lists(field.type.value_type):
        return "text[]"
    return "text" if _is_foreign(field.type) and "type_name=numeric" not in str(field.type) else None


def _is_foreign_in_lists(kind: Any) -> bool:
    """Whether lists of a type are none that engines have: JSON is text to them, but not in a list."""
    import pyarrow as pa

    return _is_foreign(kind) or isinstance(kind, pa.BaseExtensionType)


def _is_foreign(kind: Any) -> bool:
    """Whether a type, or one in it, is none that engines have."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return _is_foreign(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_is_foreign(kind.field(n).type) for n in range(kind.num_fields))
    return str(kind) == "month_day_nano_interval" or isinstance(kind, pa.OpaqueType | pa.UuidType)
