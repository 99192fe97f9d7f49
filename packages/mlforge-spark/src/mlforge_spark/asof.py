"""Point-in-time joins: the spine's rows and the features' stand in one sequence for each entity, by time.

What a row of the spine gets is the last row of the feature before it. So features with the same keys take one exchange
together, and nothing is joined with anything. The spine is read once, and its rows carry their number, by which they
are put back in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid
from mlforge.model.meta import Artifact
from mlforge.model.schema import is_integer
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine.columns import need_columns, refuse_twins
from mlforge.plugin.engine.keys import check_joined, made_of_spine
from mlforge.plugin.engine.rows import need_label
from mlforge_spark import times
from mlforge_spark.crowds import Crowd, crowds, is_large, piece
from mlforge_spark.keys import with_surrogates
from mlforge_spark.layers import read_version
from mlforge_spark.order import fresh, numbered, put_back
from mlforge_spark.types import column, dtype_of, named, plain, refuse_stream, shown, word_of, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_NEVER = -(2**63)  # before every stamp: when a feature without one is known, and what a row without a label time sees
_ROW, _AT, _SIDE = "spine of mlforge", "at of mlforge", "side of mlforge"
_NUMBER, _PIECE = "number of mlforge", "piece of mlforge"


def joined(spine: DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> DataFrame:
    """The spine, and beside each row what every feature knew then."""
    refuse_stream(spine, "The spine")
    names = spine.columns
    refuse_twins(names, joins)
    if timestamp is None:
        need_label(joins)
    else:
        need_columns([timestamp.column], names, "The spine")
    known = _known(spine)
    made = made_of_spine(known, joins)
    features = [read_version(j.artifact, spine.sparkSession, in_order=False) for j in joins]
    for join, feature in zip(joins, features, strict=True):
        theirs = {n: w for n, w in words_of(feature).items() if n in join.artifact.meta.entity_keys}
        check_joined(join.artifact.meta, known, [k.name for k in made], theirs, _cast)
    label = F.lit(None).cast("long")
    if timestamp is not None:
        label = times.within_years(times.micros(spine, timestamp), timestamp)
    if not joins:
        return spine
    asked = with_surrogates(spine, made)
    at, *brought = (
        fresh(name, asked.columns) for name in (_AT, *(f"feature {i} of mlforge" for i in range(len(joins))))
    )
    rows, number = numbered(asked.select("*", label.alias(at)))
    for keys, places in _groups(joins).items():
        wide = [_wide(k, [rows, *(features[i] for i in places)]) for k in keys]
        found = {i: _crowds(joins[i], features[i], keys, wide) for i in places}
        alone = [[i] for i in places if found[i]]
        for some in [*alone, [i for i in places if not found[i]]]:
            sides = {brought[i]: (joins[i], features[i]) for i in some}
            rows = _beside(rows, number, at, keys, wide, sides, found[some[0]]) if some else rows
    all_sides = zip(brought, joins, features, strict=True)
    values = [value for name, join, feature in all_sides for value in _values(name, at, join, feature)]
    large = any(is_large(join.artifact.meta.row_count) for join in joins)
    return put_back(rows, number, spine if large else None).select(*map(column, names), *values)


def _known(spine: DataFrame) -> dict[str, str | None]:
    """The types of the spine's columns, those without a word under Spark's name; None where all is null."""
    return {f.name: None if isinstance(f.dataType, T.NullType) else _called(f) for f in spine.schema.fields}


def _called(field: T.StructField) -> str:
    try:
        return word_of(field, field.name)
    except Invalid:
        return field.dataType.simpleString()


def _cast(name: str, word: str) -> str:
    """How a key is made one of another type: of an integer of any width."""
    dtype = "bigint" if is_integer(word) else dtype_of(word).simpleString()
    return f"{shown(name)}.cast({json.dumps(dtype)})"


def _groups(joins: Sequence[Join]) -> dict[tuple[str, ...], list[int]]:
    """The numbers of joins by their keys."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, join in enumerate(joins):
        groups.setdefault(join.artifact.meta.entity_keys, []).append(i)
    return groups


def _crowds(join: Join, feature: DataFrame, keys: Sequence[str], wide: Sequence[str | None]) -> list[Crowd]:
    """The keys that hold much of a feature's rows."""
    meta = join.artifact.meta
    compared = [_comparable(k, feature, w) for k, w in zip(keys, wide, strict=True)]
    return crowds(feature, compared, _stamp(join), meta.row_count) if meta.timestamp else []


