"""Which distribution brings what: the only place of the core that knows a plugin's name."""

from __future__ import annotations

CORE = "mlforge-core"
"""The distribution of the core. What it brings is never displaced."""

DISTRIBUTIONS = {
    "engine": {"polars": "mlforge-polars", "duckdb": "mlforge-duckdb", "pyspark": "mlforge-spark"},
    "store": {"s3": "mlforge-core[s3]", "gcs": "mlforge-core[gcs]", "unity-catalog": "mlforge-databricks"},
    "online store": {
        "redis": "mlforge-redis",
        "dynamodb": "mlforge-dynamodb",
        "databricks-online-tables": "mlforge-databricks",
    },
    "command": {"serve": "mlforge-serve", "serve-key": "mlforge-serve"},
    "word": {
        "PolarsEngine": "mlforge-polars",
        "DuckDBEngine": "mlforge-duckdb",
        "SparkEngine": "mlforge-spark",
        "RedisStore": "mlforge-redis",
        "DynamoDBStore": "mlforge-dynamodb",
        "S3Store": "mlforge-core[s3]",
        "GCSStore": "mlforge-core[gcs]",
        "UnityCatalogStore": "mlforge-databricks",
        "DatabricksOnlineStore": "mlforge-databricks",
    },
}

PACKAGES = frozenset(
    name.partition("[")[0].replace("-", "_") for known in DISTRIBUTIONS.values() for name in known.values()
)
"""How these distributions' packages are called."""

DEFAULT_ENGINE = "polars"
"""The engine a project gets that names none, where it is installed."""


def install_hint(role: str, name: str) -> str | None:
    """`pip install …` for a name that some known distribution brings; None for a stranger's."""
    distribution = DISTRIBUTIONS.get(role, {}).get(name)
    return f"pip install {distribution}" if distribution else None
