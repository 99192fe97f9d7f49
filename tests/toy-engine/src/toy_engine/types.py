"""mlforge's words for types, and pyarrow's."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.schema import Column, Schema
from mlforge.plugin.engine.types import Words, cannot_hold, translated

INSTANT = pa.timestamp("us", "UTC")
SIMPLE = {
    "Boolean": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "String": pa.string(),
    "Binary": pa.binary(),
    "Date": pa.date32(),
    "Datetime": INSTANT,
    "Time": pa.time64("us"),
    "Duration": pa.duration("us"),
}
WORDS = {dtype: word for word, dtype in SIMPLE.items()}


def dtype_of(word: str) -> pa.DataType:
    """pyarrow's type for a word."""
    return translated(word, SIMPLE, pa.decimal128, pa.list_)


def word_of(dtype: pa.DataType, column: str) -> str:
    """The word for a type. Raises `Invalid` for one that has none."""
    plain = plain_type(dtype)
    if plain in WORDS:
        return WORDS[plain]
    if pa.types.is_decimal(plain):
        return f"Decimal({plain.precision}, {plain.scale})"
    if pa.types.is_list(plain):
        return f"List({word_of(plain.value_type, column)})"
    raise cannot_hold(column, dtype, None)


def words_of(schema: pa.Schema) -> Words[pa.DataType]:
    """A frame's columns in words."""
    return Words({f.name: f.type for f in schema}, word_of)


def schema_of(schema: pa.Schema) -> Schema:
    """A frame's columns as mlforge knows them."""
    return Schema(tuple(Column(name, word) for name, word in words_of(schema).items()))


def plain_type(dtype: pa.DataType) -> pa.DataType:
    """The type that stands for all its kind: one of text, one of instants, and so on."""
    types = pa.types
    if types.is_dictionary(dtype):
        return plain_type(dtype.value_type)
    if types.is_large_list(dtype) or types.is_list(dtype) or types.is_fixed_size_list(dtype):
        return pa.list_(plain_type(dtype.value_type))
    if isinstance(dtype, pa.BaseExtensionType):
        return plain_type(dtype.storage_type)
    if types.is_decimal(dtype):
        return pa.decimal128(dtype.precision, dtype.scale) if dtype.precision <= 38 else dtype
    kinds = (
        (INSTANT, (types.is_timestamp, types.is_date64)),
        (pa.string(), (types.is_large_string, types.is_string_view)),
        (pa.binary(), (types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)),
        (pa.time64("us"), (types.is_time,)),
        (pa.duration("us"), (types.is_duration,)),
        (pa.float32(), (types.is_float16,)),
        (pa.int64(), (types.is_null,)),
    )
    return next((plain for plain, kind in kinds if any(k(dtype) for k in kind)), dtype)


def plainly(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array of its plain type; instants are rounded down to microseconds."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # more text than one array holds
        raise pa.ArrowCapacityError("a column has more than 2 GB of text")
    if pa.types.is_dictionary(array.type):
        return plainly(array.dictionary_decode())
    if isinstance(array, pa.ExtensionArray):
        return plainly(array.storage)
    if pa.types.is_date64(array.type):
        array = array.cast(pa.timestamp("ms"))
    if pa.types.is_time64(array.type) and array.type.unit == "ns":  # a cast would refuse what is finer
        array = pc.divide(array.cast(pa.int64()), 1000).cast(pa.time64("us"))
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = pc.floor_temporal(array.cast(pa.timestamp("ns", array.type.tz and "UTC")), unit="microsecond")
    return array.cast(plain_type(array.type))


def plain_table(table: pa.Table) -> pa.Table:
    """A table of plain columns."""
    return pa.table({name: plainly(table[name]) for name in table.column_names})
