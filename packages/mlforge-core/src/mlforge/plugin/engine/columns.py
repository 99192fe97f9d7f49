"""Columns that are not there, that two bring, or whose names cannot be: how every engine says so."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from mlforge.errors import Invalid, close_to
from mlforge.model.meta import FeatureMeta
from mlforge.model.text import has_half
from mlforge.plugin.engine.frames import Join


def no_column(name: str, available: Iterable[str], where: str) -> Invalid:
    """The error for a column that is not there, naming those that are.

    Example:
        >>> str(no_column("amuont", ["user", "amount"], "The frame"))
        "The frame has no column 'amuont'. Did you mean 'amount'? Columns: user, amount."
    """
    names = list(available)
    close = close_to(name, names)
    nearest = f"Did you mean {close!r}? " if close else ""
    return Invalid(f"{where} has no column {name!r}.", hint=f"{nearest}Columns: {', '.join(names) or 'none'}.")


def need_columns(names: Iterable[str], available: Iterable[str], where: str) -> None:
    """Raise `Invalid` for the first of some columns that is not there.

    Example:
        >>> need_columns(["user"], ["user", "amount"], "The frame")
    """
    there = list(available)
    for name in names:
        if name not in there:
            raise no_column(name, there, where)


def need_free(names: Iterable[str], taken: Iterable[str]) -> None:
    """Raise `Invalid` for the first of some new columns that is there already.

    Example:
        >>> need_free(["ratio"], ["ratio", "amount"])
        Traceback (most recent call last):
        mlforge.errors.Invalid: The frame has a column 'ratio' already. Give the new one another name.
    """
    there = set(taken)
    for name in names:
        if name in there:
            raise Invalid(f"The frame has a column {name!r} already.", hint="Give the new one another name.")


def need_values(columns: Iterable[str], available: Iterable[str], meta: FeatureMeta) -> None:
    """Raise `Invalid` for a column that a committed version does not have."""
    need_columns(columns, available, f"Feature {meta.name!r}")


def refuse_names(names: Iterable[str], where: str, hint: str = "Rename it.") -> None:
    """Raise `Invalid` for columns that not every engine can tell apart.

    These are nameless, have a NUL, are alike but for case, or are called as patterns are that Polars looks for: `*`,
    and whatever begins with `^` and ends with `$`.

    Example:
        >>> refuse_names(["user", "User"], "The spine")
        Traceback (most recent call last):
        mlforge.errors.Invalid: The spine has columns 'user' and 'User', which differ in case alone. Rename it.
    """
    first: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        if not name:
            raise Invalid(f"{where} has a column without a name, number {place}.", hint=hint)
        if "\0" in name:
            raise Invalid(f"{where} has a column {name!r}, which has a NUL in its name.", hint=hint)
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise Invalid(f"{where} has a column {name!r}, which is a pattern of columns' names to Polars.", hint=hint)
        twin = first.setdefault(name.lower(), name)
        if twin != name:
            raise Invalid(f"{where} has columns {twin!r} and {name!r}, which differ in case alone.", hint=hint)


def refuse_doubles(names: Iterable[str], where: str, hint: str = "Rename one of them.") -> None:
    """Raise `Invalid` for two columns of one name: nobody could say which of them is meant.

    Example:
        >>> refuse_doubles(["user", "amount", "amount"], "The spine")
        Traceback (most recent call last):
        mlforge.errors.Invalid: The spine has two columns 'amount'. Rename one of them.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Invalid(f"{where} has two columns {name!r}.", hint=hint)
        seen.add(name)


def refuse_unnamable(names: Iterable[str], where: str, hint: str = "Rename it.") -> None:
    r"""Raise `Invalid` for columns that a feature cannot have: as `refuse_names`, and with what is no character.

    Example:
        >>> refuse_unnamable(["user", "amount\n"], "The function's result", "Rename it in the function.")
        Traceback (most recent call last):
        mlforge.errors.Invalid: The function's result has a column 'amount\n', which has a control character in ...
    """
    given = list(names)
    refuse_names(given, where, hint)
    for name in given:
        if any(unicodedata.category(letter) == "Cc" for letter in name):
            raise Invalid(f"{where} has a column {name!r}, which has a control character in its name.", hint=hint)
        if has_half(name):
            raise Invalid(f"{where} has a column {name!r}, which has half a character in its name.", hint=hint)


def refuse_twins(spine: Iterable[str], joins: Sequence[Join]) -> None:
    """Raise `Invalid` for a column that two features, or the spine and a feature, bring under one name.

    Names that differ in case alone are one: not every engine tells them apart.
    """
    refuse_brought_twice(spine, [(join.artifact.meta.name, join.columns.values()) for join in joins])


def refuse_brought_twice(spine: Iterable[str], brought: Iterable[tuple[str, Iterable[str]]]) -> None:
    """As `refuse_twins`, of features and the columns that they bring.

    Example:
        >>> refuse_brought_twice(["user"], [("spend", ["total"]), ("visits", ["total"])])
        Traceback (most recent call last):
        mlforge.errors.Invalid: 'spend' and 'visits' both bring a column 'total'. Choose columns with FeatureSpec(...
    """
    given = list(spine)
    refuse_names(given, "The spine")
    refuse_doubles(given, "The spine")
    owners = {name.lower(): ("The spine", name) for name in given}
    for feature, names in brought:
        for name in names:
            if found := owners.get(name.lower()):
                raise _brought_twice(*found, repr(feature), name)
            owners[name.lower()] = (repr(feature), name)


def _brought_twice(owner: str, first: str, feature: str, second: str) -> Invalid:
    if owner == feature:
        raise Invalid(
            f"{feature} is asked for twice, and its column {first!r} would be there twice.",
            hint="Name it once; of two versions of it ask for the full names: full_names=True, or --full-names.",
        )
    same = f"{owner} and {feature} both bring a column {first!r}."
    alike = f"{owner} brings a column {first!r} and {feature} {second!r}, which differ in case alone."
    return Invalid(
        same if first == second else alike,
        hint="Choose columns with FeatureSpec(name, columns=[…]), full_names=True, or --full-names, "
        "for feature__column.",
    )
