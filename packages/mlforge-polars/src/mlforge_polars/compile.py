"""mlforge's algebra as Polars expressions: row-level expressions, checks and the aggregates of windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import and_, mul, or_, sub
from typing import Any, NamedTuple

import polars as pl

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.model.expr import Agg, Call, Col, Expr, IsIn, It, Lit, Matches
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.plugin.engine.columns import no_column
from mlforge_polars import windows
from mlforge_polars.types import INSTANT, plain, plainly

_SMALL = (pl.Boolean, pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16)


class Typed(NamedTuple):
    """A Polars expression and its type."""

    expr: pl.Expr
    dtype: pl.DataType


def compile_expr(expr: Expr, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """An expression over the columns of `schema`. Raises `Invalid` for a column that is not there."""
    return _Compiler(schema).typed(expr).expr


class _Compiler:
    """Compiles over one schema: what an operation means depends on the types of its arguments."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._schema = schema
        self._nothing = pl.LazyFrame(schema=dict(schema))

    def typed(self, expr: Expr) -> Typed:
        match expr:
            case Col(name):
                return self._column(name)
            case Lit(value):
                return self._of(_literal(value))
            case IsIn(arg, values):
                return Typed(_is_in(self.typed(arg), values), pl.Boolean())
            case Matches(arg, pattern):
                return Typed(self.typed(arg).expr.str.contains(pattern.replace(r"\Z", r"\z")), pl.Boolean())
            case Call(op, args):
                return self._of(_OPERATIONS[op](*_comparable(op, args, [self.typed(a) for a in args])))
            case It():
                raise Invalid("it() stands for a validator's column, and there is none.", hint='Use col("amount").')
            case _:
                raise Invalid(f"{type(expr).__name__} is no expression over rows.", hint="Put it in a metric.")

    def source(self, expr: Expr) -> Typed:
        """What an aggregation reads: a column under its own type, or an expression."""
        typed = self.typed(expr)
        if isinstance(expr, Col):
            own = self._schema[expr.name]
            return Typed(plainly(expr.name, own), plain(own))
        return typed

    def _column(self, name: str) -> Typed:
        if name not in self._schema:
            raise no_column(name, self._schema, "The frame")
        dtype = plain(self._schema[name])
        if dtype == pl.Float32 or dtype.is_decimal():
            return Typed(pl.col(name).cast(pl.Float64), pl.Float64())
        return Typed(plainly(name, self._schema[name]), dtype)

    def _of(self, expr: pl.Expr) -> Typed:
        return Typed(expr, self._nothing.select(expr.alias("_")).collect_schema()["_"])


def _literal(value: Any) -> pl.Expr:
    """A constant; a time is an instant, in UTC where it has no zone."""
    if isinstance(value, datetime):
        return pl.lit(value if value.tzinfo is None else value.astimezone(UTC), dtype=INSTANT)
    return pl.lit(value)


def _comparable(op: str, args: Sequence[Expr], typed: Sequence[Typed]) -> list[Typed]:
    """A whole float compares with integers as an integer, so that large ones keep their last digits."""
    if op not in _COMPARISONS or not any(t.dtype.is_integer() for t in typed):
        return list(typed)
    return [
        Typed(pl.lit(_whole(a.value)), t.dtype) if isinstance(a, Lit) else t for a, t in zip(args, typed, strict=True)
    ]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**63 else value


def _is_in(arg: Typed, values: Sequence[Any]) -> pl.Expr:
    """A lookup where all constants are of the column's kind, else one comparison a constant."""
    known = [_whole(v) if arg.dtype.is_integer() else v for v in values if v is not None]
    kind = _kind(arg.dtype)
    if kind and all(type(v) is kind for v in known):
        found = arg.expr.is_in([v for v in known if kind is str or -(2**63) <= v < 2**64])
    else:
        found = reduce(or_, (arg.expr == _literal(v) for v in known), pl.lit(value=False))
    unknown = arg.expr.is_null() | pl.lit(value=len(known) < len(values))
    return pl.when(found).then(statement=True).when(unknown).then(None).otherwise(statement=False)


def _kind(dtype: pl.DataType) -> type | None:
    if dtype == pl.String:
        return str
    return int if dtype.is_integer() else None


def _division(a: Typed, b: Typed) -> pl.Expr:
    over = b.expr.cast(pl.Float64)
    return pl.when(over != 0).then(a.expr.cast(pl.Float64) / over)


def _arithmetic(compute: Callable[..., pl.Expr]) -> Callable[..., pl.Expr]:
    """Integers are computed in a type that cannot overflow, and must then fit into Int64."""

    def computed(*args: Typed) -> pl.Expr:
        if not all(a.dtype.is_integer() or a.dtype == pl.Boolean for a in args):
            return compute(*(a.expr for a in args))
        if all(a.dtype in _SMALL for a in args):
            return compute(*(a.expr.cast(pl.Int64) for a in args))
        return compute(*(a.expr.cast(pl.Int128) for a in args)).cast(pl.Int64)

    return computed


def _plain(compute: Callable[..., pl.Expr]) -> Callable[..., pl.Expr]:
    return lambda *args: compute(*(a.expr for a in args))


