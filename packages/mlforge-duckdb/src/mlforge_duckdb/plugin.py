"""What this plugin is: the DuckDB engine, announced without importing DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import msgspec

from mlforge.model.aggregation import PARTS
from mlforge.plugin import API_VERSION, EngineConfig, EngineDescriptor, hookimpl


class DuckDBEngine(EngineConfig, frozen=True, tag="duckdb"):
    """Compute with DuckDB, on this machine; what does not fit into memory goes to disk.

    Args:
        memory_limit: How much memory DuckDB may use, such as `"4GB"`; 80 % of the machine's if None.
        threads: How many threads it uses; one a core if None.
        temp_directory: Where it puts what does not fit into memory; the system's temporary folder if None.

    Example:
        >>> DuckDBEngine(memory_limit="4GB").kind
        'duckdb'
    """

    target: ClassVar[str] = "mlforge_duckdb.engine:LiveDuckDBEngine"

    memory_limit: str | None = None
    threads: int | None = None
    temp_directory: str | None = None

    def at(self, root: Path) -> Self:
        if self.temp_directory is None:
            return self
        return msgspec.structs.replace(self, temp_directory=str(root / self.temp_directory))


@hookimpl
def mlforge_engines() -> list[EngineDescriptor]:
    """The one engine."""
    return [
        EngineDescriptor(
            name="duckdb",
            summary="Feature building larger than memory on one machine.",
            api=API_VERSION,
            config=DuckDBEngine,
            frames=(
                "duckdb.DuckDBPyRelation",
                "duckdb._relation.DuckDBPyRelation",
                "polars.dataframe.frame.DataFrame",
                "polars.lazyframe.frame.LazyFrame",
            ),
            reads=frozenset({"parquet", "csv", "arrow"}),
            writes=frozenset({"parquet"}),
            schemes=frozenset({"file", "s3", "gs"}),
            aggregations=PARTS,
        )
    ]
