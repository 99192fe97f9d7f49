"""The point-in-time join, and what is published: which row of a feature an instant sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import same_key_type
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine.rows import need_label
from mlforge.testing.reference.naming import refuse_names
from mlforge.testing.reference.shaping import (
    by_key,
    has_null_key,
    key_of,
    missing_keys,
    need_column,
    sort_key,
    with_surrogates,
)
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.times import micros, read_times


def asof(spine: Table, timestamp: Timestamp | None, joins: Sequence[tuple[Join, Table]]) -> Table:
    """The spine, and beside each row what every feature knew then."""
    brought = [name for join, _ in joins for name in join.columns.values()]
    refuse_names([*spine.names, *brought], " and ".join(["The spine", *(repr(j.artifact.meta.name) for j, _ in joins)]))
    labels = label_times(spine, timestamp)
    if timestamp is None:
        need_label([join for join, _ in joins])
    answer = spine
    for join, feature in joins:
        found = lookups(spine, labels, join, feature)
        for column, name in join.columns.items():
            values = [None if row is None else row[column] for row in found]
            answer = answer.with_column(name, feature.schema.dtype(column), values)
    return answer


def label_times(spine: Table, timestamp: Timestamp | None) -> list[int | None]:
    """The instant each row asks about, in microseconds; None where it says none."""
    if timestamp is None:
        return [None] * len(spine.rows)
    need_column(spine, timestamp.column)
    dtype = spine.schema.dtype(timestamp.column)
    times = read_times(spine.column(timestamp.column), dtype, timestamp, local=timestamp.column in spine.local)
    return [None if t is None else micros(t) for t in times]


def lookups(spine: Table, labels: Sequence[int | None], join: Join, feature: Table) -> list[Row | None]:
    """The feature's row for each row of the spine."""
    meta = join.artifact.meta
    for key in missing_keys(spine, meta.keys):
        meta.check_sources(key, {s: spine.schema.dtype(s) for s in key.sources}, "the spine")
    keyed = with_surrogates(spine, meta.keys)
    need_same_types(keyed, feature, meta)
    entities = by_key(feature, meta.entity_keys)
    return [lookup(row, label, entities, meta, join.max_age) for row, label in zip(keyed.rows, labels, strict=True)]


def lookup(
    row: Row, label: int | None, entities: dict[tuple[Any, ...], Table], meta: FeatureMeta, max_age: int | None
) -> Row | None:
    """A missing entity, a null key, or no row yet: nothing."""
    entity = entities.get(key_of(row, meta.entity_keys))
    if entity is None or has_null_key(row, meta.entity_keys):
        return None
    if meta.timestamp is None:
        return entity.rows[0]
    return None if label is None else newest(entity.rows, meta.timestamp, label, max_age)


def newest(rows: Sequence[Row], stamp: str, label: int, max_age: int | None) -> Row | None:
    """The row with the greatest stamp not after the label time, unless it is too old."""
    seen = [row for row in rows if micros(row[stamp]) <= label]
    row = max(seen, key=lambda r: micros(r[stamp]), default=None)
    return None if row is None or too_old(micros(row[stamp]), label, max_age) else row


def too_old(stamp: int, label: int, max_age: int | None) -> bool:
    """Whether a value was stamped longer ago than allowed."""
    return max_age is not None and label - stamp > max_age


def need_same_types(spine: Table, feature: Table, meta: FeatureMeta) -> None:
    """Raise `Invalid` for a key that the spine lacks or has in another type."""
    for key in meta.entity_keys:
        if key not in spine.names:
            raise no_key(key, spine, meta)
        mine, theirs = spine.schema.dtype(key), feature.schema.dtype(key)
        if not same_key_type(mine, theirs):
            raise Invalid(
                f"The key {key!r} is {mine} in the spine and {theirs} in {meta.name!r}.",
                hint="Cast the spine's column.",
            )


def no_key(name: str, spine: Table, meta: FeatureMeta) -> Invalid:
    """The error for a key that a spine lacks."""
    sources = next((key.sources for key in meta.keys if key.name == name), ())
    made = f", or what it is made of: {', '.join(sources)}" if sources else ""
    there = ", ".join(spine.names)
    return Invalid(f"The spine has no column {name!r} for {meta.name!r}, only {there}.", hint=f"Bring it{made}.")


def horizon(feature: Table, meta: FeatureMeta, as_of: int, until: int) -> Table:
    """For each entity the row valid at `as_of`, and those stamped after it until `until`."""
    stamp = meta.timestamp
    if stamp is None:
        return feature
    rows = [r for e in by_key(feature, meta.entity_keys).values() for r in published(e.rows, stamp, as_of, until)]
    identity = (*meta.entity_keys, stamp)
    return Table(feature.schema, sorted(rows, key=lambda row: sort_key(row, identity)))


def published(rows: Sequence[Row], stamp: str, as_of: int, until: int) -> list[Row]:
    """One entity's rows: the one valid at `as_of`, and those after it until `until`."""
    valid = newest(rows, stamp, as_of, None)
    return ([] if valid is None else [valid]) + [r for r in rows if as_of < micros(r[stamp]) <= until]
