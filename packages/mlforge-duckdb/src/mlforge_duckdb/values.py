"""The events as the kernel sees them, and what is known of their values: looked up in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from mlforge.model.feature import Shape
from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Input, Windowed
from mlforge.plugin.engine.sizing import bits_of_floats, bits_of_integers, limbs_for_squares, limbs_for_sums
from mlforge_duckdb.aggs import Value, columns
from mlforge_duckdb.compile import compiled
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, floored, quoted


def events_of(
    shape: Shape, interval: int | None, origin: int, inputs: Sequence[Input], types: Mapping[str, Type]
) -> str:
    """The events as keys `k0` …, their instant `happened`, the instant `t` they are known from, and the inputs."""
    keys = [f"{quoted(k)} AS k{i}" for i, k in enumerate(shape.key_names)]
    known = happened = f"epoch_us({quoted(shape.stamp or '')})"
    if interval is not None:
        known = f"({floored(f'{known} - {origin}', interval)} + 1) * {interval} + {origin}"
    there = " AND ".join(f"{quoted(k)} IS NOT NULL" for k in shape.key_names)
    inside = columns(
        keys, [f"{happened} AS happened", f"{known} AS t"], [f"{compiled(i.source, types)} AS {i.name}" for i in inputs]
    )
    return f"SELECT {inside} FROM frame WHERE {there}"


def values_of(rows: duckdb.DuckDBPyRelation, events: str, windowed: Windowed) -> dict[str, Value]:
    """What is known of each input."""
    functions = {i.name: windowed.functions_of(i.name) for i in windowed.inputs}
    facts = [_facts(i, functions[i.name]) for i in windowed.inputs]
    sizes = [_size(i) for i in windowed.inputs if is_float(i.word)]
    sized = f"SELECT {columns(['*'], sizes)} FROM ({events})"
    found = asked(rows, f"SELECT {columns(['count(*)'], *facts)} FROM ({sized})").fetchall()[0]
    total, given = found[0], iter(found[1:])
    return {i.name: _value(i, functions[i.name], total, [next(given) for _ in range(4)]) for i in windowed.inputs}


def _facts(column: Input, functions: frozenset[str]) -> list[str]:
    """How many values there are, how many of them are not finite, and the least and greatest size of the others."""
    name, counted = column.name, f"count({column.name})"
    if not functions & {"sum", "mean", "std"}:
        return [counted, "0", "0", "0"]
    if not is_float(column.word):
        return [counted, "0", "0", f"max(abs(CAST({name} AS HUGEINT)))"]
    broken = f"count(CASE WHEN NOT isfinite({name}) THEN 1 END)"
    return [counted, broken, f"min({name}_size)", f"max({name}_size)"]


def _size(column: Input) -> str:
    """How large a float is that is neither 0 nor infinite: of hundreds, aggregates with filters take long to plan."""
    name = column.name
    return f"CASE WHEN isfinite({name}) AND {name} <> 0 THEN abs(CAST({name} AS DOUBLE)) END AS {name}_size"


def _value(column: Input, functions: frozenset[str], total: int, facts: Sequence[int | float | None]) -> Value:
    counted, broken, least, most = facts
    low, bits = bits_of_floats(least, most) if is_float(column.word) else bits_of_integers(int(most or 0))
    sums, squares = limbs_for_sums(low, bits, total), limbs_for_squares(low, bits, total)
    return Value(column.name, column.word, functions, counted != total, bool(broken), sums, squares)
