"""Entity keys: which types can be one, and surrogate keys, hashed once for each distinct combination."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.keys import Key, hash_components
from mlforge.model.schema import KEY_TYPES
from mlforge_polars.types import plain, plainly, word


def derive(frame: pl.DataFrame, keys: Sequence[Key]) -> pl.DataFrame:
    """The frame with the surrogate keys that it lacks and has all the sources of."""
    return frame.with_columns(surrogate_keys(frame.select(k.sources)).alias(k.name) for k in derivable(frame, keys))


def derivable(frame: pl.DataFrame, keys: Sequence[Key]) -> list[Key]:
    """The surrogate keys that are not there and can be made."""
    columns = set(frame.columns)
    return [k for k in keys if k.sources and k.name not in columns and columns.issuperset(k.sources)]


def check_key(name: str, dtype: pl.DataType) -> None:
    """Raise `Invalid` for a type that cannot be a key."""
    if word(plain(dtype), name) not in KEY_TYPES:
        raise Invalid(
            f"Column {name!r} is {dtype}, which cannot be a key.",
            hint="Keys are integers, strings, booleans, dates, times or bytes; round or format a float first.",
        )


def surrogate_keys(sources: pl.DataFrame) -> pl.Series:
    """For each row the `surrogate_key` of its columns."""
    for name, dtype in sources.schema.items():
        if dtype != pl.Null:
            check_key(name, dtype)
    values = sources.select(plainly(name, dtype) for name, dtype in sources.schema.items())
    distinct = values.unique()
    texts = distinct.select(pl.concat_str(_component(n, t) for n, t in distinct.schema.items())).to_series()
    hashes = pl.Series([hash_components(text.encode()) for text in texts], dtype=pl.String)
    keyed = distinct.hstack([hashes.alias("\0key")])
    return values.join(keyed, on=values.columns, how="left", nulls_equal=True, maintain_order="left")["\0key"]


def _component(name: str, dtype: pl.DataType) -> pl.Expr:
    """One component as `encode_component` writes it."""
    letter, text = _letter_and_text(pl.col(name), dtype)
    written = pl.concat_str(pl.lit(letter), text.str.len_bytes(), pl.lit(":"), text)
    return pl.when(pl.col(name).is_null()).then(pl.lit("n0:")).otherwise(written)


def _letter_and_text(column: pl.Expr, dtype: pl.DataType) -> tuple[str, pl.Expr]:
    match dtype:
        case pl.String():
            return "s", column
        case pl.Boolean():
            return "b", column.cast(pl.Int8).cast(pl.String)
        case pl.Binary():
            return "x", column.bin.encode("hex")
        case pl.Date():
            return "d", column.to_physical().cast(pl.String)
        case pl.Datetime():
            return "t", column.to_physical().cast(pl.String)
        case _:
            return "i", column.cast(pl.String)
