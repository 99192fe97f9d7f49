"""mlforge's algebra as SQL: row-level expressions, checks and the aggregates of windows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from mlforge.errors import Invalid
from mlforge.model.check import Check
from mlforge.model.expr import Agg, Call, Col, Expr, IsIn, It, Lit, Matches
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.columns import no_column
from mlforge_duckdb.aggs import Agg as WindowAgg
from mlforge_duckdb.aggs import Input
from mlforge_duckdb.types import Type, plainly, quoted, sql_of, text, word

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "add": "+", "sub": "-", "mul": "*"}
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_ARITHMETIC = ("add", "sub", "mul", "neg", "abs")
_NULL = "Null"


class Typed(NamedTuple):
    """An expression in SQL and the word for its type; `Null` for a bare null."""

    sql: str
    word: str


class Compiler:
    """Compiles over one schema: what an operation means depends on the types of its arguments."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types

    def typed(self, expr: Expr) -> Typed:
        """An expression over the columns. Raises `Invalid` for what is not there or has no meaning."""
        match expr:
            case Col(name):
                return self._column(name)
            case Lit(value):
                return _literal(value)
            case IsIn(arg, values):
                return _is_in(self.typed(arg), values)
            case Matches(arg, pattern):
                given = _need(self.typed(arg), "String", "matches")
                return Typed(
                    f"regexp_matches({given}, {text(pattern.replace(chr(92) + 'Z', chr(92) + 'z'))})", "Boolean"
                )
            case Call(op, args):
                return _call(op, _comparable(op, args, [self.typed(a) for a in args]))
            case It():
                raise Invalid("it() stands for a validator's column, and there is none.", hint='Use col("amount").')
            case _:
                raise Invalid(f"{type(expr).__name__} is no expression over rows.", hint="Put it in a metric.")

    def source(self, expr: Expr) -> Typed:
        """What an aggregation reads: a column under its own type, or an expression."""
        if isinstance(expr, Col) and expr.name in self._types:
            own = self._types[expr.name]
            return Typed(plainly(expr.name, own), word(own, expr.name))
        return self.typed(expr)

    def _column(self, name: str) -> Typed:
        if name not in self._types:
            raise no_column(name, self._types, "The frame")
        dtype = self._types[name]
        kind = word(dtype, name)
        if kind == "Float32" or kind.startswith("Decimal"):
            return Typed(f"CAST({quoted(name)} AS DOUBLE)", "Float64")
        return Typed(plainly(name, dtype), kind)


def _literal(value: Any) -> Typed:
    """A constant; a time is an instant, in UTC where it has no zone."""
    match value:
        case None:
            return Typed("NULL", _NULL)
        case bool():
            return Typed(str(value).lower(), "Boolean")
        case int():
            return Typed(f"CAST({value} AS {'BIGINT' if -(2**63) <= value < 2**63 else 'HUGEINT'})", "Int64")
        case float():
            return Typed(f"CAST({text(repr(value))} AS DOUBLE)", "Float64")
        case str():
            return Typed(text(value), "String")
        case bytes():
            return Typed(f"unhex({text(value.hex())})", "Binary")
        case datetime():
            aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
            micros = (aware - _EPOCH) // timedelta(microseconds=1)
            return Typed(f"CAST(make_timestamp({micros}) AS TIMESTAMPTZ)", "Datetime")
        case date():
            return Typed(f"DATE '{value.isoformat()}'", "Date")
        case _:
            raise Invalid(f"{value!r} is no constant.", hint="Constants are numbers, text, bytes, dates and times.")


def _comparable(op: str, args: Sequence[Expr], typed: Sequence[Typed]) -> list[Typed]:
    """A whole float compares with integers as an integer, so that large ones keep their last digits."""
    if op not in _COMPARISONS or not any(is_integer(t.word) for t in typed):
        return list(typed)
    return [_literal(_whole(a.value)) if isinstance(a, Lit) else t for a, t in zip(args, typed, strict=True)]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**63 else value


def _is_in(arg: Typed, values: Sequence[Any]) -> Typed:
    """One comparison a constant; unknown where only a null could be it."""
    known = [_literal(_whole(v) if is_integer(arg.word) else v) for v in values]
    found = " OR ".join(_compared("=", [arg, k]) for k in known) or "false"
    return Typed(f"CASE WHEN {arg.sql} IS NULL THEN NULL ELSE ({found}) END", "Boolean")


def _call(op: str, args: Sequence[Typed]) -> Typed:
    if op in _COMPARISONS:
        return Typed(_compared(_SIGNS[op], args), "Boolean")
    if op in _ARITHMETIC:
        return _arithmetic(op, args)
    return _OPERATIONS[op](args)


