"""What an expression is worth in a row: the algebra of `mlforge.model.expr`, rule by rule."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Col, Expr, IsIn, Lit, Matches
from mlforge.testing.reference.dtypes import dtype_of, need_each
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.times import as_utc, midnight

Leaf = Callable[[Expr], Any]


def evaluate(expr: Expr, leaf: Leaf) -> Any:
    """The value of an expression, given that of its leaves."""
    match expr:
        case Lit(value=value):
            return as_utc(value) if isinstance(value, datetime) else value
        case IsIn(arg=arg, values=values):
            return is_in(evaluate(arg, leaf), values)
        case Matches(arg=arg, pattern=pattern):
            return matches(evaluate(arg, leaf), pattern)
        case Call(op=op, args=args) if op != "duplicated":
            return RULES[op](*(evaluate(a, leaf) for a in args))
    return leaf(expr)


def column(expr: Expr, table: Table) -> list[Any]:
    """The value of an expression in every row."""
    counts = {e: count_values(e, table) for e in expr.walk() if isinstance(e, Call) and e.op == "duplicated"}
    return [evaluate(expr, row_leaf(row, counts)) for row in table.rows]


def where(table: Table, condition: Expr, seen: Table) -> Table:
    """The rows for which a condition is true, not those for which it is unknown, as the condition sees them."""
    verdicts = verdicts_of(condition, seen)
    kept = [row for row, verdict in zip(table.rows, verdicts, strict=True) if verdict is True]
    return Table(table.schema, kept, table.local)


def verdicts_of(condition: Expr, table: Table) -> list[Any]:
    """Whether a condition is true in every row. Raises `Invalid` for what is none, or cannot be computed."""
    dtype = dtype_of(condition, lambda leaf: column_dtype(leaf, table))
    need_each([dtype], "Boolean", gives=dtype)
    return column(condition, table)


def column_dtype(leaf: Expr, table: Table) -> str:
    """The type of a column. Raises `Invalid` for one that is not there, and for what is no column."""
    if not isinstance(leaf, Col):
        raise Invalid(f"{leaf!r} has no value in a row.", hint="Give columns, constants and operations.")
    need(leaf, table)
    return table.schema.dtype(leaf.name)


def count_values(duplicated: Call, table: Table) -> Counter[Any]:
    """How often each value stands in the table."""
    return Counter(rank(v) for v in column(duplicated.args[0], table) if v is not None)


def row_leaf(row: Row, counts: dict[Call, Counter[Any]]) -> Leaf:
    """The leaves of a row: its columns, and whether a value stands more than once in the table."""

    def leaf(expr: Expr) -> Any:
        if isinstance(expr, Col):
            return computed(row[expr.name])
        if isinstance(expr, Call):
            value = evaluate(expr.args[0], leaf)
            return value is not None and counts[expr][rank(value)] > 1
        raise Invalid(f"{expr!r} has no value in a row.", hint="Give columns, constants and operations.")

    return leaf


def computed(value: Any) -> Any:
    """A value as it is computed with: a decimal as the nearest float."""
    return float(value) if isinstance(value, Decimal) else value


def need(expr: Expr, table: Table) -> None:
    """Raise `Invalid` for a column that is not there."""
    for name in expr.column_names:
        if name not in table.schema:
            raise Invalid(f"There is no column {name!r}.", hint=f"There are {', '.join(table.names)}.")


def rank(value: Any) -> tuple[bool, Any]:
    """What values are ordered and told apart by: NaN equals itself and is greater than every other number."""
    return (True, 0) if is_nan(value) else (False, tuple(value) if isinstance(value, list) else value)


def is_nan(value: Any) -> bool:
    """Whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)


def strict(rule: Callable[..., Any]) -> Callable[..., Any]:
    """An operation on a null is null."""
    return lambda *args: None if any(a is None for a in args) else rule(*args)


def comparison(rule: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """A comparison by rank, unknown where a side is null."""
    return strict(lambda a, b: rule(*map(rank, comparable(a, b))))


def comparable(a: Any, b: Any) -> tuple[Any, Any]:
    """Both values; of a date beside an instant, the instant its day begins at."""
    if isinstance(a, datetime) is isinstance(b, datetime):
        return a, b
    begins = [midnight(v) if isinstance(v, date) and not isinstance(v, datetime) else v for v in (a, b)]
    return as_utc(begins[0]), as_utc(begins[1])


def conjunction(*args: bool | None) -> bool | None:
    """`and`, three-valued: one false decides."""
    return False if any(a is False for a in args) else None if any(a is None for a in args) else True


def disjunction(*args: bool | None) -> bool | None:
    """`or`, three-valued: one true decides."""
    return True if any(a is True for a in args) else None if any(a is None for a in args) else False


def arithmetic(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Of integers, Int64; Invalid where it does not fit."""
    return strict(lambda *args: fit(rule(*args)))


def fit(value: Any) -> Any:
    """An integer within 64 bits. Raises `Invalid` for another."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid(f"{value} does not fit 64 bits.", hint="Compute with floats: multiply by 1.0.")
    return value


def quotient(a: float, b: float) -> float | None:
    """`div`: Float64, and null where the divisor is 0."""
    return None if b == 0 else a / b


def choice(condition: bool | None, then: Any, otherwise: Any) -> Any:
    """`if`: an unknown condition is not true."""
    return then if condition is True else otherwise


def coalesce(*args: Any) -> Any:
    """The first that is not null."""
    return next((a for a in args if a is not None), None)


def is_in(value: Any, values: Iterable[Any]) -> bool | None:
    """Whether a value is among some; unknown for null, and where only a null could be it."""
    return None if value is None else disjunction(*(comparison(lambda a, b: a == b)(value, v) for v in values), False)


def matches(value: str | None, pattern: str) -> bool | None:
    """Whether a pattern is found anywhere; `$` is the very end."""
    return None if value is None else re.search(end_anchored(pattern), value) is not None


def end_anchored(pattern: str) -> str:
    r"""The pattern with `$` as `\Z`: Python's own `$` also stands before a last line break."""
    parts = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|.", pattern, re.DOTALL)
    return "".join(r"\Z" if part == "$" else part for part in parts)


RULES: dict[str, Callable[..., Any]] = {
    "eq": comparison(lambda a, b: a == b),
    "ne": comparison(lambda a, b: a != b),
    "lt": comparison(lambda a, b: a < b),
    "le": comparison(lambda a, b: a <= b),
    "gt": comparison(lambda a, b: a > b),
    "ge": comparison(lambda a, b: a >= b),
    "add": arithmetic(lambda a, b: a + b),
    "sub": arithmetic(lambda a, b: a - b),
    "mul": arithmetic(lambda a, b: a * b),
    "neg": arithmetic(lambda a: -a),
    "abs": arithmetic(abs),
    "div": strict(quotient),
    "not": strict(lambda a: not a),
    "and": conjunction,
    "or": disjunction,
    "is_null": lambda a: a is None,
    "is_nan": strict(is_nan),
    "length": strict(len),
    "coalesce": coalesce,
    "if": choice,
}
