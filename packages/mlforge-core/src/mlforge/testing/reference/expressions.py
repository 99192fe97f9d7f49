"""What an expression is worth in a row: the algebra of `mlforge.model.expr`, rule by rule."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.expr import AsType, At, Call, Col, Expr, IsIn, Lit, Matches, TimePart
from mlforge.plugin.engine.columns import no_column
from mlforge.testing.reference import scalars
from mlforge.testing.reference.dtypes import cast, dtype_of, kept, need_each
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.telling import about
from mlforge.testing.reference.times import as_utc, midnight

Leaf = Callable[[Expr], Any]
AT = "the instant asked about"


def evaluate(expr: Expr, leaf: Leaf) -> Any:
    """The value of an expression, given that of its leaves."""
    match expr:
        case Lit(value=value):
            return as_utc(value) if isinstance(value, datetime) else value
        case IsIn(arg=arg, values=values):
            return is_in(evaluate(arg, leaf), values)
        case Matches(arg=arg, pattern=pattern):
            return matches(evaluate(arg, leaf), pattern)
        case AsType(arg=arg, dtype=dtype):
            return scalars.cast(evaluate(arg, leaf), dtype)
        case TimePart(arg=arg, part=part, zone=zone):
            return scalars.part(evaluate(arg, leaf), part, zone)
        case Call(op=op, args=args) if op != "duplicated":
            return RULES[op](*(evaluate(a, leaf) for a in args))
    return leaf(expr)


def column(expr: Expr, table: Table) -> list[Any]:
    """The value of an expression in every row."""
    expr = expr.replace(lambda e: fitted(e, table))
    counts = {e: count_values(e, table) for e in expr.walk() if isinstance(e, Call) and e.op == "duplicated"}
    return [evaluate(expr, row_leaf(row, counts)) for row in table.rows]


def fitted(expr: Expr, table: Table) -> Expr:
    """The expression; a choice of integers of which one is unsigned has an Int64, which must fit."""
    if not isinstance(expr, Call) or expr.op not in ("if", "coalesce", "least", "greatest"):
        return expr
    leaf = partial(column_dtype, table=table)
    dtypes = [dtype_of(a, leaf) for a in expr.args]
    if dtype_of(expr, leaf) != "Int64":
        return expr
    return Call(
        expr.op, tuple(Call("add", (a, Lit(0))) if d == "UInt64" else a for a, d in zip(expr.args, dtypes, strict=True))
    )


def derive(table: Table, columns: Mapping[str, Expr], at: Sequence[Any] | None) -> Table:
    """The table with columns that are computed of each row alone, as of the instants `at`."""
    made = table
    for name, expr in columns.items():
        if name in table.schema:
            raise Invalid(f"There is a column {name!r} already.", hint="Give it another name.")
        with about(name):
            made = made.with_column(name, *derived(table, expr, at))
    return made


def derived(table: Table, expr: Expr, at: Sequence[Any] | None) -> tuple[str, list[Any]]:
    """The type and the values of a column that is computed of each row alone."""
    if any(isinstance(e, Call) and e.op == "duplicated" for e in expr.walk()):
        raise Invalid("One row has no duplicates.", hint="Count them.")
    if isinstance(expr, Col):
        need(expr, table)
        return table.schema.dtype(expr.name), table.column(expr.name)
    if at is not None:
        table = table.with_column(AT, "Datetime", at)
        expr = expr.replace(lambda e: Col(AT) if isinstance(e, At) else e)
    dtype = kept(dtype_of(expr, lambda leaf: column_dtype(leaf, table)))
    return dtype, [cast(v, dtype) for v in column(expr, table)]


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
            raise no_column(name, table.names, "The frame")


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


def timely(op: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Arithmetic that is another of times, unknown where one is null."""
    return strict(lambda *args: scalars.moved(op, *args) if all(map(scalars.is_time, args)) else rule(*args))


def fit(value: Any) -> Any:
    """An integer within 64 bits. Raises `Invalid` for another."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid(f"int64 overflow: {value} does not fit 64 bits.", hint="Compute with floats: multiply by 1.0.")
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
    if value is None:
        return None
    if pattern.startswith("(?i)"):  # for Python alone are these an i in another case
        value = value.replace("\u0130", "\ue130").replace("\u0131", "\ue131")
    return re.search(plain_pattern(pattern), value) is not None


def plain_pattern(pattern: str) -> str:
    r"""The pattern with classes of ASCII, and `$` as `\Z`: Python's own `$` also stands before a last line break."""
    parts = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|.", pattern, re.DOTALL)
    ends = {} if pattern.startswith("(?m)") else {"$": r"\Z"}
    return "".join(ends.get(part) or _in_ascii(part) for part in parts)


def _in_ascii(part: str) -> str:
    if part[0] == "[":
        return re.sub(r"\\([dws])", lambda found: _SETS[found[1]], part)
    if part[1:].lower() in _SETS:
        return f"[{'' if part[1:].islower() else '^'}{_SETS[part[1:].lower()]}]"
    return _END_OF_A_WORD if part == r"\b" else part


_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \t\n\f\r"}
_END_OF_A_WORD = r"(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))"
RULES: dict[str, Callable[..., Any]] = {
    "eq": comparison(lambda a, b: a == b),
    "ne": comparison(lambda a, b: a != b),
    "lt": comparison(lambda a, b: a < b),
    "le": comparison(lambda a, b: a <= b),
    "gt": comparison(lambda a, b: a > b),
    "ge": comparison(lambda a, b: a >= b),
    "add": timely("add", arithmetic(lambda a, b: a + b)),
    "sub": timely("sub", arithmetic(lambda a, b: a - b)),
    "mul": arithmetic(lambda a, b: a * b),
    "neg": timely("neg", arithmetic(lambda a: -a)),
    "abs": timely("abs", arithmetic(abs)),
    "div": timely("div", quotient),
    "mod": arithmetic(scalars.remainder),
    "pow": strict(scalars.power),
    "log": strict(scalars.logarithm),
    "exp": strict(scalars.beyond_is_infinite(math.exp)),
    "sqrt": strict(scalars.root),
    "floor": strict(scalars.floor),
    "round": strict(scalars.rounded),
    "sign": strict(scalars.sign),
    "least": strict(lambda *args: min(args, key=rank)),
    "greatest": strict(lambda *args: max(args, key=rank)),
    "contains": strict(lambda text, part: part in text),
    "starts_with": strict(str.startswith),
    "ends_with": strict(str.endswith),
    "lower": strict(lambda text: scalars.in_case(text, str.lower)),
    "upper": strict(lambda text: scalars.in_case(text, str.upper)),
    "strip": strict(scalars.strip),
    "not": strict(lambda a: not a),
    "and": conjunction,
    "or": disjunction,
    "is_null": lambda a: a is None,
    "is_nan": strict(is_nan),
    "length": strict(len),
    "coalesce": coalesce,
    "if": choice,
}
