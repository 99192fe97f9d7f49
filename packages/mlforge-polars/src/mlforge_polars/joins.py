"""What comes before the point-in-time join: label times, surrogate keys and keys of one type on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge_polars import asof, keys, times
from mlforge_polars.edge import no_column
from mlforge_polars.layers import open_artifact
from mlforge_polars.types import INSTANT, plain, word

_SPINE = "entity_df"


def joined(spine: pl.DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> pl.DataFrame:
    """The spine's rows and columns, followed by each join's columns as of each row's label time."""
    _refuse_twins(spine, joins)
    labels = _labels(spine, timestamp, joins)
    if not joins:
        return spine
    features = [open_artifact(j.artifact) for j in joins]
    types = [
        {k: plain(f.collect_schema()[k]) for k in j.artifact.meta.entity_keys}
        for j, f in zip(joins, features, strict=True)
    ]
    _check_sources(spine, joins)
    derived = keys.derive(spine, [k for j in joins for k in j.artifact.meta.keys])
    common = _common_types(derived, [j.artifact.meta for j in joins], types)
    prepared = [_prepared(j, f, common) for j, f in zip(joins, features, strict=True)]
    return spine.hstack(asof.asof(_cast_keys(derived.lazy(), common, list(common)).collect(), labels, prepared))


def _labels(spine: pl.DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> pl.Series:
    if timestamp is None:
        if stamped := [repr(j.artifact.meta.name) for j in joins if j.artifact.meta.timestamp]:
            raise Invalid(
                f"{', '.join(stamped)} changes with time, and no timestamp of {_SPINE} is named.",
                hint='Name the column of label times: timestamp="label_time".',
            )
        return pl.Series([None], dtype=INSTANT).new_from_index(0, spine.height)
    if timestamp.column not in spine.columns:
        raise no_column(timestamp.column, spine.columns, _SPINE)
    return times.instants(spine[timestamp.column], timestamp)


def _check_sources(spine: pl.DataFrame, joins: Sequence[Join]) -> None:
    """Raise `Invalid` for a column of another type than that which a surrogate key was made of."""
    for meta in (j.artifact.meta for j in joins):
        for key in keys.derivable(spine, meta.keys):
            found = {s: spine.schema[s] for s in key.sources}
            words = {s: None if dtype == pl.Null else word(plain(dtype), s) for s, dtype in found.items()}
            meta.check_sources(key, words, _SPINE)


def _prepared(join: Join, features: pl.LazyFrame, common: Mapping[str, pl.DataType]) -> asof.Join:
    meta = join.artifact.meta
    known = features.collect_schema().names()
    if lost := [c for c in join.columns if c not in known]:
        raise no_column(lost[0], known, f"Feature {meta.name!r}")
    wanted = [*([meta.timestamp] if meta.timestamp else []), *(c for c in join.columns if c not in meta.entity_keys)]
    rows = _cast_keys(features, common, meta.entity_keys, wanted)
    if len(join.artifact.layers) > 1:
        rows = rows.collect().lazy()  # overlaid once, not for every few columns
    return asof.Join(rows, meta.entity_keys, meta.timestamp, dict(join.columns), join.max_age, sorted=True)


def _cast_keys(
    rows: pl.LazyFrame, common: Mapping[str, pl.DataType], names: Sequence[str], others: Sequence[str] = ()
) -> pl.LazyFrame:
    """The keys under their common types, and other columns as they are."""
    schema = rows.collect_schema()
    casts = [pl.col(n) if schema[n] == common[n] else pl.col(n).cast(common[n], strict=False) for n in names]
    return rows.select(*casts, *dict.fromkeys(o for o in others if o not in names))


def _common_types(
    spine: pl.DataFrame, metas: Sequence[FeatureMeta], types: Sequence[Mapping[str, pl.DataType]]
) -> dict[str, pl.DataType]:
    """For each key the type in which the spine and all features are compared."""
    common: dict[str, pl.DataType] = {}
    for meta, dtypes in zip(metas, types, strict=True):
        for name, dtype in dtypes.items():
            if name not in spine.columns:
                raise _no_key(name, spine, meta)
            given = common.get(name, plain(spine.schema[name]))
            common[name] = _common(given, dtype) or _refuse(name, given, dtype, meta)
    return common


def _common(given: pl.DataType, dtype: pl.DataType) -> pl.DataType | None:
    if given in (dtype, pl.Null):
        return dtype
    if given.is_integer() and dtype.is_integer():
        return pl.Int128() if pl.UInt64 in (given, dtype) or pl.Int128 in (given, dtype) else pl.Int64()
    return None


def _refuse(name: str, given: pl.DataType, dtype: pl.DataType, meta: FeatureMeta) -> pl.DataType:
    raise Invalid(
        f"Key {name!r} is {given} in {_SPINE} and {dtype} in feature {meta.name!r}.",
        hint=f'Cast it: {_SPINE}.with_columns(pl.col("{name}").cast(pl.{type(dtype).__name__})).',
    )


def _no_key(name: str, spine: pl.DataFrame, meta: FeatureMeta) -> Invalid:
    error = no_column(name, spine.columns, f"{_SPINE} lacks a key of feature {meta.name!r}: it")
    if sources := next((k.sources for k in meta.keys if k.name == name and k.sources), None):
        return Invalid(error.message, hint=f"Bring it, or what it is made of: {', '.join(sources)}.")
    return error


def _refuse_twins(spine: pl.DataFrame, joins: Sequence[Join]) -> None:
    taken = dict.fromkeys(spine.columns, _SPINE)
    for join in joins:
        for name in join.columns.values():
            if name in taken:
                raise Invalid(
                    f"{taken[name]} and feature {join.artifact.meta.name!r} both bring a column {name!r}.",
                    hint="Choose columns with FeatureSpec(columns=...), or full_names=True.",
                )
            taken[name] = f"feature {join.artifact.meta.name!r}"
