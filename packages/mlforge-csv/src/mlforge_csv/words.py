"""mlforge's words for types, as Polars' types."""

from __future__ import annotations

import polars as pl

from mlforge.plugin.engine.types import translated

WORDS: dict[str, pl.DataType] = {
    **{t.__name__: t() for t in (pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time, pl.Float32, pl.Float64)},
    **{t.__name__: t() for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)},
    "Datetime": pl.Datetime("us", "UTC"),
    "Duration": pl.Duration("us"),
}


def dtype_of(text: str) -> pl.DataType:
    """The Polars type for one of mlforge's words. Raises `Invalid` for a word that is none."""
    return translated(text, WORDS, pl.Decimal, pl.List)
