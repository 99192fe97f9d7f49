"""Aggregations: what each takes and gives, and what a window plan asks for, with all types known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.aggregation import AGGREGATIONS, Aggregation, Options, part_of
from mlforge.model.expr import Agg, Call, Col, Expr
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

_TAKEN = {
    "anything": "a value",
    "numbers": "a number",
    "booleans": "a boolean",
    "ordered": "values with an order",
}


def is_defined_for(aggregation: Aggregation, word: str) -> bool:
    """Whether an aggregation takes values of a type.

    Example:
        >>> is_defined_for(AGGREGATIONS["sum"], "String"), is_defined_for(AGGREGATIONS["last"], "String")
        (False, True)
    """
    match aggregation.takes:
        case "numbers":
            return family(word) in ("Number", "Boolean")
        case "booleans":
            return word == "Boolean"
        case "ordered":
            return not is_list(word)
        case "anything":
            return True


def result_for(aggregation: Aggregation, word: str) -> str:
    """The type of an aggregation's result, by that of the values; decimals are computed with as their `Digits`.

    Example:
        >>> total = AGGREGATIONS["sum"]
        >>> result_for(total, "Int8"), result_for(total, "Decimal(9, 2)"), result_for(AGGREGATIONS["top_k"], "String")
        ('Int64', 'Decimal(38, 2)', 'List(String)')
    """
    match aggregation.gives:
        case "values":
            return word
        case "list":
            return f"List({word})"
        case "total" if is_decimal(word):
            return f"Decimal(38, {digits(word)[1]})"
        case "total":
            return "Float64" if is_float(word) else "Int64"
        case always:
            return always


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
        function: One of `AGGREGATIONS` that is a part of its own.
        column: The name of the input; None: of the events themselves.
        enters: How long after an event is known it is in the window, in microseconds: the window's offset.
        leaves: How long after it is known it leaves: offset and length; None: never.
        name: A name of its own.
        word: The word for the type of its result.
        options: What else the aggregation asks for: the part of a percentile, the number of a list and whether its
            values are distinct.
        passes: The input that is not null in the events that are in the window; None: all are. The others are null
            in the aggregated input, too, and their leaving is no change.

    Example:
        >>> Aggregate("count", None, 0, 3_600_000_000, "a0", "Int64").word
        'Int64'
    """

    function: str
    column: str | None
    enters: int
    leaves: int | None
    name: str
    word: str
    options: Options = ()
    passes: str | None = None

    @property
    def is_ranged(self) -> bool:
        """Whether it looks at the values of its window one by one: in their order, or at all of them.

        Example:
            >>> Aggregate("median", "v0", 0, None, "a0", "Float64").is_ranged
            True
        """
        return self.function in ("skew", "kurtosis") or AGGREGATIONS[self.function].needs != "sums"


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
        self.aggregates: dict[tuple[Any, ...], Aggregate] = {}

    def output(self, column: MetricColumn) -> Typed:
        return typed_over(_over_windows(column), lambda leaf: self._aggregate(column, leaf))

    def _aggregate(self, column: MetricColumn, leaf: Expr) -> Typed:
        if not isinstance(leaf, Agg):
            raise Invalid(
                f"{column.name} reads {_shown(leaf)} outside of any aggregation.",
                hint='Aggregate it: Agg("max", col("amount")).',
            )
        described = AGGREGATIONS.get(leaf.function)
        if described is None:
            raise Invalid(
                f"{column.name}: there is no aggregation {leaf.function!r}.", hint=f"One of {', '.join(AGGREGATIONS)}."
            )
        passes = None if leaf.where is None else self._passing(column, leaf.where)
        source = self._source(column, described, leaf)
        found = self._read(column, leaf, source, passes)
        if source is not None and isinstance(source.source, Digits):
            return _of_digits(found, source.source, described)
        return Operation("mul", (found, found), "Float64") if described.power > 1 else found

    def _read(self, column: MetricColumn, leaf: Agg, source: Input | None, passes: Input | None) -> Read:
        """The aggregate that an engine computes for a leaf, by its name."""
        part, window = part_of(leaf.function), column.window_of(leaf)
        of, passing = (each.name if each else None for each in (source, passes))
        key = (part, of, window.enters, window.leaves, leaf.options, passing)
        if key not in self.aggregates:
            word = result_for(AGGREGATIONS[part], source.word if source else "")
            name = self._free("a", len(self.aggregates))
            self.aggregates[key] = Aggregate(part, of, window.enters, window.leaves, name, word, leaf.options, passing)
        return Read(self.aggregates[key].name, self.aggregates[key].word)

    def _passing(self, column: MetricColumn, where: Expr) -> Input:
        """The input that is true in the events for which a condition is, and null in the others."""
        found = typed(where, self._words)
        if found.word != "Boolean":
            raise Invalid(
                f"{column.name}: its where is {found.word}, which is no condition.",
                hint='Write one, such as col("kind").eq("refund").',
            )
        return self._keep(_only_if(found, Constant(value=True, word="Boolean")))

    def _source(self, column: MetricColumn, described: Aggregation, leaf: Agg) -> Input | None:
        """What is aggregated: its own value in the events of the window, null in the others."""
        if leaf.arg is None:
            return None if leaf.where is None else self._passing(column, leaf.where)
        source = typed(leaf.arg, self._words)
        if not is_defined_for(described, source.word):
            of, name = (f"column {leaf.arg.name!r}", leaf.arg.name) if isinstance(leaf.arg, Col) else _MADE
            way = _NUMBERS_OF.get(source.word, f"Cast it in the function: {self._cast}.").format(name)
            if is_list(source.word):
                way = "Return a row for each of its values, or one of them, from the function."
            if described.takes == "booleans":
                way = f'Compare it: {leaf.function.capitalize()}(col("{name}") > 0, windows="7d", name="large").'
            raise Invalid(
                f"{column.name}: {leaf.function} needs {_TAKEN[described.takes]}, and {of} is {source.word}.", hint=way
            )
        if leaf.where is not None:
            source = _only_if(typed(leaf.where, self._words), source)
        if described.takes == "numbers" and is_decimal(source.word):
            source = Digits(source, f"Decimal({digits(source.word)[0]}, 0)")
        return self._keep(source)

    def _keep(self, source: Typed) -> Input:
        return self.inputs.setdefault(source, Input(self._free("v", len(self.inputs)), source))

    def _free(self, prefix: str, number: int) -> str:
        """A name that no column of the events has."""
        while f"{prefix}{number}" in self._words:
            prefix += "_"
        return f"{prefix}{number}"


_MADE = ("its expression", "amount")
_NUMBERS_OF = {
    "Duration": 'Aggregate a number of hours: col("{}") / mlf.hours(1).',
    **dict.fromkeys(
        ("Date", "Datetime"), 'Aggregate the hours since another time: (col("{}") - col("other")) / mlf.hours(1).'
    ),
    "Time": "Return its hour, minute or second as a number from the function.",
    "Binary": "Return a number for each of its values from the function.",
}
"""How a number is made of what no engine casts to one, with `{}` for the column's name."""


def _only_if(condition: Typed, value: Typed) -> Typed:
    """The value where the condition is true, else null."""
    return Operation("if", (condition, value, Constant(None, value.word)), value.word)


def _of_digits(found: Read, source: Digits, described: Aggregation) -> Typed:
    """What an aggregate of digits says of the decimals."""
    scale = digits(source.arg.word)[1]
    if is_decimal(found.word):
        return Scaled(found, f"Decimal(38, {scale})") if scale else found
    in_units = scale and described.power
    number = Operation("div", (found, Constant(10.0**scale, "Float64")), "Float64") if in_units else found
    return Operation("mul", (number, number), "Float64") if described.power > 1 else number


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
