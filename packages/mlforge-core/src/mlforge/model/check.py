"""Validators: what a column promises. A validator is data: the predicate of a row that breaks the promise."""

from __future__ import annotations

from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.expr import Col, Expr, It, refuse_at
from mlforge.model.spelling import Spelled


class Validator(msgspec.Struct, metaclass=Spelled, frozen=True):
    """A promise about a column.

    Args:
        name: The validator's name, such as `greater_than`.
        violation: True for a row that breaks the promise; `it()` is the column under test. Null counts as kept.
        label: How a report words it, such as `greater_than(0)`; the name if empty.

    Example:
        >>> from mlforge.model.expr import it
        >>> Validator("positive", violation=it() <= 0).on("amount").column
        'amount'
    """

    name: str
    violation: Expr
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.violation, Expr):
            raise Invalid(
                f"The violation of {self.name!r} is {self.violation!r}, not an expression.",
                hint="Write .eq(x) for ==, .ne(x) for !=, & for and, | for or, ~ for not.",
            )
        refuse_at(self.violation, f"The validator {self.name!r}")

    def on(self, column: str) -> Check:
        """This promise, made by one column."""
        predicate = self.violation.replace(lambda e: Col(column) if isinstance(e, It) else e)
        return Check(column, self.name, self.label or self.name, predicate)


class Check(msgspec.Struct, frozen=True):
    """A validator on a column: the rows for which `violation` is true break it."""

    column: str
    name: str
    label: str
    violation: Expr


class CheckResult(msgspec.Struct, frozen=True):
    """What a check found: how many of `rows` rows break it, and up to three of their values."""

    column: str
    name: str
    label: str
    rows: int
    failures: int
    examples: tuple[Any, ...] = ()

    @property
    def passed(self) -> bool:
        return self.failures == 0

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.failures / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        if self.passed:
            return f"{self.column}: {self.label} holds for {self.rows:,} rows"
        shown = ", ".join("null" if e is None else repr(e) for e in self.examples)
        count = f"{self.failures:,} of {self.rows:,} rows ({self.share:.2%})"
        return f"{self.column}: {self.label} fails for {count}, such as {shown}"
