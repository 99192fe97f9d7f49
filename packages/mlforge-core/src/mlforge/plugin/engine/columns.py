"""Columns that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mlforge.errors import Invalid


def no_column(name: str, available: Iterable[str], where: str) -> Invalid:
    """The error for a column that is not there, naming those that are.

    Example:
        >>> print(no_column("amont", ["user_id", "amount"], "The frame"))
        The frame has no column 'amont'. Did you mean 'amount'? Columns: user_id, amount.
    """
    names = list(available)
    close = difflib.get_close_matches(name, names, 1)
    nearest = f"Did you mean {close[0]!r}? " if close else ""
    return Invalid(f"{where} has no column {name!r}.", hint=f"{nearest}Columns: {', '.join(names) or 'none'}.")
