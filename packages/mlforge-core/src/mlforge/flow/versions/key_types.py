"""What surrogate keys are made of: the types of these columns decide the key, so a version remembers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlforge.errors import Invalid
from mlforge.model.feature import Feature
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import Schema, same_key_type
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine

KeyTypes = dict[str, dict[str, str]]


def key_types(engine: Engine, keys: Sequence[Key], source: Frame, result: Frame) -> KeyTypes:
    """For each surrogate key the types of the columns it is made of: in the source, or in what the function returned.

    A key that is in the source already, or that the function makes, is not known: its columns may have been anything.
    """
    if not any(k.sources for k in keys):
        return {}
    before, after = _types(engine, source), _types(engine, result)
    found = {k.name: _made(k, before, after) for k in keys if k.sources}
    return {name: types for name, types in found.items() if types}


def _made(key: Key, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    where = before if key.name in after else after
    if key.name in where or not where.keys() >= set(key.sources):
        return {}
    return {s: where[s] for s in key.sources}


def _types(engine: Engine, frame: Frame) -> dict[str, str]:
    """The columns and their types; nothing where one is of a type that no feature can hold."""
    try:
        schema: Schema = engine.schema(frame)
    except Invalid:
        return {}
    return {c.name: c.dtype for c in schema}


class Other(NamedTuple):
    """A column that a surrogate key was made of, and that has another type now."""

    key: str
    source: str
    was: str
    now: str


def others(before: KeyTypes, after: KeyTypes) -> list[Other]:
    """The columns of another type, of those that are known before and after."""
    known = (
        Other(key, source, was, after.get(key, {}).get(source, was))
        for key, types in before.items()
        for source, was in types.items()
    )
    return [one for one in known if not same_key_type(one.was, one.now)]


def refuse_other_types(feature: Feature, types: KeyTypes, base: FeatureMeta | None) -> None:
    """Raise `Invalid` where the keys to come would not be those of the version that is continued."""
    if base is None or not (found := others(base.key_types, types)):
        return
    key, source, was, now = found[0]
    raise Invalid(
        f"{feature.name!r} cannot continue {base.version}: its key {key!r} was made of {source!r} as {was}, which is "
        f"{now} now.",
        hint=f"Build all of it: mlforge build --features {feature.name} --full-refresh",
    )
