"""Promises about columns, for `@feature(validators={...})`: `import mlforge.validators as v`.

Each takes `severity="warn"`: that it is broken is then told, and stops no build. A null keeps every promise but
`not_null`. NaN is greater than every other number. Validators that installed plugins
bring are here by their names too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any

from mlforge.errors import Invalid
from mlforge.model.check import Severity, Validator
from mlforge.model.constants import Scalar
from mlforge.model.drift import MATTERS, METHODS, Method
from mlforge.model.duration import Duration
from mlforge.model.expr import col, it
from mlforge.model.spelling import spelled

if TYPE_CHECKING:
    from mlforge.model.expr import Expr


@spelled
def not_null(*, severity: Severity = "error") -> Validator:
    """No value is null.

    Example:
        >>> not_null().name
        'not_null'
    """
    return Validator("not_null", it().is_null(), "not_null()", severity)


@spelled
def unique(*, severity: Severity = "error") -> Validator:
    """No value appears twice; nulls may.

    Example:
        >>> unique().name
        'unique'
    """
    return Validator("unique", it().duplicated(), "unique()", severity)


@spelled
def greater_than(value: Scalar, *, severity: Severity = "error") -> Validator:
    """Every value is greater than `value`.

    Example:
        >>> greater_than(0).name
        'greater_than'
    """
    _need(value, "greater_than")
    return Validator("greater_than", it() <= value, f"greater_than({value!r})", severity)


@spelled
def less_than(value: Scalar, *, severity: Severity = "error") -> Validator:
    """Every value is less than `value`.

    Example:
        >>> less_than(100).name
        'less_than'
    """
    _need(value, "less_than")
    return Validator("less_than", it() >= value, f"less_than({value!r})", severity)


@spelled
def greater_than_or_equal(value: Scalar, *, severity: Severity = "error") -> Validator:
    """Every value is `value` or more.

    Example:
        >>> greater_than_or_equal(0).name
        'greater_than_or_equal'
    """
    _need(value, "greater_than_or_equal")
    return Validator("greater_than_or_equal", it() < value, f"greater_than_or_equal({value!r})", severity)


@spelled
def less_than_or_equal(value: Scalar, *, severity: Severity = "error") -> Validator:
    """Every value is `value` or less.

    Example:
        >>> less_than_or_equal(100).name
        'less_than_or_equal'
    """
    _need(value, "less_than_or_equal")
    return Validator("less_than_or_equal", it() > value, f"less_than_or_equal({value!r})", severity)


@spelled
def in_range(min_value: Any, max_value: Any, *, severity: Severity = "error") -> Validator:
    """Every value lies between the two, ends included.

    Raises:
        Invalid: They are the wrong way round, or of kinds that have no order between them.

    Example:
        >>> in_range(0, 100).name
        'in_range'
    """
    try:
        turned = bool(min_value > max_value)
    except (TypeError, ValueError) as error:
        raise Invalid(f"in_range({min_value!r}, {max_value!r}): {error}.", hint="Give two of one type.") from None
    if turned:
        raise Invalid(f"in_range({min_value!r}, {max_value!r}) has no value in it.", hint="Put the smaller one first.")
    return Validator(
        "in_range", (it() < min_value) | (it() > max_value), f"in_range({min_value!r}, {max_value!r})", severity
    )


@spelled
def matches_regex(pattern: str, *, severity: Severity = "error") -> Validator:
    """The pattern is found in every string; anchor it with `^` and `$`. No lookaround, no backreferences.

    Example:
        >>> matches_regex("^[A-Z]{2}$").name
        'matches_regex'
    """
    return Validator("matches_regex", ~it().matches(pattern), f"matches_regex({pattern!r})", severity)


@spelled
def is_in(values: Sequence[Scalar], *, severity: Severity = "error") -> Validator:
    """Every value is one of `values`. Raises `Invalid` where there are none, or one is null.

    Example:
        >>> is_in(["AA", "UA"]).name
        'is_in'
    """
    listed = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    if not listed:
        raise Invalid(f"is_in({values!r}) allows no value.", hint='is_in(["AA", "UA"])')
    if any(value is None for value in listed):
        raise Invalid(f"is_in({listed!r}): a null keeps every promise but not_null.", hint="Leave the null out.")
    return Validator("is_in", ~it().is_in(listed), f"is_in({listed!r})", severity)


@spelled
def null_rate_below(rate: float, *, severity: Severity = "error") -> Validator:
    """Less than this part of the rows is null; of built rows, where they are measured.

    Example:
        >>> null_rate_below(0.05).label
        'null_rate_below(0.05)'
    """
    if not _is_number(rate) or not 0 < rate <= 1:
        raise Invalid(f"null_rate_below({rate!r}) is no part of the rows.", hint="null_rate_below(0.05)")
    return _figures("null_rate_below", f"{rate!r}", col("null_rate") >= float(rate), severity)


@spelled
def rows_between(least: int, most: int | None = None, *, severity: Severity = "error") -> Validator:
    """The feature has at least so many rows, and at most so many; on any of its columns.

    Example:
        >>> rows_between(1000).label
        'rows_between(1000, None)'
    """
    if wrong := [n for n in (least, 0 if most is None else most) if not _is_number(n)]:
        raise Invalid(f"rows_between: {wrong[0]!r} is no number of rows.", hint="rows_between(1000, 50_000)")
    if most is not None and most < least:
        raise Invalid(f"rows_between({least!r}, {most!r}) has no number in it.", hint="Put the smaller one first.")
    few = col("rows") < least
    return _figures(
        "rows_between", f"{least!r}, {most!r}", few if most is None else few | (col("rows") > most), severity
    )


@spelled
def fresh_within(length: str | timedelta, *, severity: Severity = "error") -> Validator:
    """The latest event is not older than this; on any column of a feature with a timestamp.

    Example:
        >>> fresh_within("2d").label
        "fresh_within('2d')"
    """
    most, age = Duration.parse(length).micros / 1_000_000, col("age")
    return _figures("fresh_within", repr(length), age.is_null() | (age > most), severity)


@spelled
def no_drift(method: Method = "psi", threshold: float = MATTERS, *, severity: Severity = "error") -> Validator:
    """The values are of the distribution that those of the version before are of, as `mlforge drift` tells.

    Example:
        >>> no_drift(severity="warn").label
        "no_drift('psi', 0.1)"
    """
    if method not in (*METHODS,):
        raise Invalid(f"There is no method {method!r}.", hint=f"Methods: {', '.join(METHODS)}.")
    if not _is_number(threshold) or threshold < 0:
        raise Invalid(f"The threshold is {threshold!r}.", hint="Give a number from 0 on, such as 0.1.")
    return _figures("no_drift", f"{method!r}, {threshold!r}", col(f"drift_{method}") > float(threshold), severity)


def _need(value: object, name: str) -> None:
    if value is None:
        raise Invalid(f"{name}(None) is kept by every value.", hint=f"Give a value: {name}(0).")


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def _figures(name: str, given: str, violation: Expr, severity: Severity) -> Validator:
    return Validator(name, violation, f"{name}({given})", severity, figures=True)


def __getattr__(name: str) -> Any:
    from mlforge.plugin.config import load
    from mlforge.plugin.descriptors import ValidatorDescriptor
    from mlforge.plugin.registry import registry

    if name.startswith("_"):
        raise AttributeError(name)
    found = registry().of(ValidatorDescriptor).get(name)
    if found is None:
        from mlforge.plugin.words import no_word

        known = registry().of(ValidatorDescriptor)
        raise registry().trouble(ValidatorDescriptor, name) or no_word("mlforge.validators", name, known)
    return load(found.target, f"validator {name!r}")
