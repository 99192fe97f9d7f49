"""What comes before the point-in-time join: label times, surrogate keys, and columns that fit each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine.columns import need_columns, need_values, refuse_twins
from mlforge.plugin.engine.keys import check_joined, made_of_spine
from mlforge.plugin.engine.rows import need_label
from mlforge_duckdb import keys, times
from mlforge_duckdb.asof import Feature, Numbered, in_one, in_steps
from mlforge_duckdb.layers import artifact_rows
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import Type, is_null, sql_of, types_of, word


def joined(
    spine: duckdb.DuckDBPyRelation, timestamp: Timestamp | None, joins: Sequence[Join], session: Session
) -> duckdb.DuckDBPyRelation:
    """The spine's rows and columns, in order, followed by each join's columns as of each row's label time."""
    refuse_twins(spine.columns, joins)
    types = types_of(spine)
    label = _label(spine, types, timestamp, joins)
    if not joins:
        return spine
    features = [_opened(join, session.connection) for join in joins]
    numbered = Numbered(types, label, _derived(types, features))
    if session.own(spine) is None:
        return asked(spine, in_one(numbered, features), "spine")
    return in_steps(spine, numbered, features, session)


def _label(
    spine: duckdb.DuckDBPyRelation, types: Mapping[str, Type], timestamp: Timestamp | None, joins: Sequence[Join]
) -> str:
    if timestamp is None:
        need_label(joins)
        return "NULL::BIGINT"
    need_columns([timestamp.column], types, "The spine")
    if times.is_time(types[timestamp.column]):
        times.refuse_beyond(spine, {timestamp.column: types[timestamp.column]})
    return times.instants(spine, types[timestamp.column], timestamp)


def _opened(join: Join, connection: duckdb.DuckDBPyConnection) -> Feature:
    rows = artifact_rows(join.artifact, connection)
    types = types_of(connection.sql(rows))
    need_values(join.columns, types, join.artifact.meta)
    return Feature(join, rows, types)


def _derived(types: Mapping[str, Type], features: Sequence[Feature]) -> dict[str, str]:
    """The surrogate keys that the spine lacks, as SQL. Raises `Invalid` for keys and sources of other types."""
    joins = [f.join for f in features]
    wanted = {n for j in joins for k in j.artifact.meta.keys for n in (k.name, *k.sources)}
    ours = {n: None if is_null(t) else word(t, n) for n, t in types.items() if n in wanted}
    made = {k.name: keys.surrogate_key(k.sources, types) for k in made_of_spine(ours, joins)}
    for feature in features:
        meta = feature.join.artifact.meta
        theirs = {k: word(feature.types[k], k) for k in meta.entity_keys}
        check_joined(meta, ours, made, theirs, lambda name, wanted: f"CAST({name} AS {sql_of(wanted)})")
    return made
