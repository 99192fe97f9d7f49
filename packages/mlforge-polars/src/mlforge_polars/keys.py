"""Surrogate keys, hashed once for each distinct combination of what they are made of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlforge.model.keys import Key, hash_components
from mlforge.plugin.engine.keys import NULL, check_key, derivable, label
from mlforge_polars.types import plain, plainly, word


def derive(frame: pl.DataFrame, keys: Sequence[Key]) -> pl.DataFrame:
    """The frame with the surrogate keys that it lacks and has all the sources of."""
    made = derivable(frame.columns, keys)
    return frame.with_columns(surrogate_keys(frame.select(k.sources)).alias(k.name) for k in made)


def surrogate_keys(sources: pl.DataFrame) -> pl.Series:
    """For each row the `surrogate_key` of its columns."""
    for name, dtype in sources.schema.items():
        if dtype != pl.Null:
            check_key(name, word(plain(dtype), name), dtype)
    values = sources.select(plainly(name, dtype) for name, dtype in sources.schema.items())
    distinct = values.unique()
    texts = distinct.select(pl.concat_str(_component(n, t) for n, t in distinct.schema.items())).to_series()
    hashes = pl.Series([hash_components(text.encode()) for text in texts], dtype=pl.String)
    keyed = distinct.hstack([hashes.alias("\0key")])
    return values.join(keyed, on=values.columns, how="left", nulls_equal=True, maintain_order="left")["\0key"]


def _component(name: str, dtype: pl.DataType) -> pl.Expr:
    """One component as `encode_component` writes it."""
    if dtype == pl.Null:
        return pl.lit(NULL)
    text = _text(pl.col(name), dtype)
    written = pl.concat_str(pl.lit(label(word(dtype, name))), text.str.len_bytes(), pl.lit(":"), text)
    return pl.when(pl.col(name).is_null()).then(pl.lit(NULL)).otherwise(written)


def _text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    match dtype:
        case pl.Boolean():
            return column.cast(pl.Int8).cast(pl.String)
        case pl.Binary():
            return column.bin.encode("hex")
        case pl.Date() | pl.Datetime():
            return column.to_physical().cast(pl.String)
        case _:
            return column.cast(pl.String)
