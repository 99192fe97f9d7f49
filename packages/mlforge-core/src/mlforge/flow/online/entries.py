"""Rows of a version as entries of an online store, and what differs between two publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import Any

from mlforge.flow.online.publication import Round
from mlforge.flow.online.typed import identical
from mlforge.model.keys import surrogate_key
from mlforge.model.meta import Artifact
from mlforge.model.schema import Column
from mlforge.model.span import micros_of
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.online_stores import Entry, Point

BATCH = 5_000


def entries(engine: Engine, artifact: Artifact, publish: Round, place: str | None = None) -> Iterator[Entry]:
    """An entry for each entity: the row valid at `as_of`, and its change points up to `until`.

    `place` is what the feature is called in the online store, where that is not its name.
    """
    meta = artifact.meta
    until = publish.as_of if publish.until is None else publish.until
    frame = engine.horizon(artifact, publish.as_of, until)
    columns, stamp = meta.value_columns, meta.timestamp
    key_of, values_of = _picked(meta.entity_keys), _picked(columns)
    last: tuple[Any, ...] | None = None
    points: list[Point] = []

    def entry(key: tuple[Any, ...]) -> Entry:
        hashed = surrogate_key(*key)
        return Entry(place or meta.name, hashed, publish.version, publish.as_of, publish.until, columns, tuple(points))

    for rows in engine.rows(frame, BATCH):
        for row in rows:
            key = key_of(row)
            if key != last:
                if last is not None:
                    yield entry(last)
                last, points = key, []
            points.append(Point(None if stamp is None else micros_of(row[stamp]), values_of(row)))
    if last is not None:
        yield entry(last)


def _picked(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A row's values of some columns, as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[n] for n in names])


def changes(old: Iterable[Entry], new: Iterable[Entry], publish: Round) -> Iterator[Entry]:
    """The entries that are not there yet, and tombstones for entities that are gone.

    `old` is what was published before. Both come in one order, so that few wait for their counterpart.
    """
    before: dict[str, Entry] = {}
    after: dict[str, Entry] = {}
    for was, now in zip_longest(old, new):
        if now is not None:
            after[now.key] = now
        if was is not None:
            before[was.key] = was
        both = dict.fromkeys(one.key for one in (was, now) if one is not None)  # in one order in every process
        for key in [key for key in both if key in before and key in after]:
            there, entry = before.pop(key), after.pop(key)
            if not _serves(there, entry, publish.as_of):
                yield entry
    yield from after.values()
    yield from (tombstone(e.feature, e.key, publish) for e in before.values())


def _serves(was: Entry, now: Entry, as_of: int) -> bool:
    """Whether an entry that is there gives the same values from `as_of` on."""
    if was.columns != now.columns:
        return False
    points = _from(was.points, as_of)
    return points == now.points or _are_identical(points, now.points)


def _are_identical(some: tuple[Point, ...], others: tuple[Point, ...]) -> bool:
    """Whether points are the same, NaN being equal to NaN."""
    if [p.stamp for p in some] != [p.stamp for p in others]:
        return False
    return all(identical([*a.values], [*b.values]) for a, b in zip(some, others, strict=True))


def _from(points: tuple[Point, ...], as_of: int) -> tuple[Point, ...]:
    """Without the points that are over by `as_of`."""
    valid = [n for n, p in enumerate(points) if p.stamp is not None and p.stamp <= as_of]
    return points[valid[-1] :] if valid else points


def tombstone(feature: str, key: str, publish: Round) -> Entry:
    """The entry of an entity that is gone."""
    return Entry(feature, key, publish.version, publish.as_of)


def comparable(old: Artifact, new: Artifact) -> bool:
    """Whether entries of both versions can be compared: the same keys and columns of the same types."""
    before, after = old.meta, new.meta
    alike = before.keys == after.keys and before.timestamp == after.timestamp
    return alike and _types(before.columns) == _types(after.columns)


def _types(columns: Iterable[Column]) -> dict[str, str]:
    return {c.name: c.dtype for c in columns}
