"""Rows as the contract wants them: keys made, times in UTC, sorted, unique; and those found in other tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlforge.model.feature import Shape
from mlforge.model.keys import Key, surrogate_key
from mlforge.plugin import Conformed
from mlforge.plugin.engine.keys import check_key, derivable, need_result
from mlforge.plugin.engine.rows import duplicates, in_order, ranking, settled_columns
from mlforge.plugin.engine.times import alias_taken, null_times
from toy_engine.order import firsts, identities, ranks
from toy_engine.times import in_range, instants
from toy_engine.types import plain_table, plainly, word_of, words_of


def with_surrogates(table: pa.Table, keys: Sequence[Key]) -> pa.Table:
    """The table with the surrogate keys it lacks and has all the sources of."""
    for key in derivable(table.column_names, keys):
        for source in key.sources:
            check_key(source, word_of(table[source].type, source), table[source].type)
        columns = [plainly(table[s]).to_pylist() for s in key.sources]
        made = [surrogate_key(*values) for values in zip(*columns, strict=True)]
        table = table.append_column(key.name, pa.array(made, pa.string()))
    return table


def conform(table: pa.Table, shape: Shape) -> Conformed:
    """The rows under the contract's names, types and order of columns."""
    table, time = with_surrogates(table, shape.keys), shape.timestamp
    need_result(table.column_names, shape)
    for name in shape.key_names:
        check_key(name, word_of(table[name].type, name), table[name].type)
    if time:
        in_range(time.column, table[time.column])
        stamps = instants(table[time.column], time)
        if stamps.null_count:
            raise null_times(time.column, stamps.null_count, len(stamps))
        if time.name != time.column and time.name in table.column_names:
            raise alias_taken(time)
        table = table.set_column(table.column_names.index(time.column), time.name, stamps)
    list(words_of(table.schema).values())  # a type without a word is refused
    for name in table.column_names:
        in_range(name, table[name])
    held = plain_table(table).select(in_order(table.column_names, shape))
    ends = pc.min_max(held[shape.stamp].cast(pa.int64())).as_py() if shape.stamp else {"min": None, "max": None}
    return Conformed(held, held.num_rows, held.num_rows - with_keys(held, shape).num_rows, ends["min"], ends["max"])


def with_keys(table: pa.Table, shape: Shape) -> pa.Table:
    """The rows whose keys are not null."""
    for name in shape.key_names:
        table = table.filter(pc.is_valid(table[name]))
    return table


def settle(table: pa.Table, shape: Shape) -> pa.Table:
    """Unique and sorted. Raises `Invalid` for duplicates that nothing decides."""
    table = with_keys(table, shape)
    (numbers,) = identities([table], shape.identity)
    ties = [-ranks(plainly(table[c]))[0] for c in ranking(table.column_names, shape)]
    order = np.lexsort((*reversed(ties), numbers))
    first = firsts(numbers[order])
    if shape.tie_break is None and len(first) < len(order):
        raise _duplicated(table, numbers, shape.identity)
    return table.take(pa.array(order[first])).select(settled_columns(table.column_names, shape))


def _duplicated(table: pa.Table, numbers: np.ndarray, identity: Sequence[str]) -> Exception:
    _, at, times = np.unique(numbers, return_index=True, return_counts=True)
    examples = table.select(identity).take(pa.array(at[times > 1][:3]))
    return duplicates(int(times[times > 1].sum()), examples.to_pylist())


def anti_join(table: pa.Table, others: Sequence[pa.Table], columns: Sequence[str]) -> pa.Table:
    """The rows that are in none of the others."""
    numbers, *found = identities([table, *others], columns)
    return table.filter(pa.array((numbers < 0) | ~np.isin(numbers, np.concatenate([[-2], *found]))))
