"""What this plugin is: the Polars engine, announced without importing Polars."""

from __future__ import annotations

from typing import ClassVar

from mlforge.model.aggregation import PARTS
from mlforge.plugin import EngineConfig, EngineDescriptor, hookimpl


class PolarsEngine(EngineConfig, frozen=True, tag="polars"):
    """Compute with Polars, on this machine.

    Args:
        streaming: Collect lazy frames in batches, so that less memory is needed; functions see no difference.

    Example:
        >>> PolarsEngine(streaming=True).kind
        'polars'
    """

    target: ClassVar[str] = "mlforge_polars.engine:LivePolarsEngine"

    streaming: bool = False


@hookimpl
def mlforge_engines() -> list[EngineDescriptor]:
    """The one engine."""
    return [
        EngineDescriptor(
            name="polars",
            summary="Fast feature building in memory on one machine.",
            api=1,
            config=PolarsEngine,
            frames=("polars.dataframe.frame.DataFrame", "polars.lazyframe.frame.LazyFrame"),
            reads=frozenset({"parquet", "csv", "arrow"}),
            writes=frozenset({"parquet"}),
            schemes=frozenset({"file", "s3", "gs"}),
            aggregations=PARTS,
        )
    ]
