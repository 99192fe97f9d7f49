"""Limits of a config's settings, refused in the same words by every plugin."""

from __future__ import annotations

from mlforge.errors import Invalid

HOUR = 3600


def refuse_number(name: str, value: object, low: int, high: int) -> None:
    """Raise `Invalid` for what is no whole number between two limits, ends included.

    Example:
        >>> refuse_number("port", 6379, 1, 65_535)
    """
    if type(value) is not int or not low <= value <= high:
        raise Invalid(f"{name} is {value!r}.", hint=f"Give a whole number from {low} to {high}.")


def refuse_seconds(name: str, value: object) -> None:
    """Raise `Invalid` for what is no time to wait: seconds above 0, at most an hour.

    Example:
        >>> refuse_seconds("timeout", 2.5)
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= HOUR:
        raise Invalid(f"{name} is {value!r}.", hint=f"Give seconds above 0, at most {HOUR}.")
