"""Expressions as people read them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mlforge.model.expr import AsType, At, Call, Col, Expr, IsIn, Lit, Matches, TimePart

_BETWEEN = {
    "eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "add": "+", "sub": "-", "mul": "*", "div": "/",
    "and": "and", "or": "or",
}  # fmt: skip
_MICRO = timedelta(microseconds=1)
_LENGTHS = (("days", 86_400_000_000), ("hours", 3_600_000_000), ("minutes", 60_000_000))


def written(expr: Expr) -> str:
    """An expression in a line: `(at() - last_paid) / days(1)`."""
    match expr:
        case Col(name):
            return name
        case At():
            return "at()"
        case Lit(value):
            return _constant(value)
        case Call(op, args) if op in _BETWEEN:
            return f" {_BETWEEN[op]} ".join(map(_inside, args))
        case Call(op, args):
            return f"{op}({', '.join(map(written, args))})"
        case IsIn(arg, values):
            return f"{_inside(arg)} in ({', '.join(map(_constant, values))})"
        case Matches(arg, pattern):
            return f"matches({written(arg)}, {pattern!r})"
        case AsType(arg, dtype):
            return f"cast({written(arg)}, {dtype})"
        case TimePart(arg, part, zone):
            return f"{part}({written(arg)}{f', {zone!r}' if zone else ''})"
        case _:
            return repr(expr)


def _inside(expr: Expr) -> str:
    """An expression as a part of another."""
    joins = isinstance(expr, IsIn) or (isinstance(expr, Call) and expr.op in _BETWEEN)
    return f"({written(expr)})" if joins else written(expr)


def _constant(value: Any) -> str:
    if not isinstance(value, timedelta):
        return "null" if value is None else repr(value)
    micros = value // _MICRO
    unit, length = next(((u, n) for u, n in _LENGTHS if micros % n == 0), ("seconds", 1_000_000))
    return f"{unit}({micros / length:g})"
