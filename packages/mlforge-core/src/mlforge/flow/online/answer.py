"""Served values for entities: dicts are answered with dicts, a table with a table of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlforge.errors import Invalid, Unsupported, nearest
from mlforge.flow.online.reader import OnlineFeatures, Reader
from mlforge.flow.rows import rows_of
from mlforge.flow.spine import EngineSpine, Spine, spine_of
from mlforge.flow.spine_hints import in_the_index, telling_of_spine
from mlforge.plugin.engine.protocol import Engine

OpenEngine = Callable[[], Any]
"""Gives an engine as a context manager; called for a table only."""


def online_features(reader: Reader, entities: Any, open_engine: OpenEngine) -> OnlineFeatures:
    """The entities with their features' values behind their own columns, in order, and the status of each.

    Raises:
        Invalid: A key that is missing or of another type, a column that an entity and a feature both have, entities
            that are neither dicts nor a table.
        Unsupported: A frame that only its engine knows.
    """
    if _are_dicts(entities):
        rows = list(entities)
        return _beside(reader, rows, reader.read(rows))
    with open_engine() as engine:
        return _with_table(reader, entities, engine)


async def aonline_features(reader: Reader, entities: Any, open_engine: OpenEngine) -> OnlineFeatures:
    """What `online_features` gives. Dicts hold up nobody; a table is read in a thread."""
    if _are_dicts(entities):
        rows = list(entities)
        return _beside(reader, rows, await reader.aread(rows))
    import asyncio

    return await asyncio.to_thread(online_features, reader, entities, open_engine)


def _are_dicts(entities: Any) -> bool:
    if isinstance(entities, Mapping):
        raise Invalid("One dict is not a list of entities.", hint="Give a list: [{...}]")
    if not isinstance(entities, list | tuple):
        return False
    for number, row in enumerate(entities):
        if not isinstance(row, Mapping):
            raise Invalid(
                f"Entity {number} is a {type(row).__name__}, not a dict.", hint='Give [{"user_id": 1}, …], or a table.'
            )
    return True


def _beside(reader: Reader, rows: Sequence[Mapping[str, Any]], found: OnlineFeatures) -> OnlineFeatures:
    brought = set(reader.schema.names)
    for number, row in enumerate(rows):
        if clash := brought.intersection(row):
            raise _both(min(clash), f"entity {number}")
    both = [{**row, **values} for row, values in zip(rows, found.values, strict=True)]
    return OnlineFeatures(both, found.statuses)


def _both(column: str, whose: str) -> Invalid:
    return Invalid(
        f"{whose} and a feature both bring a column {column!r}.",
        hint="Choose columns with FeatureSpec(name, columns=[…]), or full_names=True for feature__column.",
    )


def _with_table(reader: Reader, table: Any, engine: Engine) -> OnlineFeatures:
    spine = spine_of(table, engine)
    if isinstance(spine, EngineSpine):
        kind = f"{type(table).__module__}.{type(table).__qualname__}"
        raise Unsupported(
            f"A {kind} cannot be looked up online.",
            hint="Its rows would leave the engine one by one: convert it to a Polars, pandas or pyarrow table first.",
        )
    if clash := set(reader.schema.names).intersection(spine.names):
        raise _both(min(clash), "The table")
    needed = _needed(reader, spine)
    found = reader.read(_rows(spine, engine, needed))
    with engine.to_arrow(engine.from_rows(found.values, reader.schema)) as stream:
        return OnlineFeatures(spine.attach(stream, reader.schema.names), found.statuses)


def _rows(spine: Spine, engine: Engine, needed: Sequence[str]) -> list[dict[str, Any]]:
    """Some columns as dicts; those of nothing but nulls have no type, which not every engine reads."""
    nulls = dict.fromkeys(name for name in spine.untyped() if name in needed)
    typed = [name for name in needed if name not in nulls]
    if not typed:
        return [dict(nulls) for _ in range(len(spine.frame))]
    with telling_of_spine(spine.frame, typed):
        rows = rows_of(engine, engine.from_arrow(spine.pick(typed)))
    return [{**row, **nulls} for row in rows] if nulls else rows


def _needed(reader: Reader, spine: Spine) -> list[str]:
    wanted: list[str] = []
    for feature, meta in reader.features.items():
        for key in meta.keys:
            columns = [key.name] if key.name in spine.names or not key.sources else list(key.sources)
            if missing := [c for c in columns if c not in spine.names]:
                raise Invalid(
                    f"{feature!r} is looked up by {missing[0]!r}, which the table does not have.",
                    hint=in_the_index(spine.frame, missing[0]) or nearest(missing[0], spine.names),
                )
            wanted += columns
    for one in reader.requests:
        if missing := [name for name in one.feature.inputs if name not in spine.names]:
            raise Invalid(
                f"{one.name!r} takes the input {missing[0]!r}, which the table does not have.",
                hint=nearest(missing[0], spine.names),
            )
        wanted += one.feature.inputs
    return list(dict.fromkeys(wanted))
