"""What surrogate keys are made of: the types of these columns decide the key, so a version remembers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlforge.errors import Invalid
from mlforge.model.feature import Feature
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import Schema, same_key_type
from mlforge.plugin.protocols import Engine, Frame

Types = dict[str, dict[str, str]]


def key_types(engine: Engine, keys: Sequence[Key], source: Frame, result: Frame) -> Types:
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


def refuse_other_types(feature: Feature, types: Types, base: FeatureMeta | None) -> None:
    """Raise `Invalid` where the keys to come would not be those of the version that is continued."""
    for name, before in base.key_types.items() if base else ():
        for source, was in before.items():
            found = types.get(name, {}).get(source, was)
            if base and not same_key_type(found, was):
                raise Invalid(
                    f"{feature.name!r} cannot continue {base.version}: its key {name!r} was made of {source!r} as "
                    f"{was}, which is {found} now.",
                    hint=f"Build all of it: mlforge build --features {feature.name} --full-refresh",
                )
