"""Columns that are not there, or that two bring: how every engine says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from mlforge.errors import Invalid
from mlforge.model.meta import FeatureMeta
from mlforge.plugin.engine.frames import Join


def no_column(name: str, available: Iterable[str], where: str) -> Invalid:
    """The error for a column that is not there, naming those that are.

    Example:
        >>> str(no_column("amuont", ["user", "amount"], "The frame"))
        "The frame has no column 'amuont'. Did you mean 'amount'? Columns: user, amount."
    """
    names = list(available)
    close = difflib.get_close_matches(name, names, 1)
    nearest = f"Did you mean {close[0]!r}? " if close else ""
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


def refuse_twins(spine: Iterable[str], joins: Sequence[Join]) -> None:
    """Raise `Invalid` for a column that two features, or the spine and a feature, bring under one name."""
    owners = dict.fromkeys(spine, "The spine")
    for join in joins:
        feature = repr(join.artifact.meta.name)
        for name in join.columns.values():
            if name in owners:
                raise Invalid(
                    f"{owners[name]} and {feature} both bring a column {name!r}.",
                    hint="Choose columns with FeatureSpec(name, columns=[…]), or full_names=True for feature__column.",
                )
            owners[name] = feature
