"""What the core itself brings, through the door everybody uses: its stores, validators and metrics."""

from __future__ import annotations

from mlforge.plugin.descriptors import API_VERSION, MetricDescriptor, ValidatorDescriptor
from mlforge.plugin.hookspecs import hookimpl

_VALIDATORS = {
    "not_null()": "No value is null.",
    "unique()": "No value appears twice.",
    "greater_than(0)": "Every value is greater than a bound.",
    "less_than(100)": "Every value is less than a bound.",
    "greater_than_or_equal(0)": "Every value is a bound or more.",
    "less_than_or_equal(100)": "Every value is a bound or less.",
    "in_range(0, 100)": "Every value lies between two bounds, ends included.",
    'matches_regex("^[A-Z]{2}$")': "A pattern is found in every string.",
    'is_in(["AA", "UA"])': "Every value is one of a few.",
    "null_rate_below(0.05)": "Less than a part of the rows is null.",
    "rows_between(1000, None)": "The feature has so many rows.",
    'fresh_within("2d")': "The latest event is not older than this.",
    "no_drift()": "The values are of the distribution of the version before.",
}
_METRICS = {
    'Aggregate("amount", "sum", windows="7d")': "One aggregation over one or more windows.",
    'Count(windows="7d")': "How many values, or events.",
    'Sum("amount", windows="7d")': "The sum.",
    'Mean("amount", windows="7d")': "The mean.",
    'Min("amount", windows="7d")': "The least value.",
    'Max("amount", windows="7d")': "The greatest value.",
    'Std("amount", windows="7d")': "The sample standard deviation.",
    'Median("amount", windows="7d")': "The median.",
    'Percentile("amount", 0.9, windows="7d")': "What a part of the values lies below.",
    'Var("amount", windows="7d")': "The sample variance.",
    'Skew("amount", windows="7d")': "The adjusted Fisher-Pearson skewness.",
    'Kurtosis("amount", windows="7d")': "The adjusted excess kurtosis.",
    'CountDistinct("merchant", windows="7d")': "How many different values.",
    'First("amount", windows="7d")': "The value of the earliest event.",
    'Last("amount", windows="7d")': "The value of the latest event.",
    'FirstN("amount", 5, windows="7d")': "The first few values, as a list.",
    'LastN("amount", 5, windows="7d")': "The last few values, as a list.",
    'Mode("merchant", windows="7d")': "The most frequent value.",
    'TopK("merchant", 3, windows="7d")': "The few most frequent values, as a list.",
    'Any("paid", windows="7d")': "Whether one of some booleans is true.",
    'All("paid", windows="7d")': "Whether all of some booleans are true.",
    'Ratio("won", "played", windows="7d")': "One sum divided by another.",
    'Formula("trend", agg("sum", "amount", "7d") / agg("sum", "amount", "30d"))': "Anything over aggregations.",
}


@hookimpl
def mlforge_validators() -> list[ValidatorDescriptor]:
    """The validators of `mlforge.validators`."""
    return [_validator(example, summary) for example, summary in _VALIDATORS.items()]


@hookimpl
def mlforge_metrics() -> list[MetricDescriptor]:
    """The metrics of `mlforge.metrics`."""
    return [_metric(example, summary) for example, summary in _METRICS.items()]


def _validator(example: str, summary: str) -> ValidatorDescriptor:
    name = example.split("(", maxsplit=1)[0]
    return ValidatorDescriptor(
        name=name, summary=summary, api=API_VERSION, target=f"mlforge.validators:{name}", example=example
    )


def _metric(example: str, summary: str) -> MetricDescriptor:
    name = example.split("(", maxsplit=1)[0]
    return MetricDescriptor(
        name=name, summary=summary, api=API_VERSION, target=f"mlforge.metrics:{name}", example=example
    )
