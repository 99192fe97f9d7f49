"""Aggregations: what each takes and gives, and what a window plan asks for, with all types known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.model.expr import MERGEABLE, Agg, Call, Col, Expr
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import is_float
from mlforge.plugin.engine.expressions import (
    Constant,
    Digits,
    Operation,
    Read,
    Scaled,
    Typed,
    reads,
    typed,
    typed_over,
)
from mlforge.plugin.engine.types import digits, family, is_decimal, is_list


class Aggregation(msgspec.Struct, frozen=True):
    """An aggregation over the non-null values of a window.

    Args:
        takes: What it is defined for: `anything`, `numbers` and booleans, or what is `ordered`: all but lists.
        gives: The type of its result: always the same word, the `values` own, or a `total`: Float64 of floats, 38
            digits of decimals, else Int64. Where numbers are taken, decimals are computed with as their `Digits`.
        empty: The result where there are no values.
        merges: Whether the aggregate of a union follows from the aggregates of its parts.

    Example:
        >>> total = AGGREGATIONS["sum"]
        >>> total.is_defined_for("String"), total.result_for("Int8"), total.result_for("Decimal(9, 2)"), total.empty
        (False, 'Int64', 'Decimal(38, 2)', 0)
    """

    takes: Literal["anything", "numbers", "ordered"]
    gives: Literal["Int64", "Float64", "values", "total"]
    empty: Any
    merges: bool

    @property
    def needs(self) -> str:
        """What it takes, in words."""
        return {"anything": "a value", "numbers": "a number", "ordered": "values with an order"}[self.takes]

    def is_defined_for(self, word: str) -> bool:
        """Whether it takes values of a type."""
        if self.takes == "numbers":
            return family(word) in ("Number", "Boolean")
        return self.takes == "anything" or not is_list(word)

    def result_for(self, word: str) -> str:
        """The type of its result, by that of the values."""
        match self.gives:
            case "values":
                return word
            case "total" if is_decimal(word):
                return f"Decimal(38, {digits(word)[1]})"
            case "total":
                return "Float64" if is_float(word) else "Int64"
            case always:
                return always


AGGREGATIONS = {
    "count": Aggregation("anything", "Int64", 0, MERGEABLE["count"]),
    "sum": Aggregation("numbers", "total", 0, MERGEABLE["sum"]),
    "mean": Aggregation("numbers", "Float64", None, MERGEABLE["mean"]),
    "std": Aggregation("numbers", "Float64", None, MERGEABLE["std"]),
    "median": Aggregation("numbers", "Float64", None, MERGEABLE["median"]),
    "min": Aggregation("ordered", "values", None, MERGEABLE["min"]),
    "max": Aggregation("ordered", "values", None, MERGEABLE["max"]),
}
"""All of them, by name."""


class Input(msgspec.Struct, frozen=True):
    """What is aggregated: an expression over the events, under a name of its own.

    Example:
        >>> Input("v0", Read("amount", "Float64")).word
        'Float64'
    """

    name: str
    source: Typed

    @property
    def word(self) -> str:
        """The word for its type."""
        return self.source.word


class Aggregate(msgspec.Struct, frozen=True):
    """An aggregation of one input over one window.

    Args:
        function: One of `AGGREGATIONS`.
        column: The name of the input; None: of the events themselves.
        window: The window's length in microseconds.
        name: A name of its own.
        word: The word for the type of its result.

    Example:
        >>> Aggregate("count", None, 3_600_000_000, "a0", "Int64").word
        'Int64'
    """

    function: str
    column: str | None
    window: int
    name: str
    word: str


class Output(msgspec.Struct, frozen=True):
    """A column of the result: an expression over aggregates, which it reads by their names.

    Example:
        >>> Output("amount__sum__7d", Read("a0", "Int64")).source.name
        'a0'
    """

    name: str
    source: Typed


class Windowed(msgspec.Struct, frozen=True):
    """A window plan over events whose types are known: inputs and aggregates each once, and what is made of them.

    Example:
        >>> from mlforge.model.metric import Aggregate as Metric
        >>> plan = WindowPlan(None, Metric("amount", "mean", ["1d", "7d"]).columns())
        >>> asked = windowed(plan, {"amount": "Int64"}, "CAST({} AS DOUBLE)")
        >>> (
        ...     [i.source.name for i in asked.inputs],
        ...     [(a.name, a.function, a.word) for a in asked.aggregates],
        ... )
        (['amount'], [('a0', 'mean', 'Float64'), ('a1', 'mean', 'Float64')])
        >>> asked.outputs_of(["a1"])
        ['amount__mean__7d']
    """

    inputs: tuple[Input, ...]
    aggregates: tuple[Aggregate, ...]
    outputs: tuple[Output, ...]

    def functions_of(self, column: str) -> frozenset[str]:
        """The aggregations of an input."""
        return frozenset(a.function for a in self.aggregates if a.column == column)

    def outputs_of(self, aggregates: Collection[str]) -> list[str]:
        """The output columns that are made of some of the aggregates."""
        return [o.name for o in self.outputs if not set(aggregates).isdisjoint(reads(o.source))]


def windowed(plan: WindowPlan, words: Mapping[str, str], cast: str) -> Windowed:
    """What a window plan asks for.

    Args:
        plan: The plan.
        words: The columns of the events and the words for their types.
        cast: How a column is made a float in a function, with `{}` for its name: `pl.col("{}").cast(pl.Float64)`.

    Raises:
        Invalid: A window that is no whole multiple of the interval, a column that is not there, values that do not go
            together or that an aggregation does not take, or an output that reads what has no value in a window.

    Example:
        >>> from mlforge.model.metric import Aggregate as Metric
        >>> plan = WindowPlan(None, Metric("name", "sum", ["1d"]).columns())
        >>> windowed(plan, {"name": "String"}, "CAST({} AS DOUBLE)")
        Traceback (most recent call last):
        mlforge.errors.Invalid: name__sum__1d: sum needs a number, and column 'name' is String. Cast it ...
    """
    _need_multiples(plan)
    asking = _Asking(words, cast)
    outputs = tuple(Output(column.name, asking.output(column)) for column in plan.columns)
    return Windowed(tuple(asking.inputs.values()), tuple(asking.aggregates.values()), outputs)


def overflow(outputs: Collection[str], cast: str) -> Invalid:
    """The error for a sum of integers that does not fit 64 bits: which output columns ask for it.

    Example:
        >>> print(overflow(["amount__sum__7d"], "CAST(amount AS DOUBLE)"))
        amount__sum__7d: int64 overflow: a sum does not fit 64 bits. Sum floats in the function: CAST(amount AS DOUBLE).
    """
    return Invalid(
        f"{', '.join(outputs)}: int64 overflow: a sum does not fit 64 bits.",
        hint=f"Sum floats in the function: {cast}.",
    )


def too_many_digits(outputs: Collection[str], cast: str) -> Invalid:
    """The error for a sum of decimals that has more than 38 digits: which output columns ask for it.

    Example:
        >>> print(too_many_digits(["amount__sum__7d"], "CAST(amount AS DOUBLE)"))
        amount__sum__7d: overflow: a sum does not fit 38 digits. Sum floats in the function: CAST(amount AS DOUBLE).
    """
    return Invalid(
        f"{', '.join(outputs)}: overflow: a sum does not fit 38 digits.", hint=f"Sum floats in the function: {cast}."
    )


def _need_multiples(plan: WindowPlan) -> None:
    for window in plan.windows:
        if plan.interval and not window.is_multiple_of(plan.interval):
            raise Invalid(
                f"The window {window} is not a whole multiple of the interval {plan.interval}.",
                hint="Give windows that are whole multiples of it.",
            )


class _Asking:
    """Collects what a plan's columns ask for."""

    def __init__(self, words: Mapping[str, str], cast: str) -> None:
        self._words, self._cast = words, cast
        self.inputs: dict[Typed, Input] = {}
        self.aggregates: dict[tuple[str, str | None, int], Aggregate] = {}

    def output(self, column: MetricColumn) -> Typed:
        return typed_over(_over_windows(column), lambda leaf: self._aggregate(column, leaf))

    def _aggregate(self, column: MetricColumn, leaf: Expr) -> Typed:
        if not isinstance(leaf, Agg):
            raise Invalid(
                f"{column.name} reads {_shown(leaf)} outside of any aggregation.",
                hint='Aggregate it: Agg("max", col("amount")).',
            )
        source = None if leaf.arg is None else self._input(column, leaf.function, leaf.arg)
        key = (leaf.function, source.name if source else None, column.window.micros)
        if key not in self.aggregates:
            word = AGGREGATIONS[leaf.function].result_for(source.word if source else "")
            self.aggregates[key] = Aggregate(*key, self._free("a", len(self.aggregates)), word)
        found = Read(self.aggregates[key].name, self.aggregates[key].word)
        return _of_digits(found, source.source) if source and isinstance(source.source, Digits) else found

    def _input(self, column: MetricColumn, function: str, arg: Expr) -> Input:
        source, aggregation = typed(arg, self._words), AGGREGATIONS[function]
        if not aggregation.is_defined_for(source.word):
            of, name = (f"column {arg.name!r}", arg.name) if isinstance(arg, Col) else ("its expression", "amount")
            raise Invalid(
                f"{column.name}: {function} needs {aggregation.needs}, and {of} is {source.word}.",
                hint=f"Cast it in the function: {self._cast.format(name)}.",
            )
        if aggregation.takes == "numbers" and is_decimal(source.word):
            source = Digits(source, f"Decimal({digits(source.word)[0]}, 0)")
        return self.inputs.setdefault(source, Input(self._free("v", len(self.inputs)), source))

    def _free(self, prefix: str, number: int) -> str:
        """A name that no column of the events has."""
        while f"{prefix}{number}" in self._words:
            prefix += "_"
        return f"{prefix}{number}"


def _of_digits(found: Read, source: Digits) -> Typed:
    """What an aggregate of digits says of the decimals."""
    scale = digits(source.arg.word)[1]
    if not scale:
        return found
    if is_decimal(found.word):
        return Scaled(found, f"Decimal(38, {scale})")
    return Operation("div", (found, Constant(10.0**scale, "Float64")), "Float64")


def _over_windows(column: MetricColumn) -> Expr:
    """Its expression. Raises `Invalid` for one without an aggregation, and for `duplicated`, which looks at rows."""
    if not column.aggs:
        raise Invalid(f"{column.name} aggregates nothing.", hint='Aggregate a column: Agg("max", col("amount")).')
    outside = column.expr.replace(lambda e: Agg("count") if isinstance(e, Agg) else e)
    if any(isinstance(e, Call) and e.op == "duplicated" for e in outside.walk()):
        raise Invalid(f"{column.name}: duplicated is about rows, not about windows.", hint="Use it in an aggregation.")
    return column.expr


def _shown(leaf: Expr) -> str:
    return f"column {leaf.name!r}" if isinstance(leaf, Col) else f"{type(leaf).__name__.lower()}()"
