"""mlforge: the same, leak-free feature value in training and in serving.

The words below are loaded when they are first used; those that plugins bring are here by their names too.
"""

from __future__ import annotations

from mlforge.__about__ import __version__

TYPE_CHECKING = False  # as type checkers know it; `typing` takes longer to import than Ctrl-C takes to arrive
if TYPE_CHECKING:
    from typing import Any as Value

    from mlforge import errors, metrics, validators
    from mlforge.definitions import Definitions
    from mlforge.flow.building.build_report import BuildReport, BuildResult
    from mlforge.flow.discovering.search import SearchResults
    from mlforge.flow.explaining.explanation import Explanation
    from mlforge.flow.lock import Lock
    from mlforge.flow.online.publish_report import PublishReport, PublishResult
    from mlforge.flow.online.reader import OnlineFeatures
    from mlforge.flow.training.retrieve import TrainingData
    from mlforge.metrics import (
        Aggregate,
        All,
        Any,
        Count,
        CountDistinct,
        First,
        FirstN,
        Formula,
        Kurtosis,
        Last,
        LastN,
        Max,
        Mean,
        Median,
        Min,
        Mode,
        Percentile,
        Ratio,
        Rolling,
        Skew,
        Std,
        Sum,
        TopK,
        Var,
        Window,
        agg,
    )
    from mlforge.model.entity import Entity
    from mlforge.model.expr import col
    from mlforge.model.feature import Feature, FeatureSpec
    from mlforge.model.feature_set import FeatureSet
    from mlforge.model.field import Field
    from mlforge.model.keys import surrogate_key
    from mlforge.model.request import RequestFeature
    from mlforge.model.source import CSVFormat, DeltaFormat, IcebergFormat, ParquetFormat, Source
    from mlforge.model.terms import at, coalesce, days, greatest, hours, least, minutes, seconds, when
    from mlforge.model.timestamp import Timestamp
    from mlforge.project.decorator import feature
    from mlforge.project.entity_key import entity_key
    from mlforge.project.requesting import request_feature
    from mlforge.standalone import aget_online_features, get_online_features, get_training_data, search_features
    from mlforge.stores.local.plugin import LocalStore
    from mlforge.stores.sqlite.plugin import SQLiteOnlineStore

_WORDS = {
    "Aggregate": "mlforge.metrics",
    "All": "mlforge.metrics",
    "Any": "mlforge.metrics",
    "BuildReport": "mlforge.flow.building.build_report",
    "BuildResult": "mlforge.flow.building.build_report",
    "CSVFormat": "mlforge.model.source",
    "Count": "mlforge.metrics",
    "CountDistinct": "mlforge.metrics",
    "Definitions": "mlforge.definitions",
    "DeltaFormat": "mlforge.model.source",
    "IcebergFormat": "mlforge.model.source",
    "Entity": "mlforge.model.entity",
    "Explanation": "mlforge.flow.explaining.explanation",
    "Feature": "mlforge.model.feature",
    "FeatureSet": "mlforge.model.feature_set",
    "FeatureSpec": "mlforge.model.feature",
    "Field": "mlforge.model.field",
    "First": "mlforge.metrics",
    "FirstN": "mlforge.metrics",
    "Formula": "mlforge.metrics",
    "Kurtosis": "mlforge.metrics",
    "Last": "mlforge.metrics",
    "LastN": "mlforge.metrics",
    "LocalStore": "mlforge.stores.local.plugin",
    "Lock": "mlforge.flow.lock",
    "Max": "mlforge.metrics",
    "Mean": "mlforge.metrics",
    "Median": "mlforge.metrics",
    "Min": "mlforge.metrics",
    "Mode": "mlforge.metrics",
    "OnlineFeatures": "mlforge.flow.online.reader",
    "ParquetFormat": "mlforge.model.source",
    "Percentile": "mlforge.metrics",
    "PublishReport": "mlforge.flow.online.publish_report",
    "PublishResult": "mlforge.flow.online.publish_report",
    "Ratio": "mlforge.metrics",
    "RequestFeature": "mlforge.model.request",
    "Rolling": "mlforge.metrics",
    "SQLiteOnlineStore": "mlforge.stores.sqlite.plugin",
    "SearchResults": "mlforge.flow.discovering.search",
    "Skew": "mlforge.metrics",
    "Source": "mlforge.model.source",
    "Std": "mlforge.metrics",
    "Sum": "mlforge.metrics",
    "Timestamp": "mlforge.model.timestamp",
    "TopK": "mlforge.metrics",
    "TrainingData": "mlforge.flow.training.retrieve",
    "Var": "mlforge.metrics",
    "Window": "mlforge.metrics",
    "aget_online_features": "mlforge.standalone",
    "agg": "mlforge.metrics",
    "at": "mlforge.model.terms",
    "coalesce": "mlforge.model.terms",
    "col": "mlforge.model.expr",
    "days": "mlforge.model.terms",
    "entity_key": "mlforge.project.entity_key",
    "feature": "mlforge.project.decorator",
    "get_online_features": "mlforge.standalone",
    "get_training_data": "mlforge.standalone",
    "greatest": "mlforge.model.terms",
    "hours": "mlforge.model.terms",
    "least": "mlforge.model.terms",
    "minutes": "mlforge.model.terms",
    "request_feature": "mlforge.project.requesting",
    "search_features": "mlforge.standalone",
    "seconds": "mlforge.model.terms",
    "surrogate_key": "mlforge.model.keys",
    "when": "mlforge.model.terms",
}
_MODULES = ("errors", "metrics", "validators")

__all__ = [
    "Aggregate", "All", "Any", "BuildReport", "BuildResult", "CSVFormat", "Count", "CountDistinct", "Definitions",
    "DeltaFormat", "Entity", "Explanation", "Feature", "FeatureSet", "FeatureSpec", "Field", "First", "FirstN",
    "Formula", "IcebergFormat", "Kurtosis", "Last", "LastN", "LocalStore", "Lock", "Max", "Mean", "Median", "Min",
    "Mode", "OnlineFeatures", "ParquetFormat", "Percentile", "PublishReport", "PublishResult", "Ratio",
    "RequestFeature", "Rolling", "SQLiteOnlineStore", "SearchResults", "Skew", "Source", "Std", "Sum", "Timestamp",
    "TopK", "TrainingData", "Var", "Window", "__version__", "aget_online_features", "agg", "at", "coalesce", "col",
    "days", "entity_key", "errors", "feature", "get_online_features", "get_training_data", "greatest", "hours",
    "least", "metrics", "minutes", "request_feature", "search_features", "seconds", "surrogate_key", "validators",
    "when",
]  # fmt: skip


def __getattr__(name: str) -> Value:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"mlforge.{name}")
    if name in _WORDS:
        value = getattr(import_module(_WORDS[name]), name)
        globals()[name] = value
        return value
    if name.startswith("_"):
        raise AttributeError(name)
    return _plugin_word(name)


def _plugin_word(name: str) -> Value:
    """A config, metric or validator that an installed plugin announces."""
    from mlforge.plugin.words import find_word

    return find_word(name, __all__)


def __dir__() -> list[str]:
    return __all__
