"""What kinds of values an expression compares. A date and a number have no order that every engine would agree on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.model.expr import Call, Col, Expr, IsIn, Lit, Matches
from mlforge.model.schema import Schema, is_numeric

_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_NUMBERS = ("add", "sub", "mul", "div", "neg", "abs", "length")
_WORDS = {
    "Number": "a number", "String": "text", "Boolean": "a boolean", "Date": "a date", "Datetime": "an instant",
    "Binary": "bytes", "Time": "a time of day", "Duration": "a length of time", "List": "a list",
}  # fmt: skip
_EXAMPLES = {
    "Number": "0", "String": '"a"', "Boolean": "True", "Date": "datetime.date(2024, 2, 29)",
    "Datetime": "datetime.datetime(2024, 2, 29, 12)", "Binary": 'b"a"',
}  # fmt: skip
_CONSTANTS = ((bool, "Boolean"), (int | float, "Number"), (str, "String"), (bytes, "Binary"), (datetime, "Datetime"))


def need_comparable(check: Check, schema: Schema) -> None:
    """Raise `Invalid` for a check that compares values of two kinds, such as a date with a number.

    A date compares with an instant: it is the one its day begins at.
    """
    for left, right in _pairs(check.violation, schema):
        if left is None or right is None or left == right or {left, right} == {"Date", "Datetime"}:
            continue
        column = schema.get(check.column)
        raise Invalid(
            f"{check.label} is promised of {check.column!r}{f', which is {column.dtype}' if column else ''}: "
            f"it compares {_WORDS[left]} with {_WORDS[right]}.",
            hint=_hint(check.column, left),
        )


def _hint(column: str, left: str) -> str:
    if left not in _EXAMPLES:
        return f"Cast {column!r} in the function."
    return f"Compare it with {_WORDS[left]}, such as {_EXAMPLES[left]}, or cast {column!r} in the function."


def _pairs(expr: Expr, schema: Schema) -> Iterator[tuple[str | None, str | None]]:
    """The kinds on both sides of every comparison."""
    for node in expr.walk():
        match node:
            case Call(op, (left, right)) if op in _COMPARISONS:
                yield _kind(left, schema), _kind(right, schema)
            case IsIn(arg, values):
                yield from ((_kind(arg, schema), _constant(v)) for v in values)
            case _:
                pass


def _kind(expr: Expr, schema: Schema) -> str | None:
    """The kind of an expression's values; None where nothing tells it."""
    match expr:
        case Col(name):
            column = schema.get(name)
            return None if column is None else _of(column.dtype)
        case Lit(value):
            return _constant(value)
        case Call(op, args) if op in ("coalesce", "if"):
            kinds = (_kind(a, schema) for a in (args[1:] if op == "if" else args))
            return next((k for k in kinds if k is not None), None)
        case Call(op):
            return "Number" if op in _NUMBERS else "Boolean"
        case IsIn() | Matches():
            return "Boolean"
        case _:
            return None


def _of(dtype: str) -> str:
    if is_numeric(dtype):
        return "Number"
    return "List" if dtype.startswith("List") else dtype


def _constant(value: Any) -> str | None:
    found = next((kind for types, kind in _CONSTANTS if isinstance(value, types)), None)
    return "Date" if found is None and isinstance(value, date) else found
