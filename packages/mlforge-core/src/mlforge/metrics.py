"""Metrics over windows of events, for `@feature(metrics=[...])`: `from mlforge.metrics import Sum`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import msgspec

from mlforge.errors import Invalid
from mlforge.model.aggregation import agg, aggregated, aggregation, listed, share, word_of
from mlforge.model.expr import Agg, Expr, called
from mlforge.model.metric import (
    Aggregate,
    Metric,
    MetricColumn,
    Rolled,
    Windows,
    need_condition,
    need_metric_name,
    parse_windows,
)
from mlforge.model.spelling import refuse_unknown, spelled
from mlforge.model.window import Window

__all__ = [
    "Aggregate", "All", "Any", "Count", "CountDistinct", "First", "FirstN", "Formula", "Kurtosis", "Last", "LastN",
    "Max", "Mean", "Median", "Metric", "Min", "Mode", "Percentile", "Ratio", "Rolling", "Skew", "Std", "Sum", "TopK",
    "Var", "Window", "agg",
]  # fmt: skip

_DETAILS = ("windows", "name", "description", "unit", "where")


@spelled
def Count(column: str | Expr | None = None, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """How many non-null values; without a column, how many events. 0 where there are none.

    Example:
        >>> Count(windows="7d", name="flights").columns()[0].name
        'flights_7d'
    """
    return _aggregate("count", column, windows, details)


@spelled
def Sum(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their sum: int64 for integers and booleans, float64 for floats, 38 digits for decimals. 0 where there are none.

    Example:
        >>> Sum("amount", windows=["7d"]).columns()[0].name
        'amount__sum__7d'
    """
    return _aggregate("sum", column, windows, details)


