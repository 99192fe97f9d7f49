"""Metrics over windows of events, for `@feature(metrics=[...])`: `from mlforge.metrics import Sum`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mlforge.model.expr import Expr
from mlforge.model.metric import Aggregate, Metric, Rolled, Windows, parse_windows
from mlforge.model.spelling import refuse_unknown

__all__ = ["Aggregate", "Count", "Max", "Mean", "Median", "Metric", "Min", "Rolling", "Std", "Sum"]

_DETAILS = ("windows", "name", "description", "unit")


def Count(column: str | Expr | None = None, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """How many non-null values; without a column, how many events. 0 where there are none.

    Example:
        >>> Count(windows="7d", name="flights").columns()[0].name
        'flights_7d'
    """
    return _aggregate("count", column, windows, details)


def Sum(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """Their sum: int64 for integers and booleans, float64 for floats, 38 digits for decimals. 0 where there are none.

    Example:
        >>> Sum("amount", windows=["7d"]).columns()[0].name
        'amount__sum__7d'
    """
    return _aggregate("sum", column, windows, details)


def Mean(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """Their mean, float64. Null where there are none.

    Example:
        >>> Mean("amount", windows=["7d"]).columns()[0].name
        'amount__mean__7d'
    """
    return _aggregate("mean", column, windows, details)


def Min(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """The least value, in the column's own type. Null where there are none.

    Example:
        >>> Min("amount", windows=["7d"]).columns()[0].name
        'amount__min__7d'
    """
    return _aggregate("min", column, windows, details)


def Max(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """The greatest value, in the column's own type; NaN is the greatest. Null where there are none.

    Example:
        >>> Max("amount", windows=["7d"]).columns()[0].name
        'amount__max__7d'
    """
    return _aggregate("max", column, windows, details)


def Std(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """Their sample standard deviation, float64. Null where there are fewer than two.

    Example:
        >>> Std("amount", windows=["7d"]).columns()[0].name
        'amount__std__7d'
    """
    return _aggregate("std", column, windows, details)


def Median(column: str | Expr, windows: Windows = (), **details: Any) -> Aggregate:  # noqa: N802
    """Their median, float64. Null where there are none.

    Example:
        >>> Median("amount", windows=["7d"]).columns()[0].name
        'amount__median__7d'
    """
    return _aggregate("median", column, windows, details)


def _aggregate(function: str, column: str | Expr | None, windows: Windows, details: dict[str, Any]) -> Aggregate:
    refuse_unknown(function.capitalize(), details, ("column", *_DETAILS))
    return Aggregate(column, function, windows, **details)


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
        "Rolling is deprecated: write Sum('amt', windows=['7d']) and the like.", DeprecationWarning, stacklevel=2
    )
    lengths = parse_windows(windows)
    pairs = [(column, function) for column, functions in aggregations.items() for function in functions]
    return Rolled(tuple(Aggregate(column, function, lengths) for column, function in pairs))


def __getattr__(name: str) -> Any:
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
