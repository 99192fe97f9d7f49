"""Spark's types and mlforge's words for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid
from mlforge.model.schema import Column as Named
from mlforge.model.schema import Schema
from mlforge.plugin.engine.types import Words, cannot_hold, translated

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SIMPLE: dict[str, T.DataType] = {
    "Boolean": T.BooleanType(),
    "Int8": T.ByteType(),
    "Int16": T.ShortType(),
    "Int32": T.IntegerType(),
    "Int64": T.LongType(),
    "Float32": T.FloatType(),
    "Float64": T.DoubleType(),
    "String": T.StringType(),
    "Binary": T.BinaryType(),
    "Date": T.DateType(),
    "Datetime": T.TimestampType(),
    "Duration": T.DayTimeIntervalType(),
}
_WORDS = {type(dtype): word for word, dtype in SIMPLE.items()} | {T.TimestampNTZType: "Datetime", T.NullType: "Int64"}
CARRIED: dict[str, T.DataType] = {
    "UInt8": T.ShortType(),
    "UInt16": T.IntegerType(),
    "UInt32": T.LongType(),
    "UInt64": T.DecimalType(20, 0),
    "Time": T.LongType(),
}
"""What Spark has no type for, and what carries it; `Time` as its microseconds. The column's metadata tell the word."""

_TOLD = "mlforge"
_WAYS_OUT: dict[str, str] = {
    "struct": 'take its fields apart: F.col("s.field")',
    "map": 'take its values: F.col("m")["key"]',
    "variant": "take its fields: F.variant_get(...)",
    "void": 'give it a type: F.lit(None).cast("string")',
}


def dtype_of(word: str) -> T.DataType:
    """Spark's type for a word; for one that Spark has not, that of what carries it."""
    return translated(word, SIMPLE | CARRIED, T.DecimalType, T.ArrayType)


def word_of(field: T.StructField, name: str) -> str:
    """The word for a column. Raises `Invalid` for a type that has none."""
    told = (field.metadata or {}).get(_TOLD)
    if told and dtype_of(told).simpleString() == field.dataType.simpleString():
        return str(told)
    return _word_of(field.dataType, name)


def _word_of(dtype: T.DataType, name: str) -> str:
    if isinstance(dtype, T.DecimalType):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, T.ArrayType):
        return f"List({_word_of(dtype.elementType, name)})"
    if isinstance(dtype, T.StringType):  # also those of a length
        return "String"
    if type(dtype) in _WORDS:
        return _WORDS[type(dtype)]
    raise _without_word(name, dtype)


def need_type(name: str, dtype: T.DataType) -> None:
    """Raise `Invalid` for a column of nothing but nulls to which nobody gave a type: no engine holds it."""
    element = dtype
    while isinstance(element, T.ArrayType):
        element = element.elementType
    if isinstance(element, T.NullType):
        raise _without_word(name, dtype)


def _without_word(name: str, dtype: T.DataType) -> Invalid:
    return cannot_hold(name, dtype.simpleString(), _WAYS_OUT.get(dtype.typeName()))


def refuse_stream(frame: object, what: str) -> None:
    """Raise `Invalid` for a frame that has no end."""
    if getattr(frame, "isStreaming", False):
        raise Invalid(
            f"{what} is a stream, whose rows are never all there.",
            hint="Read them by spark.read, not by spark.readStream; or take each batch by itself: foreachBatch.",
        )


def named(value: Column, name: str, word: str) -> Column:
    """A column under its name, which remembers a word that Spark has no type for."""
    carried = any(bare in word for bare in CARRIED)
    return value.alias(name, metadata={_TOLD: word}) if carried else value.alias(name)


def words_of(frame: DataFrame) -> Words[T.StructField]:
    """A frame's columns in words."""
    return Words({field.name: field for field in frame.schema.fields}, word_of)


def types_of(frame: DataFrame) -> dict[str, T.DataType]:
    """A frame's columns and Spark's types, in order."""
    return {field.name: field.dataType for field in frame.schema.fields}


def schema_of(frame: DataFrame) -> Schema:
    """A frame's columns as mlforge knows them."""
    return Schema(tuple(Named(name, word) for name, word in words_of(frame).items()))


def column(name: str) -> Column:
    """A column by its name, whatever letters that has."""
    return F.col("`" + name.replace("`", "``") + "`")


def shown(name: str) -> str:
    """A column as a user writes it in Python."""
    quoted = name if re.fullmatch(r"\w+", name) else "`" + name.replace("`", "``") + "`"
    return f"F.col({json.dumps(quoted, ensure_ascii=False)})"


def plainly(name: str, dtype: T.DataType) -> Column:
    """A column as it is kept: times without a zone are instants in UTC, text is text of any length, byte by byte."""
    return plain(column(name), dtype)


def plain(value: Column, dtype: T.DataType) -> Column:
    """A value of some type as it is kept."""
    if isinstance(dtype, T.TimestampNTZType):
        return F.timestamp_micros(shown_micros(value))
    if isinstance(dtype, T.ArrayType) and (has_local_times(dtype) or _is_odd_text(dtype)):
        inner = dtype.elementType
        return F.transform(value, lambda element: plain(element, inner))
    if isinstance(dtype, T.NullType):
        return value.cast(T.LongType())
    return value.cast(T.StringType()) if _is_odd_text(dtype) else value


def _is_odd_text(dtype: T.DataType) -> bool:
    """Whether a type is that of text of a length, or of text to which other letters are equal, or of lists of them."""
    if isinstance(dtype, T.ArrayType):
        return _is_odd_text(dtype.elementType)
    return isinstance(dtype, T.StringType) and (type(dtype) is not T.StringType or dtype != T.StringType())


def has_local_times(dtype: T.DataType) -> bool:
    """Whether a type is that of times without a zone, or of lists of them."""
    return isinstance(dtype, T.TimestampNTZType) or (
        isinstance(dtype, T.ArrayType) and has_local_times(dtype.elementType)
    )


def shown_micros(value: Column) -> Column:
    """What a time without a zone shows, in microseconds as if it were UTC, whatever the session's zone."""
    days = F.unix_date(value.cast(T.DateType())).cast(T.LongType())
    seconds = (F.date_part(F.lit("SECOND"), value) * F.lit(1_000_000)).cast(T.LongType())
    hours, minutes = (part(value).cast(T.LongType()) for part in (F.hour, F.minute))  # 36 minutes overflow 32 bits
    return days * F.lit(DAY) + hours * F.lit(HOUR) + minutes * F.lit(MINUTE) + seconds


DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000


def floor_div(value: Column, by: int) -> Column:
    """A division of 64-bit integers that rounds down."""
    whole = F.lit(by).cast(T.LongType())
    return F.call_function("div", value - F.pmod(value, whole), whole)


def duration_micros(value: Column) -> Column:
    """A length of time as its microseconds."""
    part = {name: F.date_part(F.lit(name), value) for name in ("DAY", "HOUR", "MINUTE", "SECOND")}
    seconds = (part["SECOND"] * F.lit(1_000_000)).cast(T.LongType())
    whole = part["DAY"].cast(T.LongType()) * F.lit(DAY) + part["HOUR"].cast(T.LongType()) * F.lit(HOUR)
    return whole + part["MINUTE"].cast(T.LongType()) * F.lit(MINUTE) + seconds


def duration(micros: Column) -> Column:
    """A length of time of its microseconds."""
    return F.expr("make_dt_interval(0, 0, 0, 0.000001)") * micros  # a literal is of another type in some sessions
