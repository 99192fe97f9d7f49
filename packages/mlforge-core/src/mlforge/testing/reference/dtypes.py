"""Which type an expression has, and which an aggregation takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Expr, IsIn, Lit, Matches
from mlforge.model.schema import is_float, is_integer
from mlforge.testing.reference.table import plain

LITERALS = (
    (bool, "Boolean"),
    (int, "Int64"),
    (float, "Float64"),
    (str, "String"),
    (bytes, "Binary"),
    (datetime, "Datetime"),
    (date, "Date"),
)
UNORDERED = "List"


def dtype_of(expr: Expr, leaf: Callable[[Expr], str]) -> str:
    """The type of an expression, given that of its leaves; `Null` for a bare null. Raises `Invalid` for a mix."""
    match expr:
        case Lit(value=value):
            return dtype_of_literal(value)
        case IsIn(arg=arg, values=values):
            dtype = dtype_of_argument(arg, leaf)
            for value in values:
                need_same_kind([dtype, dtype_of_literal(value)], instants=True)
            return "Boolean"
        case Call(op="duplicated") if not expr.column_names:
            raise Invalid("A constant is the same in every row.", hint="Look for duplicates in a column.")
        case Matches(arg=arg):
            return need_each([dtype_of_argument(arg, leaf)], "String", gives="Boolean")
        case Call(op=op, args=args):
            return dtype_of_call(op, [dtype_of_argument(a, leaf) for a in args])
        case _:
            return leaf(expr)


def dtype_of_argument(expr: Expr, leaf: Callable[[Expr], str]) -> str:
    """What an operation sees: single floats and decimals are floats to it."""
    dtype = dtype_of(expr, leaf)
    return "Float64" if dtype == "Float32" or dtype.startswith("Decimal") else dtype


def dtype_of_literal(value: Any) -> str:
    """The type of a constant."""
    if value is None:
        return "Null"
    found = next((name for kind, name in LITERALS if isinstance(value, kind)), None)
    if found is None or (found == "Int64" and not -(2**63) <= value < 2**64):
        raise Invalid(
            f"{value!r} cannot stand in an expression.", hint="Numbers of 64 bits, text, bytes and times can."
        )
    return "UInt64" if found == "Int64" and value >= 2**63 else found


def dtype_of_call(op: str, dtypes: list[str]) -> str:
    """The type of an operation on values of these types."""
    match op:
        case "eq" | "ne":
            return need_same_kind(dtypes, instants=True) and "Boolean"
        case "lt" | "le" | "gt" | "ge":
            if any(d.startswith(UNORDERED) for d in dtypes):
                raise Invalid(f"{' and '.join(dtypes)} have no order.", hint="Compare what has one.")
            return need_same_kind(dtypes, instants=True) and "Boolean"
        case "not" | "and" | "or":
            return need_each(dtypes, "Boolean", gives="Boolean")
        case "length":
            return need_each(dtypes, "String", gives="Int64")
        case "div":
            return widest(dtypes) and "Float64"
        case "add" | "sub" | "mul" | "neg" | "abs":
            return widest(dtypes)
        case "coalesce":
            return common(dtypes)
        case "if":
            return need_each(dtypes[:1], "Boolean", gives=common(dtypes[1:]))
        case _:
            return "Boolean"


def kind_of(dtype: str) -> str:
    """Numbers of every width are of one kind."""
    numeric = is_integer(dtype) or is_float(dtype) or dtype.startswith("Decimal")
    return "number" if numeric else dtype


def need_same_kind(dtypes: list[str], instants: bool = False) -> str:
    """The kind that all values are of. Raises `Invalid` where there are two; with `instants` a date may be one."""
    kinds = {kind_of(d) for d in dtypes if d != "Null"}
    if instants and kinds == {"Date", "Datetime"}:
        return "Datetime"
    if len(kinds) > 1:
        raise Invalid(f"{' and '.join(dtypes)} are of two kinds.", hint="Cast one of them.")
    return kinds.pop() if kinds else "Null"


def need_each(dtypes: list[str], dtype: str, gives: str) -> str:
    """The type that is given where all values are of one. Raises `Invalid` where one is not."""
    if wrong := next((d for d in dtypes if d not in (dtype, "Null")), None):
        raise Invalid(f"A {wrong} stands where a {dtype} is needed.", hint="Cast it.")
    return gives


def widest(dtypes: list[str]) -> str:
    """Int64 of integers, else Float64. Raises `Invalid` for what is no number; a boolean is none."""
    if wrong := next((d for d in dtypes if not (is_integer(d) or is_float(d) or d == "Null")), None):
        raise Invalid(f"Nothing is computed with {wrong}.", hint="Compute with integers and floats.")
    return "Float64" if any(map(is_float, dtypes)) else "Int64"


def common(dtypes: list[str]) -> str:
    """The type all have, or the one that holds all their numbers. Raises `Invalid` for values of two kinds."""
    need_same_kind(dtypes)
    found = {d for d in dtypes if d != "Null"}
    return found.pop() if len(found) == 1 else widest(dtypes)


def kept(dtype: str) -> str:
    """The type of a column: one of nothing but nulls holds integers."""
    return "Int64" if dtype == "Null" else dtype


def cast(value: Any, dtype: str) -> Any:
    """The value in the type its column has: an integer in a column of floats is a float."""
    if value is not None and dtype.startswith("Decimal"):
        return plain(value, dtype)
    return float(value) if value is not None and is_float(dtype) else value


def takes(function: str, dtype: str) -> bool:
    """Whether an aggregation is defined for a type."""
    if function in ("min", "max"):
        return not dtype.startswith(UNORDERED)
    return function == "count" or kind_of(dtype) in ("number", "Boolean")


def result_of(function: str, dtype: str) -> str:
    """The type an aggregation gives."""
    if function == "count":
        return "Int64"
    if function == "sum":
        if dtype.startswith("Decimal"):
            return f"Decimal(38, {dtype[8:-1].split(', ')[1]})"
        return "Float64" if is_float(dtype) else "Int64"
    return dtype if function in ("min", "max") else "Float64"
