"""Entity keys: which types can be one, and surrogate keys as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlforge.errors import Invalid
from mlforge.model.keys import Key
from mlforge.model.schema import KEY_TYPES
from mlforge_duckdb.types import Type, is_null, micros, quoted, word


def derivable(types: Mapping[str, Type], keys: Sequence[Key]) -> list[Key]:
    """The surrogate keys that are not there and can be made."""
    return [k for k in keys if k.sources and k.name not in types and types.keys() >= set(k.sources)]


def check_key(name: str, dtype: Type) -> None:
    """Raise `Invalid` for a type that cannot be a key."""
    if word(dtype, name) not in KEY_TYPES:
        raise Invalid(
            f"Column {name!r} is {dtype}, which cannot be a key.",
            hint="Keys are integers, strings, booleans, dates, times or bytes; round or format a float first.",
        )


def surrogate_key(sources: Sequence[str], types: Mapping[str, Type]) -> str:
    """The `surrogate_key` of some columns, in SQL."""
    components = " || ".join(_component(name, types[name]) for name in sources)
    return f"left(sha256({components}), 32)"


def _component(name: str, dtype: Type) -> str:
    """One component as `encode_component` writes it."""
    if is_null(dtype):
        return "'n0:'"
    check_key(name, dtype)
    letter, written = _letter_and_text(quoted(name), dtype, word(dtype, name))
    return f"coalesce('{letter}' || strlen({written}) || ':' || {written}, 'n0:')"


def _letter_and_text(column: str, dtype: Type, kind: str) -> tuple[str, str]:
    match kind:
        case "String":
            return "s", f"CAST({column} AS VARCHAR)"
        case "Boolean":
            return "b", f"CAST(CAST({column} AS TINYINT) AS VARCHAR)"
        case "Binary":
            return "x", f"lower(hex({column}))"
        case "Date":
            return "d", f"CAST({column} - DATE '1970-01-01' AS VARCHAR)"
        case "Datetime":
            return "t", f"CAST({micros(column, dtype)} AS VARCHAR)"
        case _:
            return "i", f"CAST({column} AS VARCHAR)"
