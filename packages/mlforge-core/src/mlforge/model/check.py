"""Validators: what a column promises. A validator is data: the predicate of a row that breaks the promise."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.model.expr import Col, Expr, It, refuse_at
from mlforge.model.spelling import Spelled

Severity = Literal["error", "warn"]


class Validator(msgspec.Struct, metaclass=Spelled, frozen=True):
    """A promise about a column.

    Args:
        name: The validator's name, such as `greater_than`.
        violation: True for a row that breaks the promise; `it()` is the column under test. Null counts as kept.
        label: How a report words it, such as `greater_than(0)`; the name if empty.
        severity: `error`: nothing is written where it is broken. `warn`: it is told.
        figures: Whether it is about what is measured of the column, not about its rows: the violation sees figures as
            columns, such as `col("null_rate") > 0.1`.

    Example:
        >>> from mlforge.model.expr import it
        >>> Validator("positive", violation=it() <= 0).on("amount").column
        'amount'
    """

    name: str
    violation: Expr
    label: str = ""
    severity: Severity = "error"
    figures: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.violation, Expr):
            raise Invalid(
                f"The violation of {self.name!r} is {self.violation!r}, not an expression.",
                hint="Write .eq(x) for ==, .ne(x) for !=, & for and, | for or, ~ for not.",
            )
        if self.severity not in ("error", "warn"):
            raise Invalid(f"The severity of {self.name!r} is {self.severity!r}.", hint='severity="warn", or "error".')
        refuse_at(self.violation, f"The validator {self.name!r}")

    def warning(self) -> Validator:
        """The same promise, of which it is only told that it is broken.

        Example:
            >>> Validator("positive", violation=Col("amount") <= 0).warning().severity
            'warn'
        """
        return msgspec.structs.replace(self, severity="warn")

    def on(self, column: str) -> Check:
        """This promise, made by one column."""
        predicate = self.violation.replace(lambda e: Col(column) if isinstance(e, It) else e)
        return Check(column, self.name, self.label or self.name, predicate, self.severity, self.figures)


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """A validator on a column: the rows for which `violation` is true break it, or the figures."""

    column: str
    name: str
    label: str
    violation: Expr
    severity: Severity = "error"
    figures: bool = False


class CheckResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a check found: how many of `rows` rows break it, and up to three of their values.

    Of one about figures `failures` is 1 where it is broken, and `told` says what the figures are.
    """

    column: str
    name: str
    label: str
    rows: int
    failures: int
    examples: tuple[Any, ...] = ()
    severity: Severity = "error"
    told: str = ""

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
        if self.told:
            return f"{self.column}: {self.label} fails: {self.told}"
        shown = ", ".join("null" if e is None else repr(e) for e in self.examples)
        count = f"{self.failures:,} of {self.rows:,} rows ({self.share:.2%})"
        return f"{self.column}: {self.label} fails for {count}, such as {shown}"
