"""Expressions with their types: what an operation means is decided here, and an engine only writes it down.

A typed expression is a tree of `Read`, `Constant`, `Cast`, `Digits`, `Scaled`, `OneOf`, `Found`, `Part` and
`Operation`. Each has a `word`, that of its type. Conversions stand in it as `Cast`, so that the arguments of an
operation are what an engine's own needs:

- an operation of `COMPARISONS` has two arguments of one family. Numbers are both integers, of any width, or Float64;
- an operation of `ARITHMETIC` whose word is Float64 has arguments that are Float64; one whose word is Int64 has
  integers of any width, is computed without overflow and must then fit 64 bits. `div` has Float64 and is null where
  the divisor is 0;
- `if` and `coalesce` have values of their own type; `if` and the connectives have conditions that are Boolean;
- `is_nan` has a Float64, `length` a String, `is_null` and `duplicated` anything;
- `log`, `exp`, `sqrt`, `pow`, `floor` and `round` have Float64, of which they have a value: what has none is null
  already. A half is rounded away from 0, and what is beyond any float is infinite;
- `mod` has integers of any width, the sign of the first, and is null where the second is 0; `sign` has an integer or a
  Float64, and is what its argument is: Int64 or Float64, of NaN NaN;
- `least` and `greatest` have values of their own type, in the order of comparisons, and are null where one of them is;
- `contains`, `starts_with` and `ends_with` have two Strings, `lower`, `upper` and `strip` one. `LOWER` and `UPPER` say
  which characters change, `BLANK` which are stripped.

Lengths of time are computed with as the integers of their microseconds, instants as those since the Unix epoch.

Values of two kinds do not mix. A date compares with an instant; nothing else does with another. A boolean is no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlforge.errors import Invalid
from mlforge.model.expr import AsType, At, Call, Col, Expr, IsIn, It, Lit, Matches, TimePart
from mlforge.plugin.engine.columns import no_column
from mlforge.plugin.engine.nodes import (
    Cast,
    Constant,
    Digits,
    Found,
    OneOf,
    Operation,
    Part,
    Read,
    Scaled,
    Typed,
    cast,
    constant,
    reads,
    unless_null,
)
from mlforge.plugin.engine.patterns import spelled_out
from mlforge.plugin.engine.rules import ARITHMETIC, COMPARISONS, boolean, cast_as, one_of, operation, part_of, text
from mlforge.plugin.engine.types import is_decimal

__all__ = [
    "ARITHMETIC", "COMPARISONS", "Cast", "Constant", "Digits", "Found", "OneOf", "Operation", "Part", "Read", "Scaled",
    "Typed",
    "condition", "constant", "derivations", "derived", "of_column", "reads", "typed", "typed_over",
]  # fmt: skip

Leaf = Callable[[Expr], Typed]


def typed(expr: Expr, words: Mapping[str, str]) -> Typed:
    """An expression over rows with its types. A column by itself keeps its own; a bare null is an Int64.

    Args:
        expr: The expression.
        words: The columns and the words for their types.

    Raises:
        Invalid: A column that is not there, values that do not go together, or what has no value in a row.

    Example:
        >>> typed(Col("n") + 1, {"n": "Int8"}).word
        'Int64'
        >>> typed(Col("day") > 0, {"day": "Date"})
        Traceback (most recent call last):
        mlforge.errors.Invalid: gt compares a date with a number. Compare a date with a date, such as ...
    """
    return typed_over(expr, lambda leaf: _in_a_row(leaf, words))


def condition(expr: Expr, words: Mapping[str, str]) -> Typed:
    """An expression over rows that is true, false or unknown. Raises `Invalid` for one of another type, too.

    Example:
        >>> condition(Col("late"), {"late": "Boolean"})
        Read(name='late', word='Boolean')
    """
    return boolean("The condition", typed_over(expr, lambda leaf: _in_a_row(leaf, words), null="Boolean"))


def derived(expr: Expr, words: Mapping[str, str], at: str | None) -> Typed:
    """As `typed`, of what is computed of one row when it is asked for: `at()` reads a column of instants.

    Args:
        expr: The expression.
        words: The columns and the words for their types.
        at: The column of `at()`, which need not be among them; None where nobody asks.

    Example:
        >>> derived(At() - Col("paid_at"), {"paid_at": "Datetime"}, "label_time").word
        'Duration'
    """
    if any(isinstance(e, Call) and e.op == "duplicated" for e in expr.walk()):
        raise Invalid("duplicated is about all rows of a frame, not about one.", hint="Count them with a metric.")
    return typed_over(
        expr, lambda leaf: Read(at, "Datetime") if at and isinstance(leaf, At) else _in_a_row(leaf, words)
    )


def derivations(columns: Mapping[str, Expr], words: Mapping[str, str], at: str | None) -> dict[str, Typed]:
    """As `derived`, of several new columns. What is refused names the column.

    Example:
        >>> derivations({"late": Col("dealy") > 15}, {"delay": "Int64"}, None)
        Traceback (most recent call last):
        mlforge.errors.Invalid: late: The frame has no column 'dealy'. Did you mean 'delay'? Columns: delay.
    """
    nodes = {}
    for name, expr in columns.items():
        try:
            nodes[name] = derived(expr, words, at)
        except Invalid as error:
            raise of_column(name, error) from None
    return nodes


def of_column(name: str, error: Invalid) -> Invalid:
    """The error, of a new column.

    Example:
        >>> print(of_column("late", Invalid("There is no 'dealy'.", hint="Say 'delay'.")))
        late: There is no 'dealy'. Say 'delay'.
    """
    return Invalid(f"{name}: {error.message}", hint=error.hint)


def typed_over(expr: Expr, leaf: Leaf, null: str = "Int64") -> Typed:
    """An expression with its types, given those of its leaves; a bare null is of the type `null`.

    Example:
        >>> typed_over(Lit(2) * Col("n"), lambda leaf: Read(leaf.name, "Float32")).word
        'Float64'
    """
    return unless_null(_typed(expr, leaf), null)


def _in_a_row(leaf: Expr, words: Mapping[str, str]) -> Read:
    match leaf:
        case Col(name):
            if name not in words:
                raise no_column(name, words, "The frame")
            return Read(name, words[name])
        case At():
            raise Invalid(
                "at() is the instant that is asked about, and nobody asks about stored rows.",
                hint="Derive the column when it is asked for.",
            )
        case It():
            raise Invalid("it() stands for a validator's column, and there is none.", hint='Use col("amount").')
        case _:
            raise Invalid(f"{type(leaf).__name__} is no expression over rows.", hint="Put it in a metric.")


def _typed(expr: Expr, leaf: Leaf) -> Typed:
    match expr:
        case Lit(value):
            return constant(value)
        case IsIn(arg, values):
            return one_of(_computed(arg, leaf), values)
        case Matches(arg, pattern):
            return Found(text("matches", _computed(arg, leaf)), spelled_out(pattern))
        case AsType(arg, dtype):
            return cast_as(_computed(arg, leaf), dtype)
        case TimePart(arg, part, zone):
            return part_of(_computed(arg, leaf), part, zone)
        case Call("duplicated") if not expr.column_names:
            raise Invalid("duplicated needs a column, not a constant.", hint='col("order_id").duplicated()')
        case Call(op, args):
            return operation(op, [_computed(a, leaf) for a in args])
        case _:
            return leaf(expr)


def _computed(expr: Expr, leaf: Leaf) -> Typed:
    """An argument of an operation: single floats and decimals are computed with as Float64."""
    node = _typed(expr, leaf)
    return cast(node, "Float64") if node.word == "Float32" or is_decimal(node.word) else node
