"""Figures of columns, in a few passes over all rows: of each, one row of figures comes to this process.

Passes read a few columns each: of more, what Spark compiles of figures is too long for the JVM to compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from mlforge.model.quality import LONGEST, MOST_EXACT, ColumnQuality, Measuring, Quality
from mlforge.model.schema import Column, is_float
from mlforge.plugin.engine.measuring import LOWERED, Facts, assembled, kind_of, to_measure
from mlforge.plugin.engine.types import is_decimal
from mlforge_spark.exchange import converter
from mlforge_spark.numbers import UP, real
from mlforge_spark.samples import NOTHING, Columns, asked, spreads
from mlforge_spark.types import DAY, plainly, schema_of, types_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SKETCH_ERROR = 0.01
"""That of a sketch of 2 ** 14 registers, rounded up: 1.04 / sqrt(2 ** 14)."""

_REGISTERS = 14
"""Of a sketch, as a power of two."""

_DOUBTFUL = MOST_EXACT * (1 + 8 * SKETCH_ERROR)
"""An estimate up to here may be of a number that has to be exact."""

_AT_ONCE = 32
"""Columns of a pass: one task holds the samples of all of them."""

_COMPILED = 6
"""Columns of a pass whose figures are compiled."""

_ENTITY = "entity"

_Parts = Sequence[tuple[str, str]]
"""Columns that are told apart together, each with its word."""


def measured(rows: DataFrame, ask: Measuring, *, is_file: bool = False) -> Quality:
    """The figures of the columns that are asked for. Rows that are in no file are held, and so computed once."""
    schema = schema_of(rows)
    columns = dict(enumerate(to_measure(schema, ask)))
    named = {n: Column(n, schema.dtype(n)) for n in (*(c.name for c in columns.values()), *ask.keys)}
    entity = [(f"c{list(named).index(k)}", named[k].dtype) for k in ask.keys]
    numbered = dict(enumerate(named.values()))
    frame = _plain(rows, numbered)
    held = frame if is_file else frame.persist()
    try:
        return _measured(_with_values(held, numbered), columns, entity, ask)
    finally:
        if not is_file:
            held.unpersist()


def _measured(frame: DataFrame, columns: Columns, entity: _Parts, ask: Measuring) -> Quality:
    facts: dict[str, Any] = {}
    made: list[ColumnQuality] = []
    same = next((name for name, parts in _compared(columns, []).items() if parts == entity), None)
    also = [] if same else entity
    for some in _parted(columns, _AT_ONCE):
        facts |= _facts(frame, some)
        facts |= _about(frame, _compared(some, also), facts["rows"])
        made += _sampled(frame, some, also, facts, ask)
        also = []  # is told with the first
    if not ask.keys:
        return Quality(rows=facts["rows"], columns=tuple(made))
    entities, error = _different(facts, same or _ENTITY)
    return Quality(rows=facts["rows"], entities=entities, entities_error=error, columns=tuple(made))


def _plain(rows: DataFrame, columns: Columns) -> DataFrame:
    """The columns under short names."""
    types = types_of(rows)
    return rows.select(*(plainly(c.name, types[c.name]).alias(f"c{i}", metadata={}) for i, c in columns.items()))


def _with_values(frame: DataFrame, columns: Columns) -> DataFrame:
    """The columns, and of each what its figures are made of."""
    values = {i: _value(f"c{i}", c.dtype) for i, c in columns.items() if _has_ends(c)}
    return frame.selectExpr("*", *(f"{sql} AS v{i}" for i, sql in values.items()))


def _has_ends(column: Column) -> bool:
    return kind_of(column.dtype) in ("number", "time", "choice")


def _value(name: str, word: str) -> str:
    """A finite number, a time in microseconds since the Unix epoch, a text as short as it can be told from others."""
    if is_float(word):
        return f"CASE WHEN abs({name}) < {UP} THEN CAST({name} AS DOUBLE) + {real(0.0)} END"
    if word == "Date":
        return f"CAST(unix_date({name}) AS DOUBLE) * {real(DAY)}"
    if word == "Datetime":
        return f"CAST(unix_micros({name}) AS DOUBLE)"
    if word == "String":
        return f"CASE WHEN length({name}) <= {LONGEST} THEN {name} ELSE {_cut(name)} END"
    return name if word == "Boolean" else f"CAST({name} AS DOUBLE)"


def _cut(name: str) -> str:
    """A long text as its beginning, by which it is sorted and recorded, and a digest of all of it."""
    return f"concat(left({name}, {LONGEST}), sha2(CAST({name} AS BINARY), 256))"


def _facts(frame: DataFrame, columns: Columns) -> dict[str, Any]:
    """Counts, ends and moments of all rows."""
    parts = _parted(columns, _COMPILED)
    asks = [{f"{name}{i}": sql for i, c in part.items() for name, sql in _fact(i, c)} for part in parts]
    asks[0] = {"rows": "count(*)"} | asks[0]
    found = {name: value for ask in asks for name, value in asked(frame, ask).items()}
    beyond = [i for i in columns if not isfinite(found.get(f"mean{i}") or 0.0)]
    means = asked(frame, {f"mean{i}": f"avg(v{i} * {real(LOWERED)})" for i in beyond}) if beyond else {}
    return found | {name: mean / LOWERED for name, mean in means.items()}


def _about(frame: DataFrame, compared: Mapping[str, _Parts], rows: int) -> dict[str, int]:
    """About how many different values there are, or how many there may be where each is counted anyway."""
    if rows <= MOST_EXACT or not compared:
        return {f"about_{name}": rows for name in compared}
    hashes = frame.selectExpr(*(f"{_hashed(parts)} AS {name}" for name, parts in compared.items()))
    apart = hashes.where("rand(0) >= 0")  # else hashes are not compiled, but joined to what sketches do
    return asked(apart, {f"about_{n}": f"hll_sketch_estimate(hll_sketch_agg({n}, {_REGISTERS}))" for n in compared})


def _parted(columns: Columns, size: int) -> list[Columns]:
    """Some columns as parts of so many; one part where there are none."""
    numbers = list(columns)
    parts = [numbers[start : start + size] for start in range(0, len(numbers) or 1, size)]
    return [{i: columns[i] for i in part} for part in parts]


def _fact(i: int, column: Column) -> Iterator[tuple[str, str]]:
    name, value, word = f"c{i}", f"v{i}", column.dtype
    yield "known", f"count({name})"
    if _has_ends(column):
        usable = value if is_float(word) else name
        for end in ("min", "max"):
            yield end, _end(f"{end}({usable})", word)
    if is_float(word):
        yield "nans", f"count_if(isnan({name}))"
        yield "finite", f"count({value})"
    if kind_of(word) == "number":
        yield "mean", f"avg({value})"
        yield "std", f"stddev_samp({value})"


def _end(value: str, word: str) -> str:
    """The least or greatest value as it comes here: of a text only so much that it shows whether there is more."""
    if word == "Datetime":
        return f"unix_micros({value})"
    return f"left({value}, {LONGEST + 1})" if word == "String" else value


def _compared(columns: Columns, entity: _Parts) -> dict[str, _Parts]:
    """Of what different values are counted: columns, and entities, which are of some columns."""
    compared: dict[str, _Parts] = {
        f"d{i}": [(f"c{i}", c.dtype)] for i, c in columns.items() if kind_of(c.dtype) != "list"
    }
    return compared | ({_ENTITY: entity} if entity else {})


def _hashed(parts: _Parts) -> str:
    """The hash of some columns, where none is null."""
    values = ", ".join(f"{name} + {real(0.0)}" if is_float(word) else name for name, word in parts)
    return f"CASE WHEN {_known(parts)} THEN xxhash64({values}) END"


def _apart(parts: _Parts) -> str:
    """What some columns are told from others by, where none is null: as short as it may be, and never by chance."""
    if len(parts) == 1:
        return _alone(*parts[0])
    texts = ", ".join(f"CAST({_alone(name, word)} AS STRING)" for name, word in parts)
    return f"CASE WHEN {_known(parts)} THEN array({texts}) END"


def _alone(name: str, word: str) -> str:
    if word == "String":
        return _value(name, word)
    if word == "Binary":
        return f"CASE WHEN length({name}) <= {LONGEST} THEN hex({name}) ELSE sha2({name}, 256) END"
    if is_decimal(word) or word == "UInt64":
        return f"CAST({name} AS STRING)"
    return _hashed([(name, word)])  # of 64 bits Spark's hash is one-to-one: no two of them share theirs


def _known(parts: _Parts) -> str:
    return " AND ".join(f"{name} IS NOT NULL" for name, _ in parts)


def _different(facts: Mapping[str, Any], name: str) -> tuple[int | None, float]:
    """How many different values there are, and the error of that."""
    if name in facts:
        return facts[name], 0.0
    return facts.get(f"about_{name}"), SKETCH_ERROR if f"about_{name}" in facts else 0.0


def _sampled(
    frame: DataFrame, columns: Columns, entity: _Parts, facts: dict[str, Any], ask: Measuring
) -> list[ColumnQuality]:
    """What is recorded of columns; how many different values they have joins the facts, where it is counted."""
    rows, compared = facts["rows"], _compared(columns, entity)
    few = {n: parts for n, parts in compared.items() if facts[f"about_{n}"] <= _DOUBTFUL}
    exact = {n: f"size(collect_set({_apart(parts)}))" for n, parts in few.items()}
    if rows > ask.sample:
        facts |= asked(frame, exact) if exact else {}
        frame, exact = frame.where(F.rand(0) < F.lit(ask.sample / rows)), {}
    held = _drawn(frame, columns, exact).persist()
    try:
        found, told = spreads(held, columns, ["drawn", *exact], ask)
    finally:
        held.unpersist()
    facts |= found
    sampled = facts["drawn"] if rows > ask.sample else 0
    return [assembled(c, rows, _seen(i, facts, c), *told.get(i, NOTHING), sampled) for i, c in columns.items()]


def _drawn(frame: DataFrame, columns: Columns, also: Mapping[str, str]) -> DataFrame:
    """One row: the values of a sample in order, how many rows it has, and what else is asked of them."""
    values = {f"s{i}": f"sort_array(collect_list(v{i}))" for i, c in columns.items() if _has_ends(c)}
    asks = {"drawn": "count(*)", **also, **values}
    return frame.selectExpr(*(f"{sql} AS {name}" for name, sql in asks.items()))


def _seen(i: int, facts: Mapping[str, Any], column: Column) -> Facts:
    known, nans = facts[f"known{i}"], facts.get(f"nans{i}", 0)
    convert = converter(column.dtype)
    least, greatest = (None if v is None else convert(v) for v in (facts.get(f"min{i}"), facts.get(f"max{i}")))
    infinite = known - nans - facts.get(f"finite{i}", known - nans)
    counts = facts["rows"] - known, nans, infinite
    return Facts(*counts, *_different(facts, f"d{i}"), least, greatest, facts.get(f"mean{i}"), facts.get(f"std{i}"))
