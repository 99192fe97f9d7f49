"""Which type an expression has, and which an aggregation takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import Call, Expr, IsIn, Lit, Matches
from mlforge.model.schema import is_float, is_integer

LITERALS = (
    (bool, "Boolean"),
    (int, "Int64"),
    (float, "Float64"),
    (str, "String"),
    (bytes, "Binary"),
    (datetime, "Datetime"),
    (date, "Date"),
)
ORDERED = ("Boolean", "String", "Binary", "Date", "Datetime")


def dtype_of(expr: Expr, leaf: Callable[[Expr], str]) -> str:
    """The type of an expression, given that of its leaves; `Null` for a bare null."""
    match expr:
        case Lit(value=value):
            return next((name for kind, name in LITERALS if isinstance(value, kind)), "Null")
        case IsIn() | Matches():
            return "Boolean"
        case Call(op="length"):
            return "Int64"
        case Call(op="div"):
            return "Float64"
        case Call(op="add" | "sub" | "mul" | "neg" | "abs"):
            return widest([dtype_of(a, leaf) for a in expr.args])
        case Call(op="coalesce"):
            return common([dtype_of(a, leaf) for a in expr.args])
        case Call(op="if"):
            return common([dtype_of(a, leaf) for a in expr.args[1:]])
        case Call():
            return "Boolean"
        case _:
            return leaf(expr)


def widest(dtypes: list[str]) -> str:
    """Int64 of integers, else Float64. Raises `Invalid` for what is no number."""
    if wrong := next((d for d in dtypes if not (is_integer(d) or is_float(d) or d == "Null")), None):
        raise Invalid(f"There is no arithmetic with {wrong}.", hint="Compute with integers and floats.")
    return "Float64" if any(map(is_float, dtypes)) else "Int64"


def common(dtypes: list[str]) -> str:
    """The type all have, or the one that holds all their numbers."""
    kinds = {d for d in dtypes if d != "Null"}
    return kinds.pop() if len(kinds) == 1 else widest(dtypes)


def cast(value: Any, dtype: str) -> Any:
    """The value in the type its column has: an integer in a column of floats is a float."""
    return float(value) if value is not None and is_float(dtype) else value


def takes(function: str, dtype: str) -> bool:
    """Whether an aggregation is defined for a type."""
    if function == "count":
        return True
    if is_integer(dtype) or is_float(dtype) or dtype == "Boolean":
        return True
    return function in ("min", "max") and dtype in ORDERED


def result_of(function: str, dtype: str) -> str:
    """The type an aggregation gives."""
    if function == "count":
        return "Int64"
    if function == "sum":
        return "Float64" if is_float(dtype) else "Int64"
    return dtype if function in ("min", "max") else "Float64"