def _beside(
    rows: DataFrame,
    number: str,
    label: str,
    keys: tuple[str, ...],
    wide: Sequence[str | None],
    features: Mapping[str, tuple[Join, DataFrame]],
    found: Sequence[Crowd],
) -> DataFrame:
    """The rows with a struct for each feature: its row as of each. Where keys are crowded, it is one feature."""
    row, names = F.struct(*map(column, rows.columns)), [f"k{i}" for i in range(len(keys))]
    at = F.coalesce(column(label), F.lit(_NEVER))
    asked = _side(rows, keys, wide, at, 1, row.alias(_ROW), column(number).alias(_NUMBER))
    sides = [asked.select("*", piece(names, column(_AT), found, column(_NUMBER)).alias(_PIECE))]
    for name, (join, feature) in features.items():
        known = _side(feature, keys, wide, _stamp(join), 0, _row(join).alias(name))
        sides.append(known.select("*", piece(names, column(_AT), found, None).alias(_PIECE)))
    types = {field.name: field.dataType for side in sides for field in side.schema}
    sequence = reduce(lambda a, b: a.unionByName(b), [_with_all(side, types) for side in sides])
    upto = Window.partitionBy(*names, column(_PIECE)).orderBy(column(_AT), column(_SIDE))
    upto = upto.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    latest = [F.last(column(name), ignorenulls=True).over(upto).alias(name) for name in features]
    both = sequence.select(column(_ROW), *latest).where(column(_ROW).isNotNull())
    return both.select(f"`{_ROW}`.*", *map(column, features))


def _with_all(side: DataFrame, types: Mapping[str, T.DataType]) -> DataFrame:
    """The columns of all sides: of others' there is nothing, of their type."""
    there = set(side.columns)
    return side.select(*(column(n) if n in there else F.lit(None).cast(t).alias(n) for n, t in types.items()))


def _side(
    frame: DataFrame, keys: Sequence[str], wide: Sequence[str | None], at: Column, side: int, *others: Column
) -> DataFrame:
    """A side of the sequence: the feature's rows before the spine's of the same instant."""
    compared = [_comparable(k, frame, w).alias(f"k{i}") for i, (k, w) in enumerate(zip(keys, wide, strict=True))]
    return frame.select(*compared, at.alias(_AT), F.lit(side).alias(_SIDE), *others)


def _stamp(join: Join) -> Column:
    stamp = join.artifact.meta.timestamp
    return F.unix_micros(column(stamp)) if stamp else F.lit(_NEVER)


def _row(join: Join) -> Column:
    values = [column(c).alias(f"c{i}") for i, c in enumerate(join.columns)]
    return F.struct(_stamp(join).alias("stamp"), *values)


def _wide(key: str, frames: Sequence[DataFrame]) -> str | None:
    """The type in which integers of any width are compared; None: they are no integers."""
    words = [words_of(f)[key] for f in frames if not isinstance(f.schema[key].dataType, T.NullType)]
    if any(w == "UInt64" for w in words):
        return "decimal(20,0)"
    if all(w.startswith(("Int", "UInt")) for w in words):
        return "long"
    return {"Datetime": "micros", "Binary": "binary", "Date": "date", "Boolean": "boolean"}.get(words[-1], "string")


def _comparable(key: str, frame: DataFrame, wide: str | None) -> Column:
    dtype = frame.schema[key].dataType
    if isinstance(dtype, T.NullType):
        return F.lit(None).cast("long" if wide == "micros" else str(wide))
    value = plain(column(key), dtype)
    return F.unix_micros(value) if wide == "micros" else value.cast(str(wide))


def _values(found: str, at: str, join: Join, feature: DataFrame) -> Iterator[Column]:
    """The columns of the row that was found, unless that is too old."""
    row, words = column(found), words_of(feature)
    for i, (name, output) in enumerate(join.columns.items()):
        value = row[f"c{i}"]
        if join.max_age is not None and join.artifact.meta.timestamp:
            value = F.when(column(at) - row["stamp"] <= F.lit(join.max_age), value)
        yield named(value, output, words[name])


def horizon(artifact: Artifact, as_of: int, until: int, session: SparkSession) -> DataFrame:
    """For each entity the row valid at an instant, and those stamped after it and by another, by keys and stamp."""
    meta = artifact.meta
    rows = read_version(artifact, session, in_order=meta.timestamp is None)
    if meta.timestamp is None:
        return rows
    names, stamp, keys = rows.columns, F.unix_micros(column(meta.timestamp)), [column(k) for k in meta.entity_keys]
    rows = rows.where(stamp <= F.lit(until)).repartitionByRange(*keys)
    following = F.lead(stamp).over(Window.partitionBy(*keys).orderBy(column(meta.timestamp)))
    after = fresh("next of mlforge", names)
    rows = rows.select("*", following.alias(after))
    valid = (stamp > F.lit(as_of)) | column(after).isNull() | (column(after) > F.lit(as_of))
    return rows.where(valid).sortWithinPartitions(*keys, column(meta.timestamp)).select(*map(column, names))
