"""What this plugin is: kinds of sources, announced without importing a client."""

from __future__ import annotations

from mlforge.plugin import SourceDescriptor, hookimpl

_KINDS = {
    "delta": ("A Delta table, in files.", "delta"),
    "iceberg": ("An Iceberg table, in files.", "iceberg"),
    "postgresql": ("A table or a query of PostgreSQL.", "databases"),
    "sqlite": ("A table or a query of SQLite.", "sqlite"),
    "snowflake": ("A table or a query of Snowflake.", "databases"),
    "bigquery": ("A table or a query of BigQuery.", "databases"),
}


@hookimpl
def mlforge_sources() -> list[SourceDescriptor]:
    """Tables in files, and what databases answer."""
    return [
        SourceDescriptor(name=name, summary=said, api=1, gives="rows", target=f"mlforge_tables.{home}:open_source")
        for name, (said, home) in _KINDS.items()
    ]