_COMPARISONS: dict[str, Callable[..., pl.Expr]] = {
    "eq": _plain(pl.Expr.eq),
    "ne": _plain(pl.Expr.ne),
    "lt": _plain(pl.Expr.lt),
    "le": _plain(pl.Expr.le),
    "gt": _plain(pl.Expr.gt),
    "ge": _plain(pl.Expr.ge),
}
_OPERATIONS: dict[str, Callable[..., pl.Expr]] = {
    **_COMPARISONS,
    "add": _arithmetic(pl.Expr.add),
    "sub": _arithmetic(sub),
    "mul": _arithmetic(mul),
    "neg": _arithmetic(lambda a: 0 - a),
    "abs": _arithmetic(pl.Expr.abs),
    "div": _division,
    "not": _plain(pl.Expr.not_),
    "and": _plain(lambda *args: reduce(and_, args)),
    "or": _plain(lambda *args: reduce(or_, args)),
    "coalesce": _plain(pl.coalesce),
    "if": _plain(lambda condition, a, b: pl.when(condition).then(a).otherwise(b)),
    "is_null": _plain(pl.Expr.is_null),
    "is_nan": _plain(pl.Expr.is_nan),
    "length": _plain(lambda a: a.str.len_chars()),
    "duplicated": _plain(lambda a: a.is_duplicated() & a.is_not_null()),
}


def compile_checks(checks: Sequence[Check], schema: Mapping[str, pl.DataType], examples: int) -> list[pl.Expr]:
    """For each check, how many rows break it, as `n{i}`, and a list of the first few values that do, as `e{i}`."""
    compiler = _Compiler(schema)
    exprs = []
    for i, check in enumerate(checks):
        if check.column not in schema:
            raise no_column(check.column, schema, f"{check.label}: the frame")
        broken = compiler.typed(check.violation).expr.fill_null(value=False)
        values = plainly(check.column, schema[check.column])
        exprs += [broken.sum().alias(f"n{i}"), values.filter(broken).head(examples).implode().alias(f"e{i}")]
    return exprs


class Windowed:
    """A window plan in Polars' words, made over the schema of the events.

    Attributes:
        inputs: The columns to aggregate, by a name of their own.
        aggs: The kernel's aggregates, each distinct one once.
        outputs: Each output column as an expression over the kernel's result.

    Raises:
        Invalid: A column that is not there, or of a type that an aggregation does not take.
    """

    def __init__(self, plan: WindowPlan, schema: Mapping[str, pl.DataType]) -> None:
        self._compiler = _Compiler(schema)
        self._inputs: dict[tuple[Expr, bool], tuple[str, pl.Expr]] = {}
        self._aggs: dict[tuple[Agg, int], windows.Agg] = {}
        self.outputs = {column.name: self._output(column) for column in plan.columns}

    @property
    def inputs(self) -> list[pl.Expr]:
        return [expr.alias(name) for name, expr in self._inputs.values()]

    @property
    def aggs(self) -> list[windows.Agg]:
        return list(self._aggs.values())

    def over(self, points: pl.DataFrame) -> list[pl.Expr]:
        """The output columns, as expressions over the kernel's result."""
        compiler = _Compiler(points.schema)
        return [
            (pl.col(e.name) if isinstance(e, Col) else compiler.typed(e).expr).alias(name)
            for name, e in self.outputs.items()
        ]

    def _output(self, column: MetricColumn) -> Expr:
        return column.expr.replace(lambda e: Col(self._aggregate(column, e)) if isinstance(e, Agg) else e)

    def _aggregate(self, column: MetricColumn, agg: Agg) -> str:
        key = (agg, column.window.micros)
        if key not in self._aggs:
            source = None if agg.arg is None else self._input(column, agg.function, agg.arg)
            name = f"{column.name}\0{len(self._aggs)}"
            self._aggs[key] = windows.Agg(agg.function, source, column.window.micros, name)
        return self._aggs[key].name

    def _input(self, column: MetricColumn, function: str, arg: Expr) -> str:
        source = self._compiler.source(arg)
        if wanted := _refusal(function, source.dtype):
            of = f"column {arg.name!r}" if isinstance(arg, Col) else "its expression"
            raise Invalid(
                f"{column.name}: {function} needs {wanted}, and {of} is {source.dtype}.", hint=_cast_hint(arg)
            )
        as_float = source.dtype.is_decimal() and function in _ARITHMETIC
        expr = source.expr.cast(pl.Float64) if as_float else source.expr
        return self._inputs.setdefault((arg, as_float), (f"input {len(self._inputs)}", expr))[0]


_ARITHMETIC = ("sum", "mean", "std", "median")


def _refusal(function: str, dtype: pl.DataType) -> str | None:
    """What an aggregation needs, where a type is not that."""
    if function in _ARITHMETIC and not (dtype.is_numeric() or dtype == pl.Boolean):
        return "a number"
    return "values with an order" if function in ("min", "max") and dtype.is_nested() else None


def _cast_hint(arg: Expr) -> str:
    name = arg.name if isinstance(arg, Col) else "amount"
    return f'Cast it in the function: pl.col("{name}").cast(pl.Float64).'
