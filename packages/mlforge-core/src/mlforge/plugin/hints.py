"""Which distribution brings what, and what none brings yet: the only place of the core that knows a plugin's name."""

from __future__ import annotations

import errno

from mlforge.errors import MlforgeError, NotInstalled

CORE = "mlforge-core"
"""The distribution of the core. What it brings is never displaced."""

DISTRIBUTIONS = {
    "engine": {
        "polars": "mlforge-polars",
        "duckdb": "mlforge-duckdb",
        "pyspark": "mlforge-spark",
        "spark": "mlforge-spark",
    },
    "store": {"s3": "mlforge-s3", "gcs": "mlforge-gcs", "unity-catalog": "mlforge-databricks"},
    "online store": {
        "redis": "mlforge-redis",
        "dynamodb": "mlforge-dynamodb",
        "databricks-online": "mlforge-databricks",
        "databricks-online-tables": "mlforge-databricks",
    },
    "source": {
        "s3": "mlforge-s3",
        "gs": "mlforge-gcs",
        "delta": "mlforge-tables[delta]",
        "iceberg": "mlforge-tables[iceberg]",
        "postgresql": "mlforge-tables[sql]",
        "sqlite": "mlforge-tables[sql]",
        "snowflake": "mlforge-tables[snowflake]",
        "bigquery": "mlforge-tables[bigquery]",
        "frame": "mlforge-csv",
    },
    "observer": {
        "openlineage": "mlforge-openlineage",
        "opentelemetry": "mlforge-opentelemetry",
        "mlflow": "mlforge-mlflow",
    },
    "command": {"serve": "mlforge-serve", "serve-key": "mlforge-serve", "ui": "mlforge-serve"},
    "word": {
        "PolarsEngine": "mlforge-polars",
        "DuckDBEngine": "mlforge-duckdb",
        "SparkEngine": "mlforge-spark",
        "PySparkEngine": "mlforge-spark",
        "S3Store": "mlforge-s3",
        "GCSStore": "mlforge-gcs",
        "UnityCatalogStore": "mlforge-databricks",
        "DatabricksOnlineStore": "mlforge-databricks",
        "RedisStore": "mlforge-redis",
        "DynamoDBStore": "mlforge-dynamodb",
        "OpenLineageObserver": "mlforge-openlineage",
        "OpenTelemetryObserver": "mlforge-opentelemetry",
        "MLflowObserver": "mlforge-mlflow",
        "mlflow": "mlforge-mlflow",
    },
}

PACKAGES = frozenset(
    name.partition("[")[0].replace("-", "_") for known in DISTRIBUTIONS.values() for name in known.values()
)
"""How the distributions' packages are called."""

DEFAULT_ENGINE = "polars"
"""The engine a project gets that names none, where it is installed."""


def install_hint(role: str, name: str) -> str | None:
    """`pip install …` for a name that some known distribution brings; None for a stranger's."""
    distribution = DISTRIBUTIONS.get(role, {}).get(name)
    if distribution and "[" in distribution:
        return f'pip install "{distribution}"'
    return f"pip install {distribution}" if distribution else None


def missing(role: str, name: str) -> MlforgeError | None:
    """The error for a name that a known distribution would bring; None for a stranger's.

    Example:
        >>> print(missing("engine", "duckdb"))
        The engine 'duckdb' is not installed. Install it: pip install mlforge-duckdb
    """
    if hint := install_hint(role, name):
        return NotInstalled(f"The {role} {name!r} is not installed.", hint=f"Install it: {hint}")
    return None


def disk_hint(error: OSError, otherwise: str) -> str:
    """What to do where a file could not be written: make room where there is none.

    Example:
        >>> disk_hint(OSError(errno.ENOSPC, "No space left on device"), "Choose another.")
        'Make room there and try again.'
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "Make room there and try again." if full else otherwise
