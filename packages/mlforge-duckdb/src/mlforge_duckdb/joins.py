"""The point-in-time join as one query over the spine, on the spine's own connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import is_integer
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge_duckdb import keys, times
from mlforge_duckdb.edge import no_column
from mlforge_duckdb.layers import artifact_rows
from mlforge_duckdb.session import asked
from mlforge_duckdb.types import Type, is_null, quoted, types_of, word

_SPINE = "entity_df"


class _Feature(NamedTuple):
    """A join, and its feature's rows as a query and their types."""

    join: Join
    rows: str
    types: Mapping[str, Type]


def joined(
    spine: duckdb.DuckDBPyRelation,
    timestamp: Timestamp | None,
    joins: Sequence[Join],
    connection: duckdb.DuckDBPyConnection,
) -> duckdb.DuckDBPyRelation:
    """The spine's rows and columns, in order, followed by each join's columns as of each row's label time."""
    _refuse_twins(spine, joins)
    types = types_of(spine)
    label = _label(spine, types, timestamp, joins)
    if not joins:
        return spine
    features = [_opened(join, connection) for join in joins]
    derived = _derived(types, joins)
    for feature in features:
        _check_keys(feature, types, derived)
    return asked(spine, _query(types, label, derived, features), "spine")


def _query(types: Mapping[str, Type], label: str, derived: Mapping[str, str], features: Sequence[_Feature]) -> str:
    own = [f"{quoted(name)} AS s{i}" for i, name in enumerate(types)]
    made = [f"{sql} AS d{i}" for i, sql in enumerate(derived.values())]
    places = {name: f"s{i}" for i, name in enumerate(types)} | {name: f"d{i}" for i, name in enumerate(derived)}
    numbered = f"SELECT {', '.join([*own, *made])}, {label} AS label, row_number() OVER () AS number FROM spine"
    parts = [_joining(i, feature, places, types) for i, feature in enumerate(features)]
    columns = [f"numbered.s{i} AS {quoted(name)}" for i, name in enumerate(types)]
    columns += [c for i, feature in enumerate(features) for c in _brought(i, feature)]
    return (
        f"WITH numbered AS MATERIALIZED ({numbered}) SELECT {', '.join(columns)} FROM numbered "
        f"{' '.join(parts)} ORDER BY numbered.number"
    )


def _joining(number: int, feature: _Feature, places: Mapping[str, str], types: Mapping[str, Type]) -> str:
    """The join's clause. Instants are compared as numbers, so that no time zone matters."""
    meta, f = feature.join.artifact.meta, f"f{number}"
    values = [f"{quoted(c)} AS c{i}" for i, c in enumerate(feature.join.columns)]
    theirs = [f"{_comparable(k, feature.types[k])} AS k{i}" for i, k in enumerate(meta.entity_keys)]
    stamp = [f"epoch_us({quoted(meta.timestamp)}) AS stamp"] if meta.timestamp else []
    rows = f"(SELECT {', '.join([*theirs, *stamp, *values])} FROM ({feature.rows})) AS {f}"
    same = [f"{_comparable(places[k], types.get(k), written=True)} = {f}.k{i}" for i, k in enumerate(meta.entity_keys)]
    if meta.timestamp:
        return f"ASOF LEFT JOIN {rows} ON {' AND '.join([*same, f'numbered.label >= {f}.stamp'])}"
    return f"LEFT JOIN {rows} ON {' AND '.join(same)}"


def _comparable(name: str, dtype: Type | None, *, written: bool = False) -> str:
    column = f"numbered.{name}" if written else quoted(name)
    if dtype is None or is_null(dtype):
        return column
    match word(dtype, name):
        case "Datetime":
            return f"epoch_us({column})"
        case "String":
            return f"CAST({column} AS VARCHAR)"
        case _:
            return column


def _brought(number: int, feature: _Feature) -> list[str]:
    join, f = feature.join, f"f{number}"
    if join.max_age is None or not join.artifact.meta.timestamp:
        return [f"{f}.c{i} AS {quoted(name)}" for i, name in enumerate(join.columns.values())]
    fresh = f"numbered.label - {f}.stamp <= {join.max_age}"
    return [f"CASE WHEN {fresh} THEN {f}.c{i} END AS {quoted(n)}" for i, n in enumerate(join.columns.values())]


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


def _opened(join: Join, connection: duckdb.DuckDBPyConnection) -> _Feature:
    rows = artifact_rows(join.artifact, connection)
    types = types_of(connection.sql(rows))
    if lost := [c for c in join.columns if c not in types]:
        raise no_column(lost[0], types, f"Feature {join.artifact.meta.name!r}")
    return _Feature(join, rows, types)


def _derived(types: Mapping[str, Type], joins: Sequence[Join]) -> dict[str, str]:
    """The surrogate keys that the spine lacks and has the sources of."""
    wanted = {k.name: k for j in joins for k in j.artifact.meta.keys}
    return {k.name: keys.surrogate_key(k.sources, types) for k in keys.derivable(types, list(wanted.values()))}


def _check_keys(feature: _Feature, types: Mapping[str, Type], derived: Mapping[str, str]) -> None:
    meta = feature.join.artifact.meta
    for name in meta.entity_keys:
        theirs = word(feature.types[name], name)
        if name not in types and name not in derived:
            raise _no_key(name, types, meta)
        ours = "String" if name in derived else theirs if is_null(types[name]) else word(types[name], name)
        if ours != theirs and not (is_integer(ours) and is_integer(theirs)):
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
