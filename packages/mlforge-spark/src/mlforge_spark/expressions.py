"""mlforge's typed expressions as Spark's columns.

Nothing here depends on the session's time zone, or on whether it is in ANSI mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from mlforge.errors import Invalid
from mlforge.model.schema import is_float
from mlforge.plugin.engine.expressions import (
    ARITHMETIC,
    COMPARISONS,
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
)
from mlforge.plugin.engine.types import digits
from mlforge_spark import scalars
from mlforge_spark.edge import refusing
from mlforge_spark.types import column, dtype_of, duration, plainly, types_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evaluate(node: Typed, frame: DataFrame) -> Column:
    """The value of an expression in each row of a frame."""
    return compiled(node, types_of(frame))


def compiled(node: Typed, types: dict[str, T.DataType]) -> Column:
    """The value of an expression over columns of some types; those that are not told are kept plainly."""
    match node:
        case Read(name):
            return plainly(name, types[name]) if name in types else column(name)
        case Constant():
            return constant(node)
        case Cast(of, word):
            return scalars.cast(compiled(of, types), of.word, word)
        case Digits(arg):
            return scalars.without_point(compiled(arg, types), *digits(arg.word))
        case Scaled(arg, word):
            return scalars.with_point(compiled(arg, types), digits(word)[1])
        case OneOf(arg):
            return _one_of(_unpruned(arg, compiled(arg, types)), node)
        case Found(arg, pattern):
            return scalars.found(compiled(arg, types), pattern)
        case Part(arg, part, zone):
            return scalars.part_of(compiled(arg, types), part, zone)
        case Operation(_, args):
            return _operated(node, [compiled(a, types) for a in args])


def has_window(node: Typed) -> bool:
    """Whether an expression is about all rows of a frame: it may stand in a `select`, and not in a `filter`."""
    match node:
        case Operation("duplicated"):
            return True
        case Operation(_, args):
            return any(map(has_window, args))
        case Cast(of):
            return has_window(of)
        case Read() | Constant():
            return False
        case _:
            return has_window(node.arg)


def constant(node: Constant) -> Column:
    """A constant of its type."""
    value = node.value
    match value:
        case timedelta():
            return duration(_long(value // timedelta(microseconds=1)))
        case datetime():
            return F.timestamp_micros(_long((value - _EPOCH) // timedelta(microseconds=1)))
        case date():
            return F.date_from_unix_date(F.lit((value - date(1970, 1, 1)).days))
        case bytes():
            return F.unhex(F.lit(value.hex()))
        case int() if not isinstance(value, bool) and node.word == "UInt64":
            return F.lit(Decimal(value)).cast(T.DecimalType(20, 0))
        case _:
            return F.lit(value).cast(dtype_of(node.word))


def _long(value: int) -> Column:
    return F.lit(value).cast(T.LongType())


def _one_of(arg: Column, node: OneOf) -> Column:
    """One comparison a constant; unknown where only a null could be it."""
    nothing = F.lit(None).cast(T.BooleanType())
    compared = [arg == constant(c) for c in node.constants]
    found = reduce(or_, [*compared, *([nothing] if node.unknown else [])], F.lit(False))
    return F.when(arg.isNull(), nothing).otherwise(found)


def _operated(node: Operation, computed: Sequence[Column]) -> Column:
    if node.word == "Int64" and node.op in (*ARITHMETIC, "mod"):
        return _whole(node, computed)
    if node.op in COMPARISONS:
        computed = [_unpruned(arg, value) for arg, value in zip(node.args, computed, strict=True)]
    if node.op == "sign":
        return F.signum(computed[0]).cast(dtype_of(node.word))
    if node.op == "duplicated":
        return _duplicated(node.args[0], computed[0])
    return _OPERATIONS[node.op](*computed)


def _unpruned(arg: Typed, value: Column) -> Column:
    """A float that may be NaN as what no statistics are kept of.

    What is cached, and some files, tell the least and the greatest of their floats without NaN, which is greater than
    any: Spark would leave rows out that it has not looked at.
    """
    source = arg.of if isinstance(arg, Cast) else arg
    return value + F.lit(0.0) if is_float(source.word) and not isinstance(arg, Constant) else value


def _whole(node: Operation, args: Sequence[Column]) -> Column:
    """Integers are computed without overflow, and must then fit 64 bits."""
    wide = any(a.word == "UInt64" for a in node.args)
    if node.op == "mod":
        a, b = args
        return F.when(b != F.lit(0), a % b).cast(T.LongType())  # in the type that holds both
    if wide:
        made = _OPERATIONS[node.op](*(a.cast(T.DecimalType(38, 0)) for a in args))
        fits = (made >= F.lit(Decimal(-(2**63)))) & (made <= F.lit(Decimal(2**63 - 1)))
        tried = F.when(fits, made).cast(T.LongType())
    else:
        tried = _TRIED[node.op](*(a.cast(T.LongType()) for a in args))
    there = reduce(and_, (a.isNotNull() for a in args))
    return F.coalesce(tried, F.when(there, refusing(_overflow(node.op)).cast(T.LongType())))


def _overflow(op: str) -> Invalid:
    return Invalid(f"int64 overflow: {op} gives what does not fit 64 bits.", hint="Compute with floats: × 1.0.")


def _duplicated(arg: Typed, value: Column) -> Column:
    times = F.count(F.lit(1)).over(Window.partitionBy(value + F.lit(0.0) if is_float(arg.word) else value))
    return value.isNotNull() & (times > F.lit(1))


def _all(operator: Callable[[Any, Any], Any]) -> Callable[..., Column]:
    return lambda *args: reduce(operator, args)


def _extreme(function: Callable[..., Column]) -> Callable[..., Column]:
    """`least` or `greatest`, null where a value is: Spark's own leave nulls out."""

    def extreme(*args: Column) -> Column:
        if len(args) == 1:
            return args[0]
        return F.when(reduce(and_, (a.isNotNull() for a in args)), function(*args))

    return extreme


_TRIED: dict[str, Callable[..., Column]] = {
    "add": F.try_add,
    "sub": F.try_subtract,
    "mul": F.try_multiply,
    "neg": lambda a: F.try_subtract(_long(0), a),
    "abs": lambda a: F.when(a >= F.lit(0), a).otherwise(F.try_subtract(_long(0), a)),
}
_OPERATIONS: dict[str, Callable[..., Column]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": F.abs,
    "div": lambda a, b: F.when(b != F.lit(0.0), a / b),
    "not": lambda a: ~a,
    "and": _all(and_),
    "or": _all(or_),
    "coalesce": F.coalesce,
    "if": lambda condition, a, b: F.when(condition, a).otherwise(b),
    "is_null": lambda a: a.isNull(),
    "is_nan": lambda a: F.when(a.isNotNull(), F.isnan(a)),
    "length": lambda a: F.length(a).cast(T.LongType()),
    "log": F.log,
    "exp": F.exp,
    "sqrt": F.sqrt,
    "pow": scalars.power,
    "floor": scalars.floor,
    "round": lambda a: F.round(a, 0),
    "least": _extreme(F.least),
    "greatest": _extreme(F.greatest),
    "contains": F.contains,
    "starts_with": F.startswith,
    "ends_with": F.endswith,
    "lower": scalars.in_case("lower"),
    "upper": scalars.in_case("upper"),
    "strip": scalars.strip,
}