def _compared(sign: str, args: Sequence[Typed]) -> str:
    kinds = {_family(a.word) for a in args} - {_NULL}
    if len(kinds) > 1 and kinds != {"Date", "Datetime"}:
        raise Invalid(f"{args[0].word} is compared with {args[1].word}.", hint="Cast one of them in the function.")
    return f"({args[0].sql} {sign} {args[1].sql})"


def _family(kind: str) -> str:
    return "number" if is_integer(kind) or is_float(kind) or kind.startswith("Decimal") else kind


def _arithmetic(op: str, args: Sequence[Typed]) -> Typed:
    """Integers are computed in a type that cannot overflow, and must then fit into Int64."""
    kind = _widest([a.word for a in args])
    if is_float(kind):
        return Typed(_operated(op, [f"CAST({a.sql} AS DOUBLE)" for a in args]), kind)
    return Typed(f"CAST({_operated(op, [f'CAST({a.sql} AS HUGEINT)' for a in args])} AS BIGINT)", kind)


def _operated(op: str, args: Sequence[str]) -> str:
    if op == "abs":
        return f"abs({args[0]})"
    return f"({args[0]} * -1)" if op == "neg" else f"({args[0]} {_SIGNS[op]} {args[1]})"


def _widest(kinds: Sequence[str]) -> str:
    """Int64 of integers and booleans, else Float64. Raises `Invalid` for what is no number."""
    if wrong := next((k for k in kinds if _family(k) not in ("number", "Boolean", _NULL)), None):
        raise Invalid(f"There is no arithmetic with {wrong}.", hint="Compute with integers and floats.")
    return "Float64" if any(map(is_float, kinds)) else "Int64"


def _common(kinds: Sequence[str]) -> str:
    """The type all have, or the one that holds all their numbers."""
    known = {k for k in kinds if k != _NULL}
    return known.pop() if len(known) == 1 else _widest(list(kinds))


def _need(arg: Typed, kind: str, op: str) -> str:
    if arg.word not in (kind, _NULL):
        raise Invalid(f"{op} needs {kind}, not {arg.word}.", hint="Look at the column's type.")
    return f"CAST({arg.sql} AS {sql_of(kind)})"


def _division(args: Sequence[Typed]) -> Typed:
    _widest([a.word for a in args])
    a, b = (f"CAST({arg.sql} AS DOUBLE)" for arg in args)
    return Typed(f"CASE WHEN {b} <> 0 THEN {a} / {b} END", "Float64")


def _connected(word: str) -> Callable[[Sequence[Typed]], Typed]:
    return lambda args: Typed(f"({f' {word} '.join(_need(a, 'Boolean', word.lower()) for a in args)})", "Boolean")


def _choice(args: Sequence[Typed]) -> Typed:
    kind = _common([a.word for a in args[1:]])
    condition = _need(args[0], "Boolean", "if")
    return Typed(f"CASE WHEN {condition} THEN {_as(args[1], kind)} ELSE {_as(args[2], kind)} END", kind)


def _first(args: Sequence[Typed]) -> Typed:
    kind = _common([a.word for a in args])
    return Typed(f"coalesce({', '.join(_as(a, kind) for a in args)})", kind)


def _as(arg: Typed, kind: str) -> str:
    return arg.sql if arg.word == kind else f"CAST({arg.sql} AS {sql_of(kind)})"


def _is_nan(args: Sequence[Typed]) -> Typed:
    (arg,) = args
    if not is_float(arg.word):
        return Typed(f"CASE WHEN {arg.sql} IS NOT NULL THEN false END", "Boolean")
    return Typed(f"isnan({arg.sql})", "Boolean")


def _duplicated(args: Sequence[Typed]) -> Typed:
    (arg,) = args
    value = f"{arg.sql} + 0.0::DOUBLE" if is_float(arg.word) else arg.sql
    return Typed(f"({arg.sql} IS NOT NULL AND count(*) OVER (PARTITION BY {value}) > 1)", "Boolean")


_OPERATIONS: dict[str, Callable[[Sequence[Typed]], Typed]] = {
    "div": _division,
    "not": lambda args: Typed(f"(NOT {_need(args[0], 'Boolean', 'not')})", "Boolean"),
    "and": _connected("AND"),
    "or": _connected("OR"),
    "coalesce": _first,
    "if": _choice,
    "is_null": lambda args: Typed(f"({args[0].sql} IS NULL)", "Boolean"),
    "is_nan": _is_nan,
    "length": lambda args: Typed(f"CAST(length({_need(args[0], 'String', 'length')}) AS BIGINT)", "Int64"),
    "duplicated": _duplicated,
}


