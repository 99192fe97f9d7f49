"""Keys: which types can be one, which can be made, and which join each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import KEY_TYPES, same_key_type
from mlforge.plugin.engine.columns import no_column, refuse_unnamable
from mlforge.plugin.engine.frames import Join

SURROGATE = "String"
"""The type of a key that is made of other columns."""


def derivable(columns: Collection[str], keys: Sequence[Key]) -> list[Key]:
    """The surrogate keys that are not there and can be made, each once.

    Example:
        >>> [key.name for key in derivable(["first", "last"], [Key("user", ("first", "last")), Key("order")])]
        ['user']
    """
    there = set(columns)
    wanted = {k.name: k for k in keys if k.sources and k.name not in there and there.issuperset(k.sources)}
    return list(wanted.values())


def check_key(name: str, word: str, dtype: object) -> None:
    """Raise `Invalid` for a type that cannot be a key.

    Args:
        name: The column.
        word: Its type in mlforge's words.
        dtype: Its type as the engine calls it.

    Example:
        >>> check_key("user_id", "Int64", "BIGINT")
    """
    if word not in KEY_TYPES:
        raise Invalid(
            f"Column {name!r} is {dtype}, which cannot be a key.",
            hint="Keys are integers, strings, booleans, dates, instants or bytes; cast or format what is none.",
        )


def label(word: str) -> str:
    """The letter that a component of a surrogate key begins with; see `mlforge.model.keys`.

    Example:
        >>> label("String"), label("UInt8")
        ('s', 'i')
    """
    return {"String": "s", "Boolean": "b", "Binary": "x", "Date": "d", "Datetime": "t"}.get(word, "i")


NULL = "n0:"
"""A null as a component of a surrogate key."""


def need_result(columns: Collection[str], shape: Shape) -> None:
    """Raise `Invalid` for a key, or a timestamp, that a function's result lacks, and for names that cannot be.

    Example:
        >>> need_result(["user_id", "amount"], Shape((Key("user_id"),)))
    """
    time = [shape.timestamp.column] if shape.timestamp else []
    for name in (*shape.key_names, *time):
        if name not in columns:
            made_of = next((k.sources for k in shape.keys if k.name == name), ())
            lost = [s for s in made_of if s not in columns]
            raise no_column(lost[0] if lost else name, columns, "The function's result")
    stamped = dict.fromkeys([shape.stamp or "" if name in time else name for name in columns])
    refuse_unnamable(stamped, "The function's result", "Rename it in the function.")


def made_of_spine(spine: Mapping[str, str | None], joins: Sequence[Join]) -> list[Key]:
    """The surrogate keys to make of a spine.

    Args:
        spine: The types of its columns, in mlforge's words; None where there is nothing but nulls.
        joins: What is joined to it.

    Raises:
        Invalid: A column of another type than that which a feature's keys were made of.
    """
    for meta in (j.artifact.meta for j in joins):
        for key in derivable(spine, meta.keys):
            meta.check_sources(key, {s: spine[s] for s in key.sources}, "the spine")
    return derivable(spine, [k for j in joins for k in j.artifact.meta.keys])


_OF_SEVERAL = ("List", "struct", "map")
"""How types begin whose values are several: what they are cast to is the key of nothing."""


class OtherKeyType(Invalid):
    """A `key` of a spine that is of another type than the one that is `wanted`."""

    def __init__(self, error: Invalid, key: str, wanted: str) -> None:
        super().__init__(error.message, error.hint)
        self.key, self.wanted = key, wanted


def check_joined(
    meta: FeatureMeta,
    spine: Mapping[str, str | None],
    made: Collection[str],
    theirs: Mapping[str, str],
    cast: Callable[[str, str], str],
) -> None:
    """Raise `Invalid` for a key that a spine lacks, or has in a type that does not join the feature's.

    Args:
        meta: The feature.
        spine: The types of the spine's columns, in mlforge's words; None where there is nothing but nulls.
        made: The surrogate keys that were made for it.
        theirs: The types of the feature's keys, in mlforge's words.
        cast: How the engine makes a column, by its name, one of another type.
    """
    for name, wanted in theirs.items():
        if name not in spine and name not in made:
            raise _no_key(name, spine, meta)
        found = SURROGATE if name in made else spine[name]
        if found is not None and not same_key_type(found, wanted):
            what = f"Key {name!r} is {found} in the spine and {wanted} in feature {meta.name!r}."
            if found.startswith(_OF_SEVERAL):
                raise Invalid(what, hint="A key is one value: take it out of what the spine's column holds.")
            raise OtherKeyType(Invalid(what, hint=f"Cast it in the spine: {cast(name, wanted)}."), name, wanted)


def _no_key(name: str, spine: Collection[str], meta: FeatureMeta) -> Invalid:
    error = no_column(name, spine, f"The spine lacks a key of feature {meta.name!r}: it")
    if sources := next((k.sources for k in meta.keys if k.name == name and k.sources), None):
        return Invalid(error.message, hint=f"Bring it, or what it is made of: {', '.join(sources)}.")
    return error
