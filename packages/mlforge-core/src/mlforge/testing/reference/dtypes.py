"""Which type an expression has, and which an aggregation takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import AsType, Call, Expr, IsIn, Lit, Matches, TimePart
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
    (timedelta, "Duration"),
)
UNORDERED = "List"
KEPT = ("min", "max", "any", "all", "first", "last", "mode")
LISTED = ("first_n", "last_n", "top_k")


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
        case AsType(arg=arg, dtype=dtype):
            return need_castable(dtype_of_argument(arg, leaf), dtype)
        case TimePart(arg=arg, part=part, zone=zone):
            return need_part(dtype_of_argument(arg, leaf), part, zone)
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
    too_large = found == "Int64" and not -(2**63) <= value < 2**64
    if found is None or too_large or (found == "Duration" and abs(value) > timedelta(microseconds=2**63 - 1)):
        raise Invalid(
            f"{value!r} cannot stand in an expression.", hint="Numbers of 64 bits, text, bytes and times can."
        )
    return "UInt64" if found == "Int64" and value >= 2**63 else found


def dtype_of_call(op: str, dtypes: list[str]) -> str:
    """The type of an operation on values of these types."""
    if (of_times := dtype_of_times(op, dtypes)) is not None:
        return of_times
    return CALLS[op](dtypes) if op in CALLS else "Boolean"


def compared(dtypes: list[str]) -> str:
    """Whether values are equal: of one kind, or a date and an instant."""
    return need_same_kind(dtypes, instants=True) and "Boolean"


def ordered(dtypes: list[str]) -> list[str]:
    """The types. Raises `Invalid` for one without an order."""
    if any(d.startswith(UNORDERED) for d in dtypes):
        raise Invalid(f"{' and '.join(dtypes)} have no order.", hint="Compare what has one.")
    return dtypes


def whole(dtypes: list[str]) -> str:
    """Int64. Raises `Invalid` for a float."""
    if widest(dtypes) == "Float64":
        raise Invalid("A float has no remainder.", hint="Cast it to an integer.")
    return "Int64"


def dtype_of_times(op: str, dtypes: list[str]) -> str | None:
    """The type of arithmetic with times; None where it is none. A date is an instant in it."""
    given = ["Datetime" if d == "Date" else d for d in dtypes]
    match op, given:
        case "sub", ["Datetime", "Datetime" | "Null"] | ["Null", "Datetime"]:
            return "Duration"
        case "sub", ["Datetime", "Duration"]:
            return "Datetime"
        case "add", ["Datetime", "Duration" | "Null"] | ["Duration" | "Null", "Datetime"]:
            return "Datetime"
        case "add" | "sub", ["Duration", "Duration" | "Null"] | ["Null", "Duration"]:
            return "Duration"
        case "neg" | "abs", ["Duration"]:
            return "Duration"
        case "div", ["Duration", "Duration" | "Null"] | ["Null", "Duration"]:
            return "Float64"
        case _:
            return None


def need_castable(dtype: str, wanted: str) -> str:
    """The type that is wanted. Raises `Invalid` where no value of the other says one."""
    if dtype in ("Null", wanted):
        return wanted
    target = "number" if is_integer(wanted) or is_float(wanted) else wanted
    sources: dict[str, tuple[str, ...]] = {
        "number": ("number", "Boolean", "String"),
        "String": ("number", "Boolean", "Date"),
        "Date": ("Datetime",),
        "Datetime": ("Date",),
        "Boolean": (),
    }
    if kind_of(dtype) not in sources[target] or (dtype == "Float64" and target == "String"):
        raise Invalid(f"A {dtype} says no {wanted}.", hint="Cast it in the function.")
    return wanted


def need_part(dtype: str, part: str, zone: str | None) -> str:
    """Int64. Raises `Invalid` for what has no such part."""
    if dtype == "Date" and (zone or part in ("hour", "minute", "second")):
        raise Invalid(f"A date has no {part} anywhere.", hint="Cast it to Datetime.")
    return need_each([d for d in [dtype] if d != "Date"], "Datetime", gives="Int64")


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
    if value is None:
        return None
    if dtype.startswith("Decimal"):
        return plain(value, dtype)
    if is_float(dtype):
        return float(value)
    return int(value) if is_integer(dtype) else value


def takes(function: str, dtype: str) -> bool:
    """Whether an aggregation is defined for a type."""
    if function in ("any", "all"):
        return dtype == "Boolean"
    if function in (*KEPT, *LISTED, "count_distinct"):
        return not dtype.startswith(UNORDERED)
    return function == "count" or kind_of(dtype) in ("number", "Boolean")


def result_of(function: str, dtype: str) -> str:
    """The type an aggregation gives."""
    if function in ("count", "count_distinct"):
        return "Int64"
    if function in LISTED:
        return f"List({dtype})"
    if function == "sum":
        if dtype.startswith("Decimal"):
            return f"Decimal(38, {dtype[8:-1].split(', ')[1]})"
        return "Float64" if is_float(dtype) else "Int64"
    return dtype if function in KEPT else "Float64"


def _each(dtype: str, gives: str) -> Callable[[list[str]], str]:
    return lambda dtypes: need_each(dtypes, dtype, gives=gives)


CALLS: dict[str, Callable[[list[str]], str]] = {
    **dict.fromkeys(("eq", "ne"), compared),
    **dict.fromkeys(("lt", "le", "gt", "ge"), lambda dtypes: compared(ordered(dtypes))),
    **dict.fromkeys(("not", "and", "or"), _each("Boolean", "Boolean")),
    **dict.fromkeys(("div", "pow", "log", "exp", "sqrt"), lambda dtypes: widest(dtypes) and "Float64"),
    **dict.fromkeys(("add", "sub", "mul", "neg", "abs", "sign"), widest),
    **dict.fromkeys(("floor", "round"), lambda dtypes: dtypes[0] if is_integer(dtypes[0]) else widest(dtypes)),
    **dict.fromkeys(("contains", "starts_with", "ends_with"), _each("String", "Boolean")),
    **dict.fromkeys(("lower", "upper", "strip"), _each("String", "String")),
    **dict.fromkeys(("least", "greatest"), lambda dtypes: common(ordered(dtypes))),
    "length": _each("String", "Int64"),
    "mod": whole,
    "coalesce": common,
    "if": lambda dtypes: need_each(dtypes[:1], "Boolean", gives=common(dtypes[1:])),
}
"""The type of each operation by those of its arguments; Boolean of any other."""
