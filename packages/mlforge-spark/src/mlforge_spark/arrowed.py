"""Arrow's types as Spark reads them: what it reads, what that means, and in which of mlforge's words.

Spark reads the columns of a Parquet file as what they are on the disk, and what only Arrow's schema tells is made of
that. Frames come over Arrow in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.plugin.engine.times import FIRST, LAST
from mlforge_spark.types import DAY, duration, floor_div

if TYPE_CHECKING:
    from pyspark.sql import Column

_PER = {"s": -1_000_000, "ms": -1000, "us": 1, "ns": 1000}
"""Units in a microsecond; below zero microseconds in a unit."""
_FURTHEST = 2**63 - 1


class Wire(NamedTuple):
    """How a column comes: the type that Spark reads, what is made of it, and the word; None where it has none."""

    read: T.DataType
    decode: Callable[[Column], Column]
    word: str | None


def _same(value: Column) -> Column:
    return value


_PLAIN: dict[pa.DataType, tuple[T.DataType, str]] = {
    pa.bool_(): (T.BooleanType(), "Boolean"),
    pa.int8(): (T.ByteType(), "Int8"),
    pa.int16(): (T.ShortType(), "Int16"),
    pa.int32(): (T.IntegerType(), "Int32"),
    pa.int64(): (T.LongType(), "Int64"),
    pa.uint8(): (T.ShortType(), "UInt8"),
    pa.uint16(): (T.IntegerType(), "UInt16"),
    pa.uint32(): (T.LongType(), "UInt32"),
    pa.uint64(): (T.DecimalType(20, 0), "UInt64"),
    pa.float32(): (T.FloatType(), "Float32"),
    pa.float64(): (T.DoubleType(), "Float64"),
}


def wire_of(dtype: pa.DataType, *, on_disk: bool) -> Wire:
    """How columns of an Arrow type come, from a Parquet file or over Arrow as `shipped` gives them."""
    dtype = _bare(dtype)
    if dtype in _PLAIN:
        read, word = _PLAIN[dtype]
        return Wire(read, _same, word)
    types = pa.types
    if types.is_float16(dtype):
        return Wire(T.BinaryType(), _of_16_bits, "Float32") if on_disk else Wire(T.FloatType(), _same, "Float32")
    if types.is_null(dtype):
        return Wire(T.IntegerType(), lambda _: F.lit(None), "Int64")
    if types.is_string(dtype):
        return Wire(T.StringType(), _same, "String")
    if types.is_binary(dtype):
        return Wire(T.BinaryType(), _same, "Binary")
    if types.is_decimal(dtype) and dtype.precision <= 38:
        return Wire(T.DecimalType(dtype.precision, dtype.scale), _same, f"Decimal({dtype.precision}, {dtype.scale})")
    if types.is_list(dtype):
        return _several(wire_of(dtype.value_type, on_disk=on_disk))
    return _timed(dtype, on_disk) or Wire(_foreign(dtype), _same, None)


def _timed(dtype: pa.DataType, on_disk: bool) -> Wire | None:
    types = pa.types
    if types.is_date32(dtype):  # as days, so that a date beyond Python's comes, too, and is refused by its row
        return Wire(T.DateType(), _same, "Date") if on_disk else Wire(T.IntegerType(), F.date_from_unix_date, "Date")
    if types.is_date64(dtype):
        days = F.unix_date if on_disk else _same
        dated = T.DateType() if on_disk else T.IntegerType()
        return Wire(dated, lambda day: F.timestamp_micros(days(day).cast(T.LongType()) * DAY), "Datetime")
    if types.is_timestamp(dtype):
        if on_disk and dtype.unit == "us":  # as it stands, so that files tell what of them need not be read
            return Wire(T.TimestampType() if dtype.tz else T.TimestampNTZType(), _same, "Datetime")
        unit = "ms" if on_disk and dtype.unit == "s" else dtype.unit
        made = F.timestamp_micros if dtype.tz else _local
        return Wire(T.LongType(), lambda count: made(_micros(count, unit)), "Datetime")
    if types.is_duration(dtype):
        return Wire(T.LongType(), lambda count: duration(_cut_off(count, dtype.unit)), "Duration")
    if types.is_time(dtype):
        unit = "ms" if on_disk and dtype.unit == "s" else dtype.unit
        read = T.IntegerType() if unit in ("s", "ms") else T.LongType()
        return Wire(read, lambda count: _micros(count.cast(T.LongType()), unit), "Time")
    return None


def _local(micros: Column) -> Column:
    """A time without a zone, whatever the session's; of one beyond the years 1 to 9999, some such time."""
    beyond = F.when(micros < F.lit(FIRST), F.lit(FIRST - DAY)).otherwise(F.lit(LAST + 1))
    there = F.when(micros.between(FIRST, LAST), micros).when(micros.isNotNull(), beyond)
    return F.expr("TIMESTAMP_NTZ '1970-01-01 00:00:00'") + duration(there)


