"""What a feature is about: a user, a merchant, a user at a merchant."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mlforge.errors import Invalid
from mlforge.model.constants import native
from mlforge.model.keys import Key
from mlforge.model.spelling import Spelled


class Entity(msgspec.Struct, metaclass=Spelled, frozen=True):
    """What a feature's rows are about, and the column (or columns) that identify it.

    Args:
        name: The entity's name.
        join_key: Its key column, or several for a composite key.
        from_columns: The columns a surrogate key is made of; `join_key` is then the column that gets it.

    Raises:
        Invalid: A name or column that is empty; a surrogate key with several join keys, made of nothing or of itself.

    Example:
        >>> Entity("merchant", join_key="merchant_id", from_columns=("name", "city")).keys[0].sources
        ('name', 'city')
    """

    name: str
    join_key: str | Sequence[str]
    from_columns: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        force = msgspec.structs.force_setattr
        if not _is_name(self.name):
            raise Invalid(f"{self.name!r} cannot be an entity's name.", hint='Entity("user", join_key="user_id")')
        if isinstance(self.from_columns, list) and not self.from_columns:
            raise Invalid(
                f"Entity {self.name!r} would make a surrogate key of no columns.",
                hint="Name the columns it is made of, or leave from_columns out.",
            )
        if not isinstance(self.join_key, str):
            force(self, "join_key", _names(self.join_key))
        force(self, "from_columns", _names(self.from_columns))
        if self.from_columns and not isinstance(self.join_key, str):
            raise Invalid(
                f"Entity {self.name!r} makes a surrogate key but names several join keys.",
                hint="With from_columns, join_key is the one column that gets the key.",
            )
        if self.join_key in self.from_columns:
            raise Invalid(
                f"Entity {self.name!r} would make {self.join_key!r} of itself.", hint="Choose another join_key."
            )
        if unnamed := [c for k in self.keys for c in (k.name, *k.sources) if not _is_name(c)]:
            raise Invalid(
                f"Entity {self.name!r} has a column {unnamed[0]!r}, which is no name.",
                hint='Entity("user", join_key="user_id")',
            )
        if not self.keys:
            raise Invalid(f"Entity {self.name!r} has no join key.", hint='Entity("user", join_key="user_id")')

    @property
    def keys(self) -> tuple[Key, ...]:
        names = (self.join_key,) if isinstance(self.join_key, str) else self.join_key
        return tuple(Key(name, _names(self.from_columns)) for name in names)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else () if value is None else tuple(map(native, value))