@spelled
def Mean(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their mean, float64. Null where there are none.

    Example:
        >>> Mean("amount", windows=["7d"]).columns()[0].name
        'amount__mean__7d'
    """
    return _aggregate("mean", column, windows, details)


@spelled
def Min(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The least value, in the column's own type. Null where there are none.

    Example:
        >>> Min("amount", windows=["7d"]).columns()[0].name
        'amount__min__7d'
    """
    return _aggregate("min", column, windows, details)


@spelled
def Max(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The greatest value, in the column's own type; NaN is the greatest. Null where there are none.

    Example:
        >>> Max("amount", windows=["7d"]).columns()[0].name
        'amount__max__7d'
    """
    return _aggregate("max", column, windows, details)


@spelled
def Std(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their sample standard deviation, float64. Null where there are fewer than two.

    Example:
        >>> Std("amount", windows=["7d"]).columns()[0].name
        'amount__std__7d'
    """
    return _aggregate("std", column, windows, details)


@spelled
def Median(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their median, float64. Null where there are none.

    Example:
        >>> Median("amount", windows=["7d"]).columns()[0].name
        'amount__median__7d'
    """
    return _aggregate("median", column, windows, details)


@spelled
def Var(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their sample variance, float64. Null where there are fewer than two.

    Example:
        >>> Var("amount", windows=["7d"]).columns()[0].name
        'amount__var__7d'
    """
    return _aggregate("var", column, windows, details)


@spelled
def Skew(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their adjusted Fisher-Pearson skewness, float64. Null where there are fewer than three, or all are equal.

    Example:
        >>> Skew("amount", windows=["7d"]).columns()[0].name
        'amount__skew__7d'
    """
    return _aggregate("skew", column, windows, details)


@spelled
def Kurtosis(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Their adjusted excess kurtosis, float64. Null where there are fewer than four, or all are equal.

    Example:
        >>> Kurtosis("amount", windows=["7d"]).columns()[0].name
        'amount__kurtosis__7d'
    """
    return _aggregate("kurtosis", column, windows, details)


@spelled
def CountDistinct(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """How many different values, int64, exact; NaN is one value, and so are 0.0 and -0.0. 0 where there are none.

    Example:
        >>> CountDistinct("merchant", windows=["30d"], name="merchants").columns()[0].name
        'merchants_30d'
    """
    return _aggregate("count_distinct", column, windows, details)


@spelled
def First(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The value of the earliest event, of several at that instant the least. Null where there are none.

    Example:
        >>> First("paid_at", windows="all").columns()[0].name
        'paid_at__first__all'
    """
    return _aggregate("first", column, windows, details)


@spelled
def Last(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The value of the latest event, of several at that instant the greatest. Null where there are none.

    Example:
        >>> Last("paid_at", windows="all").columns()[0].name
        'paid_at__last__all'
    """
    return _aggregate("last", column, windows, details)


@spelled
def FirstN(  # noqa: N802
    column: str | Expr, n: int, windows: Windows = (), *, distinct: bool = False, **details: object
) -> Aggregate:
    """The first `n` values in the order of time, then of value, as a list; empty where there are none.

    Args:
        column: The column, or an expression.
        n: From 1 to 10,000.
        windows: Such as `["7d", "all"]`.
        distinct: Whether each value is in it once, at its earliest.
        details: `name`, `description`, `unit`, `where`.

    Example:
        >>> FirstN("category", 5, windows="30d").columns()[0].name
        'category__first_5__30d'
    """
    return _aggregate(word_of("first_n", listed("FirstN", n, bool(distinct))), column, windows, details)


@spelled
def LastN(  # noqa: N802
    column: str | Expr, n: int, windows: Windows = (), *, distinct: bool = False, **details: object
) -> Aggregate:
    """The last `n` values in the order of time, then of value, as a list; empty where there are none.

    Args:
        column: The column, or an expression.
        n: From 1 to 10,000.
        windows: Such as `["7d", "all"]`.
        distinct: Whether each value is in it once, at its latest.
        details: `name`, `description`, `unit`, `where`.

    Example:
        >>> LastN("category", 5, windows="30d", distinct=True).columns()[0].name
        'category__last_5_distinct__30d'
    """
    return _aggregate(word_of("last_n", listed("LastN", n, bool(distinct))), column, windows, details)


@spelled
def Percentile(  # noqa: N802
    column: str | Expr, q: float | Sequence[float], windows: Windows = (), **details: object
) -> Aggregate | Rolled:
    """What a part of them lies below: float64, interpolated between order statistics. Null where there are none.

    Args:
        column: The column, or an expression.
        q: A part from 0 to 1, or several.
        windows: Such as `["7d", "all"]`.
        details: `name`, `description`, `unit`, `where`; of several parts, each adds its own to the name.

    Example:
        >>> [c.name for c in Percentile("amount", [0.5, 0.9], windows="7d").columns()]
        ['amount__p50__7d', 'amount__p90__7d']
        >>> [c.name for c in Percentile("amount", [0.5, 0.9], windows="7d", name="spend").columns()]
        ['spend_p50_7d', 'spend_p90_7d']
    """
    if not isinstance(q, list | tuple):
        return _aggregate(word_of("percentile", share(q)), column, windows, details)
    if not q:
        raise Invalid("A percentile of no part.", hint="Give parts from 0 to 1: [0.5, 0.9].")
    words = [word_of("percentile", share(part)) for part in q]
    named = [{**details, "name": f"{details['name']}_{w}"} if details.get("name") else details for w in words]
    return Rolled(tuple(_aggregate(w, column, windows, each) for w, each in zip(words, named, strict=True)))


@spelled
def Mode(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The most frequent value, of equally frequent ones the least. Null where there are none.

    Example:
        >>> Mode("category", windows=["30d"]).columns()[0].name
        'category__mode__30d'
    """
    return _aggregate("mode", column, windows, details)


@spelled
def TopK(column: str | Expr, k: int, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """The `k` most frequent values, most frequent first, of equally frequent ones the least, as a list.

    Args:
        column: The column, or an expression.
        k: From 1 to 10,000.
        windows: Such as `["7d", "all"]`.
        details: `name`, `description`, `unit`, `where`.

    Example:
        >>> TopK("merchant", 3, windows=["30d"]).columns()[0].name
        'merchant__top_3__30d'
    """
    return _aggregate(word_of("top_k", listed("TopK", k)), column, windows, details)


@spelled
def Any(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Whether one of some booleans is true. Null where there are none.

    Example:
        >>> from mlforge.model.expr import col
        >>> Any(col("amount") > 1000, windows="7d", name="large").columns()[0].name
        'large_7d'
    """
    return _aggregate("any", column, windows, details)


@spelled
def All(column: str | Expr, windows: Windows = (), **details: object) -> Aggregate:  # noqa: N802
    """Whether all of some booleans are true. Null where there are none.

    Example:
        >>> All("paid", windows="7d").columns()[0].name
        'paid__all__7d'
    """
    return _aggregate("all", column, windows, details)


class Ratio(Metric, frozen=True):
    """The sum of one column divided by that of another, float64. Null where the divisor is 0.

    Args:
        numerator: A column of numbers, or an expression.
        denominator: Another.
        windows: Such as `["1d", "7d"]`.
        name: The output is `{name}_{window}`; `{numerator}__per__{denominator}__{window}` without one.
        description: What the value means.
        unit: What it is counted in.
        where: Only events for which this is true.

    Example:
        >>> Ratio("won", "played", windows=["7d"]).columns()[0].name
        'won__per__played__7d'
    """

    numerator: str | Expr
    denominator: str | Expr
    windows: Windows
    name: str | None = None
    description: str | None = None
    unit: str | None = None
    where: Expr | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "windows", parse_windows(self.windows))
        need_metric_name(self.name)
        need_condition(self.where, "ratio", self.name)
        if not self.name and not all(isinstance(part, str) for part in (self.numerator, self.denominator)):
            raise Invalid("The ratio of an expression needs a name.", hint='Give it one: name="share_late".')
        if None in (self.numerator, self.denominator):
            raise Invalid("A ratio needs two columns.", hint='Ratio("won", "played", windows=["7d"])')

    def columns(self) -> tuple[MetricColumn, ...]:
        above, below = (
            Agg("sum", aggregated("ratio", part), where=self.where) for part in (self.numerator, self.denominator)
        )
        return tuple(
            MetricColumn(self._output(w), w, above / below, "ratio", self.description, self.unit)
            for w in parse_windows(self.windows)
        )

    def _output(self, window: Window) -> str:
        return f"{self.name}_{window}" if self.name else f"{self.numerator}__per__{self.denominator}__{window}"


class Formula(Metric, frozen=True):
    """An expression over aggregations, each over a window of its own.

    Args:
        name: The output column.
        expr: An expression whose leaves are `agg(…)` and constants.
        description: What the value means.
        unit: What it is counted in.

    Example:
        >>> trend = Formula("trend", agg("sum", "amount", "7d") / agg("sum", "amount", "30d"))
        >>> [(c.name, [str(w) for w in c.windows]) for c in trend.columns()]
        [('trend', ['7d', '30d'])]
    """

    name: str
    expr: Expr
    description: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        need_metric_name(self.name)
        given: object = self.expr
        if not isinstance(given, Expr) or not self.name:
            raise Invalid(
                f"The formula {self.name!r} is {self.expr!r}, which is no expression.",
                hint='Formula("trend", agg("sum", "amount", "7d") / agg("sum", "amount", "30d"))',
            )
        for column in self.columns():
            if not column.windows:
                raise Invalid(
                    f"{self.name} aggregates nothing.", hint='Aggregate a column: agg("max", "amount", "7d").'
                )

    def columns(self) -> tuple[MetricColumn, ...]:
        return (MetricColumn(self.name, None, self.expr, "formula", self.description, self.unit),)


def _aggregate(word: str, column: str | Expr | None, windows: Windows, details: Mapping[str, object]) -> Aggregate:
    refuse_unknown(called(aggregation(word)[0]), details, ("column", *_DETAILS))
    return Aggregate(column, word, windows, **details)  # type: ignore[arg-type]


@spelled
def Rolling(windows: Windows, aggregations: Mapping[str, Sequence[str]]) -> Rolled:  # noqa: N802
    """Several aggregations over the same windows; deprecated for `Sum`, `Mean` and their like.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     [c.name for c in Rolling(["7d"], {"amt": ["sum", "count"]}).columns()]
        ['amt__sum__7d', 'amt__count__7d']
    """
    warnings.warn(
        "Rolling is deprecated: write Sum('amt', windows=['7d']) and the like.", DeprecationWarning, stacklevel=3
    )
    lengths = parse_windows(windows)
    pairs = [(column, function) for column, functions in aggregations.items() for function in functions]
    return Rolled(tuple(Aggregate(column, function, lengths) for column, function in pairs))


def __getattr__(name: str) -> object:
    from mlforge.plugin.config import load
    from mlforge.plugin.descriptors import MetricDescriptor
    from mlforge.plugin.registry import registry

    if name.startswith("_"):
        raise AttributeError(name)
    found = registry().of(MetricDescriptor).get(name)
    if found is None:
        from mlforge.plugin.words import no_word

        known = (*__all__, *registry().of(MetricDescriptor))
        raise registry().trouble(MetricDescriptor, name) or no_word("mlforge.metrics", name, known)
    return load(found.target, f"metric {name!r}")