def compile_checks(checks: Sequence[Check], types: Mapping[str, Type]) -> list[str]:
    """For each check, whether a row breaks it."""
    compiler = Compiler(types)
    for check in checks:
        if check.column not in types:
            raise no_column(check.column, types, f"{check.label}: the frame")
    return [f"coalesce({compiler.typed(c.violation).sql}, false)" for c in checks]


class Windowed:
    """A window plan in SQL, made over the schema of the events.

    Attributes:
        inputs: What is aggregated, each distinct expression once.
        aggs: The kernel's aggregates, each distinct one once.
        outputs: Each output column as an expression over the kernel's result.

    Raises:
        Invalid: A column that is not there, or of a type that an aggregation does not take.
    """

    def __init__(self, plan: WindowPlan, types: Mapping[str, Type]) -> None:
        self._compiler = Compiler(types)
        self._inputs: dict[tuple[Expr, bool], Input] = {}
        self._aggs: dict[tuple[Agg, int], WindowAgg] = {}
        self.outputs = {column.name: self._output(column) for column in plan.columns}

    @property
    def inputs(self) -> list[Input]:
        return list(self._inputs.values())

    @property
    def aggs(self) -> list[WindowAgg]:
        return list(self._aggs.values())

    def over(self) -> list[str]:
        """The output columns, as SQL over the kernel's result."""
        typed = {name: _over(expr, {a.name: a for a in self.aggs}) for name, expr in self.outputs.items()}
        return [f"{_final(t)} AS {quoted(name)}" for name, t in typed.items()]

    def outputs_of(self, aggs: Collection[str]) -> list[str]:
        """The output columns that are made of some of the kernel's aggregates."""
        return [name for name, expr in self.outputs.items() if not set(aggs).isdisjoint(expr.column_names)]

    def _output(self, column: MetricColumn) -> Expr:
        return column.expr.replace(lambda e: Col(self._aggregate(column, e)) if isinstance(e, Agg) else e)

    def _aggregate(self, column: MetricColumn, agg: Agg) -> str:
        key = (agg, column.window.micros)
        if key not in self._aggs:
            source = None if agg.arg is None else self._input(column, agg.function, agg.arg)
            result = _result(agg.function, source.word if source else "")
            name = f"a{len(self._aggs)}"
            self._aggs[key] = WindowAgg(agg.function, source and source.name, column.window.micros, name, result)
        return self._aggs[key].name

    def _input(self, column: MetricColumn, function: str, arg: Expr) -> Input:
        source = self._compiler.source(arg)
        if wanted := _refusal(function, source.word):
            of = f"column {arg.name!r}" if isinstance(arg, Col) else "its expression"
            raise Invalid(f"{column.name}: {function} needs {wanted}, and {of} is {source.word}.", hint=_cast_hint(arg))
        as_float = source.word.startswith("Decimal") and function in _NUMERIC
        made = Typed(f"CAST({source.sql} AS DOUBLE)", "Float64") if as_float else source
        return self._inputs.setdefault((arg, as_float), Input(f"v{len(self._inputs)}", made.sql, made.word))


_NUMERIC = ("sum", "mean", "std", "median")


class _Outputs(Compiler):
    """Compiles over the kernel's result, whose types are known as words."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__({})
        self._words = words

    def _column(self, name: str) -> Typed:
        return Typed(quoted(name), self._words[name])


def _over(expr: Expr, aggs: Mapping[str, WindowAgg]) -> Typed:
    return _Outputs({name: agg.word for name, agg in aggs.items()}).typed(expr)


def _final(typed: Typed) -> str:
    return "CAST(NULL AS BIGINT)" if typed.word == _NULL else f"CAST({typed.sql} AS {sql_of(typed.word)})"


def _result(function: str, kind: str) -> str:
    if function == "count":
        return "Int64"
    if function == "sum":
        return "Float64" if is_float(kind) else "Int64"
    return kind if function in ("min", "max") else "Float64"


def _refusal(function: str, kind: str) -> str | None:
    """What an aggregation needs, where a type is not that."""
    if function in _NUMERIC and _family(kind) != "number" and kind != "Boolean":
        return "a number"
    return "values with an order" if function in ("min", "max") and kind.startswith("List") else None


def _cast_hint(arg: Expr) -> str:
    name = arg.name if isinstance(arg, Col) else "amount"
    return f"Cast it in the function: CAST({name} AS DOUBLE), or pl.col({name!r}).cast(pl.Float64)."
