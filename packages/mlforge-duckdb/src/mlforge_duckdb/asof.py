"""Point-in-time joins in SQL: each spine row gets the newest feature row of its keys that is not younger than itself.

A join that brought the columns would carry all of them through its sorts. So it finds row numbers only, feature by
feature; the rows are read afterwards, sorted once into the order of the spine, and put side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from mlforge.plugin import Join
from mlforge_duckdb.layers import PLACE, numbered_rows
from mlforge_duckdb.session import Session
from mlforge_duckdb.types import Type, is_null, quoted, word

_PLACE = f"{PLACE} AS place"


class Feature(NamedTuple):
    """A join, and its feature's rows as a query and their types."""

    join: Join
    rows: str
    types: Mapping[str, Type]

    def columns(self, others: Sequence[str]) -> str:
        """Its keys `k0` …, its stamp as a number, and other columns. Numbers, so that no time zone matters."""
        meta = self.join.artifact.meta
        keys = [f"{_comparable(k, self.types[k])} AS k{i}" for i, k in enumerate(meta.entity_keys)]
        stamp = [f"epoch_us({quoted(meta.timestamp)}) AS stamp"] if meta.timestamp else []
        return ", ".join([*keys, *stamp, *others])

    @property
    def values(self) -> list[str]:
        return [f"{quoted(c)} AS c{i}" for i, c in enumerate(self.join.columns)]

    def joining(self, rows: str, name: str, spine: str, numbered: Numbered) -> str:
        """The join of its rows, a query, with a numbered spine."""
        meta = self.join.artifact.meta
        same = [f"{numbered.key(k, spine)} = {name}.k{i}" for i, k in enumerate(meta.entity_keys)]
        if meta.timestamp:
            on = " AND ".join([*same, f"{spine}.label >= {name}.stamp"])
            return f"ASOF LEFT JOIN ({rows}) AS {name} ON {on}"
        return f"LEFT JOIN ({rows}) AS {name} ON {' AND '.join(same)}"

    def valid(self, column: str, name: str, spine: str) -> str:
        """A column of the row that was found, unless that is too old."""
        if self.join.max_age is None or not self.join.artifact.meta.timestamp:
            return f"{name}.{column}"
        return f"CASE WHEN {spine}.label - {name}.stamp <= {self.join.max_age} THEN {name}.{column} END"


class Numbered(NamedTuple):
    """The spine's columns as `s0` …, surrogate keys that it lacks as `d0` …, label times, and the rows' numbers."""

    types: Mapping[str, Type]
    label: str
    derived: Mapping[str, str]

    @property
    def query(self) -> str:
        own = [f"{quoted(name)} AS s{i}" for i, name in enumerate(self.types)]
        made = [f"{sql} AS d{i}" for i, sql in enumerate(self.derived.values())]
        return f"SELECT {', '.join([*own, *made])}, {self.label} AS label, row_number() OVER () AS number FROM spine"

    def key(self, name: str, spine: str) -> str:
        """A key, as it compares with a feature's."""
        place = f"d{list(self.derived).index(name)}" if name in self.derived else f"s{list(self.types).index(name)}"
        return _comparable(name, self.types.get(name), f"{spine}.{place}")

    def columns(self, spine: str) -> list[str]:
        return [f"{spine}.s{i} AS {quoted(name)}" for i, name in enumerate(self.types)]


def in_one(numbered: Numbered, features: Sequence[Feature]) -> str:
    """All joins as one query over the spine, for one that only another connection can read."""
    named = [(f"f{i}", feature) for i, feature in enumerate(features)]
    parts = [
        f.joining(f"SELECT {f.columns(f.values)} FROM ({f.rows})", name, "numbered", numbered) for name, f in named
    ]
    columns = numbered.columns("numbered")
    columns += [f"{f.valid(c, name, 'numbered')} AS {quoted(as_)}" for name, f in named for c, as_ in _named(f)]
    return (
        f"WITH numbered AS MATERIALIZED ({numbered.query}) SELECT {', '.join(columns)} "
        f"FROM numbered {' '.join(parts)} ORDER BY numbered.number"
    )


def in_steps(
    spine: duckdb.DuckDBPyRelation, numbered: Numbered, features: Sequence[Feature], session: Session
) -> duckdb.DuckDBPyRelation:
    """All joins, a few features side by side: a small one keeps but one core busy."""
    kept = session.store(spine, numbered.query, "spine")
    features = [feature for feature in features if feature.join.columns]
    opened = [numbered_rows(f.join.artifact, f.rows, session) for f in features]
    pairs = [(feature, rows) for feature, (rows, _) in zip(features, opened, strict=True)]
    matched = session.make_each([_matched(kept, numbered, feature, rows) for feature, rows in pairs])
    brought = [_brought(places, feature, rows) for places, (feature, rows) in zip(matched, pairs, strict=True)]
    tables = session.make_each(brought)
    session.drop(*matched, *(table for _, some in opened for table in some))
    named = [f"{t}.{c} AS {quoted(n)}" for t, f in zip(tables, features, strict=True) for c, n in _named(f)]
    side_by_side = " POSITIONAL JOIN ".join([kept, *tables])
    columns = ", ".join([*numbered.columns(kept), *named])
    return session.lent(f"SELECT {columns} FROM {side_by_side}", kept, *tables)


def _matched(spine: str, numbered: Numbered, feature: Feature, rows: str) -> str:
    """For each row of the spine the place of the feature's row."""
    places = f"SELECT {feature.columns([_PLACE])} FROM ({rows})"
    found = f"SELECT spine.number, {feature.valid('place', 'f', 'spine')} AS place FROM {spine} AS spine"
    return f"{found} {feature.joining(places, 'f', 'spine', numbered)}"


def _brought(matched: str, feature: Feature, rows: str) -> str:
    """What a feature brings, row by row as in the spine."""
    brought = ", ".join(f"v.c{i}" for i in range(len(feature.join.columns)))
    values = f"SELECT {_PLACE}, {', '.join(feature.values)} FROM ({rows})"
    return f"SELECT {brought} FROM {matched} AS m LEFT JOIN ({values}) AS v ON v.place = m.place ORDER BY m.number"


def _named(feature: Feature) -> list[tuple[str, str]]:
    return [(f"c{i}", name) for i, name in enumerate(feature.join.columns.values())]


def _comparable(name: str, dtype: Type | None, column: str | None = None) -> str:
    column = column or quoted(name)
    if dtype is None or is_null(dtype):
        return column
    match word(dtype, name):
        case "Datetime":
            return f"epoch_us({column})"
        case "String":
            return f"CAST({column} AS VARCHAR)"
        case _:
            return column
