"""Rows as the contract wants them: keys made, times in UTC, sorted, unique; and those found in other frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from mlforge.model.feature import Shape
from mlforge.plugin import Conformed
from mlforge.plugin.engine.keys import check_key, need_result
from mlforge.plugin.engine.rows import duplicates, in_order, ranking, settled_columns
from mlforge.plugin.engine.times import alias_taken, null_times
from mlforge_spark import times
from mlforge_spark.exchange import rows as plain_rows
from mlforge_spark.keys import with_surrogates
from mlforge_spark.order import fresh
from mlforge_spark.types import column, named, need_type, plain, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def conform(frame: DataFrame, shape: Shape, hold: Callable[[DataFrame], DataFrame]) -> Conformed:
    """The rows under the contract's names, types and order of columns, kept; and what is counted of them.

    Times that are looked through before are held, too: a function may make other rows when it is asked again.
    """
    rows, time = with_surrogates(frame, shape.keys), shape.timestamp
    need_result(rows.columns, shape)
    _check_types(rows, shape)
    if time and time.name != time.column and time.name in rows.columns:
        raise alias_taken(time)
    rows = hold(rows) if time and (time.timezone or words_of(rows)[time.column] == "String") else rows
    columns = _held_columns(rows, shape)
    held = hold(rows.select(*(columns[n] for n in in_order(columns, shape))))
    stamp = F.unix_micros(column(shape.stamp)) if shape.stamp else F.lit(0)
    names = [name for name, word in words_of(held).items() if word in ("Datetime", "Date")]
    counts = [_count(~known(shape.key_names)), _count(stamp.isNull()), _count(_any_beyond(held, names))]
    total, nulls, late, beyond, *ends = held.select(F.count(F.lit(1)), *counts, F.min(stamp), F.max(stamp)).collect()[0]
    if late and time:
        raise null_times(time.column, late, total)
    if beyond:
        times.refuse_beyond(held, names)
    return Conformed(held, total, nulls, *(ends if shape.stamp else ()))


def _check_types(rows: DataFrame, shape: Shape) -> None:
    words, fields = words_of(rows), rows.schema
    for name in shape.key_names:
        need_type(name, fields[name].dataType)
        check_key(name, words[name], fields[name].dataType.simpleString())
    for name in rows.columns:
        if shape.timestamp is None or name != shape.timestamp.column:
            words[name]  # a type without a word is refused
            need_type(name, fields[name].dataType)


def _held_columns(rows: DataFrame, shape: Shape) -> dict[str, Column]:
    words, fields, time = words_of(rows), rows.schema, shape.timestamp
    columns = {}
    for name in rows.columns:
        if time and name == time.column:
            columns[time.name] = times.instants(rows, time).alias(time.name)
        else:
            columns[name] = named(plain(column(name), fields[name].dataType), name, words[name])
    return columns


def _any_beyond(held: DataFrame, names: Sequence[str]) -> Column:
    words, fields = words_of(held), held.schema
    outside = (times.beyond(times.count_of(column(n), fields[n].dataType, words[n]), words[n]) for n in names)
    return reduce(or_, outside, F.lit(False))


def _count(asked: Column) -> Column:
    return F.count(F.when(asked, F.lit(1)))


def known(names: Sequence[str]) -> Column:
    """Whether no key is null."""
    return reduce(and_, (column(n).isNotNull() for n in names), F.lit(True))


def settle(frame: DataFrame, shape: Shape) -> DataFrame:
    """Unique and sorted. Raises `Invalid` for duplicates that nothing decides."""
    identity, decisive = list(shape.identity), ranking(frame.columns, shape)
    rows = frame.where(known(shape.key_names))
    if decisive:
        rows = _winners(rows, identity, decisive)
    else:
        _refuse_duplicates(rows, identity)
    ordered = rows.orderBy(*map(column, identity)) if identity else rows
    return ordered.select(*map(column, settled_columns(frame.columns, shape)))


def _winners(rows: DataFrame, identity: Sequence[str], decisive: Sequence[str]) -> DataFrame:
    by = [column(name).desc_nulls_last() for name in decisive]
    place, name = Window.partitionBy(*map(column, identity)).orderBy(*by), fresh("place of mlforge", rows.columns)
    return rows.select("*", F.row_number().over(place).alias(name)).where(column(name) == F.lit(1))


def _refuse_duplicates(rows: DataFrame, identity: Sequence[str]) -> None:
    n = fresh("n of mlforge", rows.columns)
    several = rows.groupBy(*map(column, identity)).agg(F.count(F.lit(1)).alias(n)).where(column(n) > F.lit(1))
    total = several.agg(F.sum(column(n))).collect()[0][0]
    if total:
        first = several.orderBy(*map(column, identity)).limit(3).select(*map(column, identity))
        raise duplicates(total, next(plain_rows(first, 3)))


def _kept(name: str, frame: DataFrame) -> Column:
    return plain(column(name), frame.schema[name].dataType)


def matching(frame: DataFrame, others: Sequence[DataFrame], columns: Sequence[str], *, absent: bool) -> DataFrame:
    """The rows whose values are found in another frame, or in none."""
    if not others:
        return frame if absent else frame.limit(0)
    names = [fresh(f"found {i} of mlforge", frame.columns) for i in range(len(columns))]
    parts = [o.select(*(_kept(c, o).alias(n) for c, n in zip(columns, names, strict=True))) for o in others]
    found = reduce(lambda a, b: a.unionByName(b), parts)
    alike = reduce(and_, (_kept(c, frame) == column(n) for c, n in zip(columns, names, strict=True)))
    return frame.join(found, alike, "left_anti" if absent else "left_semi")
