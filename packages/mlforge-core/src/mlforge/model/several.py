"""One or several, as arguments take names, features and tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlforge.errors import Invalid

_HINT = 'Give names, such as ["user_spend"]. In get_training_data the table of entities comes before them.'


def several(given: Any) -> list[Any]:
    """Each of what is given, nothing for None. Raises `Invalid` for a table, and for what has no members.

    Example:
        >>> several(("plan", "spend")), several(None)
        (['plan', 'spend'], [])
        >>> several(5)
        Traceback (most recent call last):
        mlforge.errors.Invalid: 5 names nothing. ...
    """
    if hasattr(given, "__arrow_c_stream__") and not hasattr(given, "to_list"):  # which a Series has
        raise Invalid(f"A table, {type(given).__qualname__}, names nothing.", hint=_HINT)
    if given is not None and not isinstance(given, Iterable):
        raise Invalid(f"{given!r} names nothing.", hint=_HINT)
    return [] if given is None else list(given)