def _of_16_bits(value: Column) -> Column:
    """A float of its two bytes, the lower one first: a sign, 5 bits of a power of two, and 10 of a fraction."""
    digits = F.hex(value)
    bits = F.conv(F.concat(F.substring(digits, 3, 2), F.substring(digits, 1, 2)), 16, 10).cast(T.IntegerType())
    power, fraction = F.shiftright(bits, 10).bitwiseAND(31), bits.bitwiseAND(1023)
    endless = F.when(fraction == F.lit(0), F.lit(float("inf"))).otherwise(F.lit(float("nan")))
    ordinary = (fraction + F.lit(1024)) * F.pow(F.lit(2.0), power - F.lit(25))
    size = F.when(power == 0, fraction * F.lit(2.0**-24)).when(power == 31, endless).otherwise(ordinary)
    return F.when(bits >= F.lit(2**15), -size).otherwise(size).cast(T.FloatType())


def _micros(count: Column, unit: str) -> Column:
    """Microseconds, rounded down; the furthest there are for what they do not hold."""
    per = _PER[unit]
    if per > 0:
        return count if per == 1 else floor_div(count, per)
    most = _FURTHEST // -per
    end = F.when(count < F.lit(0), F.lit(-_FURTHEST)).otherwise(F.lit(_FURTHEST))
    return F.when(count.between(-most, most), count * F.lit(-per)).when(count.isNotNull(), end)


def _cut_off(count: Column, unit: str) -> Column:
    """A length of time in microseconds, without what is finer."""
    return F.call_function("div", count, F.lit(_PER[unit]).cast(T.LongType())) if unit == "ns" else _micros(count, unit)


def _several(element: Wire) -> Wire:
    decode = _same if element.decode is _same else lambda value: F.transform(value, element.decode)
    return Wire(T.ArrayType(element.read), decode, element.word and f"List({element.word})")


def _foreign(dtype: pa.DataType) -> T.DataType:
    """Spark's type for what has no word: it is refused where somebody computes with it."""
    if pa.types.is_struct(dtype):
        fields = [T.StructField(f.name, wire_of(f.type, on_disk=True).read) for f in dtype]
        return T.StructType(fields)
    if pa.types.is_map(dtype):
        return T.MapType(wire_of(dtype.key_type, on_disk=True).read, wire_of(dtype.item_type, on_disk=True).read)
    return T.BinaryType()


def _bare(dtype: pa.DataType) -> pa.DataType:
    """The type that stands for all its kind."""
    types = pa.types
    if types.is_dictionary(dtype):
        return _bare(dtype.value_type)
    if types.is_large_list(dtype) or types.is_list(dtype) or types.is_fixed_size_list(dtype):
        return pa.list_(_bare(dtype.value_type))
    if isinstance(dtype, pa.BaseExtensionType):
        return _bare(dtype.storage_type)
    if types.is_large_string(dtype) or types.is_string_view(dtype):
        return pa.string()
    if types.is_large_binary(dtype) or types.is_binary_view(dtype) or types.is_fixed_size_binary(dtype):
        return pa.binary()
    return dtype


def shipped(table: pa.Table) -> pa.Table:
    """A table of columns that Spark takes, whatever their types: times and lengths of time as what they count."""
    columns = {f.name: _shipped(table[i].combine_chunks()) for i, f in enumerate(table.schema)}
    return pa.table(columns) if columns else table


def _shipped(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    types, dtype = pa.types, array.type
    if types.is_dictionary(dtype):
        words = array.dictionary.cast(_bare(dtype.value_type))  # views of text cannot be taken one by one
        return _shipped(pa.DictionaryArray.from_arrays(array.indices, words).dictionary_decode())
    if isinstance(array, pa.ExtensionArray):
        return _shipped(array.storage)
    if types.is_date64(dtype):
        return _shipped(pc.floor_temporal(array.cast(pa.timestamp("ms")), unit="day").cast(pa.date32()))
    if types.is_null(dtype):
        return array.cast(pa.int32())
    if types.is_timestamp(dtype) or types.is_duration(dtype) or types.is_time64(dtype):
        return array.view(pa.int64())
    if types.is_time32(dtype) or types.is_date32(dtype):
        return array.view(pa.int32())
    if types.is_list(_bare(dtype)):
        lists = array.cast(pa.list_(dtype.value_type))
        return pa.ListArray.from_arrays(lists.offsets, _shipped(lists.values), mask=lists.is_null())
    wider = {
        pa.float16(): pa.float32(),
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.uint64(): pa.decimal128(20),
    }
    if types.is_decimal(dtype):
        return array.cast(pa.decimal128(dtype.precision, dtype.scale)) if dtype.precision <= 38 else array
    return array.cast(wider.get(dtype, _bare(dtype)))
