"""Words that expressions begin with: `when`, `coalesce`, `least`, `greatest`, `at`, and lengths of time."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from mlforge.errors import Invalid
from mlforge.model.constants import Scalar
from mlforge.model.expr import At, Call, Expr, Lit, Unfinished, lift
from mlforge.model.fitting import refuse_misfits
from mlforge.model.spelling import spelled

_FINISH = 'Finish it: when(col("n") > 0).then(1).otherwise(0), or .otherwise(None).'


class When(Unfinished, frozen=True):
    """A condition that waits for the value where it is true."""

    says: ClassVar[str] = "when(…)"
    hint: ClassVar[str] = _FINISH

    condition: Expr
    before: Then | None = None

    def then(self, value: Expr | Scalar) -> Then:
        return Then(self.condition, lift(value), self.before)


class Then(Unfinished, frozen=True):
    """A choice that waits for the value where none of its conditions is true, or for one more condition."""

    says: ClassVar[str] = "when(…).then(…)"
    hint: ClassVar[str] = _FINISH

    condition: Expr
    value: Expr
    before: Then | None = None

    def when(self, condition: Expr) -> When:
        return When(condition, self)

    def otherwise(self, value: Expr | Scalar) -> Expr:
        chosen = Call("if", (self.condition, self.value, lift(value)))
        return chosen if self.before is None else self.before.otherwise(chosen)


@spelled
def when(condition: Expr) -> When:
    """The first value whose condition is true: `when(c).then(x).when(d).then(y).otherwise(z)`. Unknown is not true.

    Example:
        >>> from mlforge.model.expr import col
        >>> size = when(col("n") > 100).then("large").when(col("n") > 10).then("medium").otherwise("small")
        >>> size.column_names
        ('n',)
    """
    refuse_misfits("when", when, {"condition": condition})
    return When(condition)


def coalesce(*values: Expr | Scalar) -> Expr:
    """The first of the values that is not null.

    Example:
        >>> from mlforge.model.expr import col
        >>> coalesce(col("nickname"), col("name"), "").op
        'coalesce'
    """
    return Call("coalesce", tuple(map(lift, values)))


def least(*values: Expr | Scalar) -> Expr:
    """The least of the values; null where one of them is.

    Example:
        >>> from mlforge.model.expr import col
        >>> least(col("n"), 100).op
        'least'
    """
    return Call("least", tuple(map(lift, values)))


def greatest(*values: Expr | Scalar) -> Expr:
    """The greatest of the values; null where one of them is. NaN is greater than every other number.

    Example:
        >>> from mlforge.model.expr import col
        >>> greatest(col("n"), 0).op
        'greatest'
    """
    return Call("greatest", tuple(map(lift, values)))


@spelled
def at() -> Expr:
    """The instant that is asked about: the label time in training, the time of the request online.

    Example:
        >>> from mlforge.model.expr import col
        >>> days_since_paid = (at() - col("paid_at")) / days(1)
    """
    return At()


@spelled
def days(number: float) -> Expr:
    """A length of time. A day has 24 hours.

    Example:
        >>> days(1.5).value == hours(36).value
        True
    """
    return _length("days", number)


@spelled
def hours(number: float) -> Expr:
    """A length of time.

    Example:
        >>> hours(2).value
        datetime.timedelta(seconds=7200)
    """
    return _length("hours", number)


@spelled
def minutes(number: float) -> Expr:
    """A length of time.

    Example:
        >>> minutes(5).value
        datetime.timedelta(seconds=300)
    """
    return _length("minutes", number)


@spelled
def seconds(number: float) -> Expr:
    """A length of time.

    Example:
        >>> seconds(0.25).value
        datetime.timedelta(microseconds=250000)
    """
    return _length("seconds", number)


def _length(unit: str, number: float) -> Expr:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Invalid(f"{unit}({number!r}) is no length of time.", hint=f"Give a number: {unit}(7).")
    try:
        return Lit(timedelta(**{unit: number}))
    except (OverflowError, ValueError):
        raise Invalid(f"{unit}({number!r}) is no length of time.", hint=f"Give a smaller number: {unit}(7).") from None
