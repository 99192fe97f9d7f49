"""What comes before the point-in-time join: label times, surrogate keys and keys of one type on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine.columns import need_columns, need_values, refuse_twins
from mlforge.plugin.engine.keys import check_joined, made_of_spine
from mlforge.plugin.engine.rows import need_label
from mlforge_csv import dtype_of
from mlforge_polars import asof, keys, times
from mlforge_polars.layers import open_artifact
from mlforge_polars.types import INSTANT, plain, word


def joined(spine: pl.DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> pl.DataFrame:
    """The spine's rows and columns, followed by each join's columns as of each row's label time."""
    refuse_twins(spine.columns, joins)
    labels = _labels(spine, timestamp, joins)
    if not joins:
        return spine
    features = [open_artifact(j.artifact) for j in joins]
    derived = keys.derive(spine, made_of_spine(_words(spine, joins), joins))
    common = _common_types(spine, derived, joins, features)
    prepared = [_prepared(j, f, common) for j, f in zip(joins, features, strict=True)]
    return spine.hstack(asof.asof(_cast_keys(derived.lazy(), common, list(common)).collect(), labels, prepared))


def _labels(spine: pl.DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> pl.Series:
    if timestamp is None:
        need_label(joins)
        return pl.Series([None], dtype=INSTANT).new_from_index(0, spine.height)
    need_columns([timestamp.column], spine.columns, "The spine")
    return times.instants(spine[timestamp.column], timestamp)


def _words(spine: pl.DataFrame, joins: Sequence[Join]) -> dict[str, str | None]:
    """The types of all columns that keys are, or are made of."""
    wanted = {n for j in joins for k in j.artifact.meta.keys for n in (k.name, *k.sources)}
    types = {n: t for n, t in spine.schema.items() if n in wanted}
    return {n: None if t == pl.Null else word(plain(t), n) for n, t in types.items()}


def _prepared(join: Join, features: pl.LazyFrame, common: Mapping[str, pl.DataType]) -> asof.Join:
    meta = join.artifact.meta
    need_values(join.columns, features.collect_schema(), meta)
    wanted = [*([meta.timestamp] if meta.timestamp else []), *(c for c in join.columns if c not in meta.entity_keys)]
    rows = _cast_keys(features, common, meta.entity_keys, wanted)
    if len(join.artifact.layers) > 1:
        rows = rows.collect().lazy()  # overlaid once, not for every few columns
    return asof.Join(rows, meta.entity_keys, meta.timestamp, dict(join.columns), join.max_age)


def _cast_keys(
    rows: pl.LazyFrame, common: Mapping[str, pl.DataType], names: Sequence[str], others: Sequence[str] = ()
) -> pl.LazyFrame:
    """The keys under their common types, and other columns as they are."""
    schema = rows.collect_schema()
    casts = [pl.col(n) if schema[n] == common[n] else pl.col(n).cast(common[n], strict=False) for n in names]
    return rows.select(*casts, *dict.fromkeys(o for o in others if o not in names))


def _common_types(
    spine: pl.DataFrame, derived: pl.DataFrame, joins: Sequence[Join], features: Sequence[pl.LazyFrame]
) -> dict[str, pl.DataType]:
    """For each key the type in which the spine and all features are compared."""
    ours, common = _words(spine, joins), {n: plain(t) for n, t in derived.schema.items()}
    made, wanted = set(derived.columns) - set(spine.columns), dict[str, pl.DataType]()
    for meta, rows in zip((j.artifact.meta for j in joins), features, strict=True):
        theirs = {k: plain(rows.collect_schema()[k]) for k in meta.entity_keys}
        check_joined(meta, ours, made, {k: word(t, k) for k, t in theirs.items()}, _cast)
        for name, dtype in theirs.items():
            wanted[name] = _common(wanted.get(name, common[name]), dtype)
    return wanted


def _common(given: pl.DataType, dtype: pl.DataType) -> pl.DataType:
    if given in (dtype, pl.Null):
        return dtype
    return pl.Int128() if {pl.UInt64(), pl.Int128()} & {given, dtype} else pl.Int64()


def _cast(name: str, wanted: str) -> str:
    return f'spine.with_columns(pl.col("{name}").cast(pl.{type(dtype_of(wanted)).__name__}))'
