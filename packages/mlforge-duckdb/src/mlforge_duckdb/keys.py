"""Surrogate keys as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlforge.plugin.engine.keys import NULL, check_key, label
from mlforge_duckdb.types import Type, bytes_of, is_null, micros, quoted, word


def surrogate_key(sources: Sequence[str], types: Mapping[str, Type]) -> str:
    """The `surrogate_key` of some columns, in SQL."""
    components = " || ".join(_component(name, types[name]) for name in sources)
    return f"left(sha256({components}), 32)"


def _component(name: str, dtype: Type) -> str:
    """One component as `encode_component` writes it."""
    if is_null(dtype):
        return f"'{NULL}'"
    kind = word(dtype, name)
    check_key(name, kind, dtype)
    written = _text(quoted(name), dtype, kind)
    return f"coalesce('{label(kind)}' || strlen({written}) || ':' || {written}, '{NULL}')"


def _text(column: str, dtype: Type, kind: str) -> str:
    match kind:
        case "Boolean":
            return f"CAST(CAST({column} AS TINYINT) AS VARCHAR)"
        case "Binary":
            return f"lower(hex({bytes_of(column) if dtype.id == 'uuid' else column}))"
        case "Date":
            return f"CAST({column} - DATE '1970-01-01' AS VARCHAR)"
        case "Datetime":
            return f"CAST({micros(column, dtype)} AS VARCHAR)"
        case _:
            return f"CAST({column} AS VARCHAR)"
