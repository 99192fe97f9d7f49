"""Which distribution brings what, and what nobody brings yet: the only place of the core that knows a plugin's name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CORE = "mlforge-core"
"""The distribution of the core. What it brings is never displaced."""

DISTRIBUTIONS = {
    "engine": {"polars": "mlforge-polars", "duckdb": "mlforge-duckdb"},
    "online store": {"redis": "mlforge-redis", "dynamodb": "mlforge-dynamodb"},
    "command": {"serve": "mlforge-serve", "serve-key": "mlforge-serve"},
    "word": {
        "PolarsEngine": "mlforge-polars",
        "DuckDBEngine": "mlforge-duckdb",
        "RedisStore": "mlforge-redis",
        "DynamoDBStore": "mlforge-dynamodb",
    },
}

_ENGINES = 'Polars and DuckDB compute on one machine: engine="duckdb".'
_STORES = 'Versions are kept in a folder: LocalStore("feature_store").'
_ONLINE = 'Values are served from SQLite, Redis or DynamoDB: online_store="online.db".'
NOT_YET = {
    "engine": {"pyspark": _ENGINES, "spark": _ENGINES},
    "store": {"s3": _STORES, "gcs": _STORES, "unity-catalog": _STORES},
    "online store": {"databricks-online-tables": _ONLINE},
    "word": {
        "SparkEngine": _ENGINES,
        "PySparkEngine": _ENGINES,
        "S3Store": _STORES,
        "GCSStore": _STORES,
        "UnityCatalogStore": _STORES,
        "DatabricksOnlineStore": _ONLINE,
    },
}
"""What people ask for that no distribution brings yet, with what there is instead."""

PACKAGES = frozenset(name.replace("-", "_") for known in DISTRIBUTIONS.values() for name in known.values())
"""How the distributions' packages are called."""

DEFAULT_ENGINE = "polars"
"""The engine a project gets that names none, where it is installed."""


def install_hint(role: str, name: str) -> str | None:
    """`pip install …` for a name that some known distribution brings; None for a stranger's."""
    distribution = DISTRIBUTIONS.get(role, {}).get(name)
    return f"pip install {distribution}" if distribution else None


def close_to(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: the same but for case, or spelled nearly so.

    Example:
        >>> close_to("sum", ["Max", "Sum"]), close_to("user_spent", ["user_spend"]), close_to("x", ["user_spend"])
        ('Sum', 'user_spend', None)
    """
    folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name.casefold(), folded, 1)
    return folded[close[0]] if close else None


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the closest of the known names, or all of them.

    Example:
        >>> nearest("user_spent", ["user_spend", "logins"]), nearest("x", ["user_spend", "logins"])
        ("Did you mean 'user_spend'?", 'Known: user_spend, logins.')
    """
    names = list(known)
    close = close_to(name, names)
    return f"Did you mean {close!r}?" if close else f"Known: {', '.join(names[:20]) or 'none'}."
