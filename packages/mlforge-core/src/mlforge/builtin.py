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
}


@hookimpl
def mlforge_validators() -> list[ValidatorDescriptor]:
    """The nine validators of `mlforge.validators`."""
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
