"""Checks as conditions: what breaks a promise, with its types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.plugin.engine.columns import no_column
from mlforge.plugin.engine.expressions import Typed, condition


def violations(checks: Sequence[Check], words: Mapping[str, str]) -> list[Typed]:
    """For each check the condition of a row that breaks it; one that is unknown does not.

    Raises:
        Invalid: A column that is not there, or a promise that compares values of two kinds, such as a date with a
            number; names the check, its column and the column's type.

    Example:
        >>> from mlforge.validators import greater_than
        >>> violations([greater_than(0).on("amount")], {"amount": "Int64"})[0].op
        'le'
        >>> violations([greater_than(0).on("day")], {"day": "Date"})
        Traceback (most recent call last):
        mlforge.errors.Invalid: greater_than(0) is promised of 'day', which is Date: le compares a date with a number...
    """
    return [_violation(check, words) for check in checks]


def _violation(check: Check, words: Mapping[str, str]) -> Typed:
    if check.column not in words:
        raise no_column(check.column, words, f"{check.label}: the frame")
    try:
        return condition(check.violation, words)
    except Invalid as error:
        raise Invalid(
            f"{check.label} is promised of {check.column!r}, which is {words[check.column]}: {error.message}",
            hint=error.hint,
        ) from error
