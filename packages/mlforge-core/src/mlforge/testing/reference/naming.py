"""What columns may be called."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.errors import Invalid

RENAME = "Rename one; of features' columns, full_names=True does."


def refuse_names(names: Iterable[str], where: str) -> None:
    """Raise `Invalid` for a name that is none, has a NUL or is a pattern, and for two that are one but for case."""
    given = list(names)
    for name in given:
        if not name:
            raise Invalid(f"{where} has a column without a name.", hint="Give it one.")
        if "\0" in name or name == "*" or (name[0] == "^" and name[-1] == "$"):
            raise Invalid(f"{where} has a column {name!r}.", hint="Rename it.")
    if len({name.lower() for name in given}) < len(given):
        alike = [name for name in given if [n.lower() for n in given].count(name.lower()) > 1]
        raise Invalid(f"{where} has columns {' and '.join(map(repr, alike))}, which differ in case alone.", hint=RENAME)


def refuse_controls(names: Iterable[str], where: str) -> None:
    """Raise `Invalid` for a name with a letter that controls."""
    for name in names:
        if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
            raise Invalid(f"{where} has a column {name!r}.", hint="Rename it.")
