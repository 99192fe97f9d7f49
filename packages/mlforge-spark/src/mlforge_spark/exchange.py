"""Frames between Spark and this process: over Arrow, or row by row. Times go as what they count, in no zone."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid
from mlforge.plugin.engine.columns import refuse_names
from mlforge.plugin.engine.types import translated
from mlforge_spark.arrowed import shipped, wire_of
from mlforge_spark.types import column, duration_micros, named, plain, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

INSTANT = pa.timestamp("us", "UTC")
ARROW: dict[str, pa.DataType] = {
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
_FEW = 100_000
"""So many rows are one partition: they keep their order, and are one file."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def arrow_of(word: str) -> pa.DataType:
    """Arrow's type for a word."""
    return translated(word, ARROW, pa.decimal128, pa.list_)


def from_arrow(table: pa.Table, session: SparkSession) -> DataFrame:
    """An Arrow table as a frame. Raises `Invalid` for columns that cannot be told apart."""
    refuse_names(table.column_names, "The frame", "Rename it in the function.")
    wires = {f.name: wire_of(f.type, on_disk=False) for f in table.schema}
    if strange := next((n for n, wire in wires.items() if wire.word is None), None):
        raise Invalid(
            f"Column {strange!r} is {table.schema.field(strange).type}, which a feature cannot hold.",
            hint="In the function, cast it to another type, or leave it out.",
        )
    read = T.StructType([T.StructField(n, wire.read) for n, wire in wires.items()])
    frame = _created(shipped(table), read, session)
    made = frame.select(*(named(w.decode(column(n)), n, w.word or "") for n, w in wires.items()))
    return made.coalesce(1) if table.num_rows <= _FEW else made


def _created(table: pa.Table, schema: T.StructType, session: SparkSession) -> DataFrame:
    if is_4(session) and table.num_rows:  # before, a session takes no Arrow table
        return session.createDataFrame(table, schema)
    rows = list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    can_check = "verifySchema" in inspect.signature(session.createDataFrame).parameters  # not Connect before 4.0
    return session.createDataFrame(rows, schema, **({"verifySchema": False} if can_check else {}))


def is_4(session: SparkSession) -> bool:
    """Whether the session is of Spark 4.0 or later."""
    return int(session.version.split(".", 1)[0]) >= 4


def to_arrow(frame: DataFrame) -> pa.Table:
    """All rows of a frame, in this process."""
    words = dict(words_of(frame))
    table = _collected(encoded(frame))
    return pa.table({n: _restored(table[i], arrow_of(w)) for i, (n, w) in enumerate(words.items())})


def _collected(frame: DataFrame) -> pa.Table:
    return frame.toArrow() if hasattr(frame, "toArrow") else _collected_by_3(frame)


def _collected_by_3(frame: Any) -> pa.Table:
    """The rows as Arrow, of Spark before 4.0, which gives them by no public name."""
    if hasattr(frame, "_plan"):  # Connect's
        client = frame.sparkSession._client  # noqa: SLF001
        return client.to_table(frame._plan.to_proto(client))[0]  # noqa: SLF001
    batches = frame._collect_as_arrow()  # noqa: SLF001
    types = {f.name: wire_of_spark(f.dataType) for f in frame.schema.fields}
    return pa.Table.from_batches(batches) if batches else pa.schema(list(types.items())).empty_table()


def wire_of_spark(dtype: T.DataType) -> pa.DataType:
    """Arrow's type for one that an encoded column has."""
    from pyspark.sql.pandas.types import to_arrow_type

    return to_arrow_type(dtype)


def _restored(array: pa.ChunkedArray, dtype: pa.DataType) -> pa.ChunkedArray:
    """An encoded column under its own type."""
    types = pa.types
    if types.is_timestamp(dtype) or types.is_duration(dtype) or types.is_time(dtype):
        return array.cast(pa.int64()).cast(dtype)
    if types.is_list(dtype) and not array.type.equals(dtype):
        whole = array.combine_chunks()
        lists = whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
        values = _restored(pa.chunked_array([lists.flatten()]), dtype.value_type).combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = pa.concat_arrays(values.chunks)
        lengths = pa.compute.fill_null(pa.compute.list_value_length(lists), 0).to_pylist()
        offsets = pa.array([0, *itertools.accumulate(lengths)], pa.int32())
        return pa.chunked_array([pa.ListArray.from_arrays(offsets, values, mask=lists.is_null())])
    return array if array.type.equals(dtype) else array.cast(dtype)


def encoded(frame: DataFrame) -> DataFrame:
    """The frame with times and lengths of time as what they count."""
    words = dict(words_of(frame))
    fields = {f.name: f.dataType for f in frame.schema.fields}
    return frame.select(*(_encoded(plain(column(n), fields[n]), w).alias(n) for n, w in words.items()))


def _encoded(value: Column, word: str) -> Column:
    if word == "Datetime":
        return F.unix_micros(value)
    if word == "Duration":
        return duration_micros(value)
    if word.startswith("List") and ("Datetime" in word or "Duration" in word):
        return F.transform(value, lambda element: _encoded(element, word[5:-1]))
    return value


def rows(frame: DataFrame, size: int) -> Iterator[list[dict[str, Any]]]:
    """The rows as plain Python values, a partition at a time."""
    words = dict(words_of(frame))
    convert = [converter(word) for word in words.values()]
    names = list(words)
    found = iter(encoded(frame).toLocalIterator())
    while batch := list(itertools.islice(found, size)):
        yield [{n: None if v is None else c(v) for n, v, c in zip(names, row, convert, strict=True)} for row in batch]


def converter(word: str) -> Callable[[Any], Any]:
    """What makes a plain Python value of one that came encoded, and is not null."""
    if word in _CONVERTERS:
        return _CONVERTERS[word]
    if word.startswith("List"):
        inner = converter(word[5:-1])
        return lambda values: [None if v is None else inner(v) for v in values]
    return lambda value: value


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "Datetime": lambda micros: _EPOCH + micros * _MICRO,
    "Duration": lambda micros: micros * _MICRO,
    "Time": lambda micros: (datetime.min + micros * _MICRO).time() if micros else time(),  # noqa: DTZ901
    "Binary": bytes,
    "UInt64": int,
}
