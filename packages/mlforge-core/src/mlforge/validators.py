"""Promises about columns, for `@feature(validators={...})`: `import mlforge.validators as v`.

A null keeps every promise but `not_null`. NaN is greater than every other number. Validators that installed plugins
bring are here by their names too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.expr import Scalar, it
from mlforge.model.spelling import spelled


@spelled
def not_null() -> Validator:
    """No value is null.

    Example:
        >>> not_null().name
        'not_null'
    """
    return Validator("not_null", it().is_null(), "not_null()")


@spelled
def unique() -> Validator:
    """No value appears twice; nulls may.

    Example:
        >>> unique().name
        'unique'
    """
    return Validator("unique", it().duplicated(), "unique()")


@spelled
def greater_than(value: Scalar) -> Validator:
    """Every value is greater than `value`.

    Example:
        >>> greater_than(0).name
        'greater_than'
    """
    return Validator("greater_than", it() <= value, f"greater_than({value!r})")


@spelled
def less_than(value: Scalar) -> Validator:
    """Every value is less than `value`.

    Example:
        >>> less_than(100).name
        'less_than'
    """
    return Validator("less_than", it() >= value, f"less_than({value!r})")


@spelled
def greater_than_or_equal(value: Scalar) -> Validator:
    """Every value is `value` or more.

    Example:
        >>> greater_than_or_equal(0).name
        'greater_than_or_equal'
    """
    return Validator("greater_than_or_equal", it() < value, f"greater_than_or_equal({value!r})")


@spelled
def less_than_or_equal(value: Scalar) -> Validator:
    """Every value is `value` or less.

    Example:
        >>> less_than_or_equal(100).name
        'less_than_or_equal'
    """
    return Validator("less_than_or_equal", it() > value, f"less_than_or_equal({value!r})")


@spelled
def in_range(min_value: Any, max_value: Any) -> Validator:
    """Every value lies between the two, ends included.

    Raises:
        Invalid: They are the wrong way round, or of kinds that have no order between them.

    Example:
        >>> in_range(0, 100).name
        'in_range'
    """
    try:
        turned = min_value > max_value
    except TypeError as error:
        raise Invalid(f"in_range({min_value!r}, {max_value!r}): {error}.", hint="Give two of one type.") from None
    if turned:
        raise Invalid(f"in_range({min_value!r}, {max_value!r}) has no value in it.", hint="Put the smaller one first.")
    return Validator("in_range", (it() < min_value) | (it() > max_value), f"in_range({min_value!r}, {max_value!r})")


@spelled
def matches_regex(pattern: str) -> Validator:
    """The pattern is found in every string; anchor it with `^` and `$`. No lookaround, no backreferences.

    Example:
        >>> matches_regex("^[A-Z]{2}$").name
        'matches_regex'
    """
    return Validator("matches_regex", ~it().matches(pattern), f"matches_regex({pattern!r})")


@spelled
def is_in(values: Sequence[Scalar]) -> Validator:
    """Every value is one of `values`. Raises `Invalid` where there are none.

    Example:
        >>> is_in(["AA", "UA"]).name
        'is_in'
    """
    if isinstance(values, str) or not list(values):
        raise Invalid(f"is_in({values!r}) allows no value.", hint='is_in(["AA", "UA"])')
    return Validator("is_in", ~it().is_in(list(values)), f"is_in({list(values)!r})")


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
