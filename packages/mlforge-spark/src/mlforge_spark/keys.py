"""Surrogate keys as Spark's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.model.keys import Key
from mlforge.plugin.engine.keys import NULL, check_key, derivable, label
from mlforge_spark.types import column, plain, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def with_surrogates(frame: DataFrame, keys: Sequence[Key]) -> DataFrame:
    """The frame with the surrogate keys it lacks and has all the sources of."""
    made = [surrogate_key(k.sources, frame).alias(k.name) for k in derivable(frame.columns, keys)]
    return frame.select("*", *made) if made else frame


def surrogate_key(sources: Sequence[str], frame: DataFrame) -> Column:
    """The `surrogate_key` of some columns."""
    components = F.concat(*(_component(name, frame) for name in sources))
    return F.substring(F.sha2(components.cast(T.BinaryType()), 256), 1, 32)


def _component(name: str, frame: DataFrame) -> Column:
    """One component as `encode_component` writes it."""
    dtype, word = frame.schema[name].dataType, words_of(frame)[name]
    if isinstance(dtype, T.NullType):
        return F.lit(NULL)
    check_key(name, word, dtype.simpleString())
    written = _text(plain(column(name), dtype), word)
    size = F.octet_length(written).cast(T.StringType())
    return F.coalesce(F.concat(F.lit(label(word)), size, F.lit(":"), written), F.lit(NULL))


def _text(value: Column, word: str) -> Column:
    match word:
        case "Boolean":
            return value.cast(T.IntegerType()).cast(T.StringType())
        case "Binary":
            return F.lower(F.hex(value))
        case "Date":
            return F.unix_date(value).cast(T.StringType())
        case "Datetime":
            return F.unix_micros(value).cast(T.StringType())
        case _:
            return value.cast(T.StringType())
