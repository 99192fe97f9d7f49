"""What comes before the point-in-time join: label times, surrogate keys, and columns that fit each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import same_key_type
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge_duckdb import keys, times
from mlforge_duckdb.asof import Feature, Numbered, in_one, in_steps
from mlforge_duckdb.edge import no_column
from mlforge_duckdb.layers import artifact_rows
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import Type, is_null, types_of, word

_SPINE = "entity_df"


def joined(
    spine: duckdb.DuckDBPyRelation, timestamp: Timestamp | None, joins: Sequence[Join], session: Session
) -> duckdb.DuckDBPyRelation:
    """The spine's rows and columns, in order, followed by each join's columns as of each row's label time."""
    _refuse_twins(spine, joins)
    types = types_of(spine)
    label = _label(spine, types, timestamp, joins)
    if not joins:
        return spine
    features = [_opened(join, session.connection) for join in joins]
    derived = _derived(types, joins)
    for feature in features:
        _check_keys(feature, types, derived)
    numbered = Numbered(types, label, derived)
    if session.own(spine) is None:
        return asked(spine, in_one(numbered, features), "spine")
    return in_steps(spine, numbered, features, session)


def _label(
    spine: duckdb.DuckDBPyRelation, types: Mapping[str, Type], timestamp: Timestamp | None, joins: Sequence[Join]
) -> str:
    if timestamp is None:
        if stamped := [repr(j.artifact.meta.name) for j in joins if j.artifact.meta.timestamp]:
            raise Invalid(
                f"{', '.join(stamped)} changes with time, and no timestamp of {_SPINE} is named.",
                hint='Name the column of label times: timestamp="label_time".',
            )
        return "NULL::BIGINT"
    if timestamp.column not in types:
        raise no_column(timestamp.column, types, _SPINE)
    return times.instants(spine, types[timestamp.column], timestamp)


def _opened(join: Join, connection: duckdb.DuckDBPyConnection) -> Feature:
    rows = artifact_rows(join.artifact, connection)
    types = types_of(connection.sql(rows))
    if lost := [c for c in join.columns if c not in types]:
        raise no_column(lost[0], types, f"Feature {join.artifact.meta.name!r}")
    return Feature(join, rows, types)


def _derived(types: Mapping[str, Type], joins: Sequence[Join]) -> dict[str, str]:
    """The surrogate keys that the spine lacks and has the sources of. Raises `Invalid` for a source's type."""
    for meta in (j.artifact.meta for j in joins):
        for key in keys.derivable(types, meta.keys):
            words = {s: None if is_null(types[s]) else word(types[s], s) for s in key.sources}
            meta.check_sources(key, words, _SPINE)
    wanted = {k.name: k for j in joins for k in j.artifact.meta.keys}
    return {k.name: keys.surrogate_key(k.sources, types) for k in keys.derivable(types, list(wanted.values()))}


def _check_keys(feature: Feature, types: Mapping[str, Type], derived: Mapping[str, str]) -> None:
    meta = feature.join.artifact.meta
    for name in meta.entity_keys:
        theirs = word(feature.types[name], name)
        if name not in types and name not in derived:
            raise _no_key(name, types, meta)
        ours = "String" if name in derived else theirs if is_null(types[name]) else word(types[name], name)
        if not same_key_type(ours, theirs):
            raise Invalid(
                f"Key {name!r} is {ours} in {_SPINE} and {theirs} in feature {meta.name!r}.",
                hint=f"Cast it in {_SPINE}: CAST({name} AS {feature.types[name]}).",
            )


def _no_key(name: str, types: Mapping[str, Type], meta: FeatureMeta) -> Invalid:
    error = no_column(name, types, f"{_SPINE} lacks a key of feature {meta.name!r}: it")
    if made_of := next((k.sources for k in meta.keys if k.name == name and k.sources), None):
        return Invalid(error.message, hint=f"Bring it, or what it is made of: {', '.join(made_of)}.")
    return error


def _refuse_twins(spine: duckdb.DuckDBPyRelation, joins: Sequence[Join]) -> None:
    taken = dict.fromkeys(spine.columns, _SPINE)
    for join in joins:
        for name in join.columns.values():
            if name in taken:
                raise Invalid(
                    f"{taken[name]} and feature {join.artifact.meta.name!r} both bring a column {name!r}.",
                    hint="Choose columns with FeatureSpec(columns=...), or full_names=True.",
                )
            taken[name] = f"feature {join.artifact.meta.name!r}"
