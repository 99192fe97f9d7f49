"""A surrogate key inside a feature's own function: `df.pipe(entity_key("first", "last", alias="user_id"))`."""

from __future__ import annotations

from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.constants import natives
from mlforge.model.entity import Entity
from mlforge.model.keys import Key
from mlforge.model.spelling import spelled
from mlforge.model.text import refuse_halves
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.registry import registry


class EntityKey(msgspec.Struct, frozen=True):
    """Adds the surrogate key of some columns to a frame of any installed engine."""

    columns: tuple[str, ...]
    alias: str

    @property
    def entity(self) -> Entity:
        """The same as an entity, for `@feature(entities=[…])`."""
        return Entity(self.alias, join_key=self.alias, from_columns=self.columns)

    def __call__(self, frame: Any) -> Any:
        """The frame with the key column added. Raises `Invalid` for a frame no installed engine knows."""
        for descriptor in registry().of(EngineDescriptor).values():
            if _is_frame_of(frame, descriptor):
                with descriptor.config().open() as engine:
                    return engine.with_surrogates(frame, [Key(self.alias, self.columns)])
        kind = f"{type(frame).__module__}.{type(frame).__qualname__}"
        raise Invalid(f"No installed engine knows a {kind}.", hint="Pass the frame the feature's function was given.")


@spelled
def entity_key(*columns: str, alias: str) -> EntityKey:
    """The surrogate key of some columns, to add to a frame or to make an entity of.

    Args:
        columns: The columns it is made of, in order.
        alias: The column it becomes.

    Raises:
        Invalid: No column, or something that is no name.

    Example:
        >>> entity_key("first", "last", alias="user_id").entity.keys[0].sources
        ('first', 'last')
    """
    if not columns:
        raise Invalid("An entity key needs columns.", hint='entity_key("first", "last", alias="user_id")')
    given: tuple[Any, ...] = (*columns, alias)
    if wrong := [name for name in given if not isinstance(name, str) or not name.strip()]:
        raise Invalid(f"An entity key has {wrong[0]!r}, which is no column's name.", hint=_hint(columns))
    for name in given:
        refuse_halves(name, "entity key")
    made = EntityKey(columns, alias)
    made.entity  # noqa: B018 - which is refused where it would be made of itself
    return made


def _hint(columns: tuple[Any, ...]) -> str:
    """How to write it, with the names that were given as one list."""
    names = natives(columns[0])
    if len(columns) == 1 and isinstance(names, list | tuple) and names and all(isinstance(n, str) for n in names):
        return f'One by one: entity_key({", ".join(map(repr, names))}, alias="user_id").'
    return 'entity_key("first", "last", alias="user_id")'


def _is_frame_of(frame: Any, descriptor: EngineDescriptor) -> bool:
    names = {f"{c.__module__}.{c.__qualname__}" for c in type(frame).__mro__}
    return bool(names & set(descriptor.frames))
