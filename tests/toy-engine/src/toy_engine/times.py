"""What a timestamp column means: instants in UTC microseconds. Text is parsed by Python, each text once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.parsing import instant_of
from mlforge.plugin.engine.times import Formatted, detected, no_time
from toy_engine.types import INSTANT, plainly


def instants(column: pa.ChunkedArray, timestamp: Timestamp) -> pa.Array:
    """The instants a column means, null where it is null.

    Raises:
        Invalid: Text that is no time, with the first bad value and its row, or a column of another type.
    """
    array, name = plainly(column), timestamp.column
    if pa.types.is_timestamp(array.type):
        return array
    if pa.types.is_date(array.type):
        return array.cast(pa.timestamp("us")).cast(INSTANT)
    if pa.types.is_string(array.type):
        return _read(array, timestamp)
    if pa.types.is_null(column.type):
        return pa.nulls(len(array), INSTANT)
    number = f'pc.cast(table["{name}"], pa.timestamp("s"))' if pa.types.is_integer(array.type) else None
    raise no_time(name, column.type, number)


def _read(text: pa.Array, timestamp: Timestamp) -> pa.Array:
    coded = pc.dictionary_encode(text)
    if not len(coded.dictionary):
        return pa.nulls(len(text), INSTANT)
    row = pc.index(pc.is_valid(text), True).as_py()
    form = Formatted(timestamp.format) if timestamp.format else detected(timestamp.column, row, str(text[row]))
    made = [instant_of(t, form) for t in coded.dictionary.to_pylist()]
    if None in made:
        bad = coded.dictionary[made.index(None)]
        row = pc.index(text, bad).as_py()
        raise form.misread(timestamp.column, row, str(bad))
    return pa.array(made, INSTANT).take(coded.indices)
