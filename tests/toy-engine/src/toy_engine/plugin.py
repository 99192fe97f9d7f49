"""What the engine is: announced without importing pyarrow."""

from __future__ import annotations

from typing import ClassVar

from mlforge.model.aggregation import PARTS
from mlforge.plugin import EngineConfig, EngineDescriptor, Lack, hookimpl


class ToyEngine(EngineConfig, frozen=True, tag="toy-engine"):
    """Computes with pyarrow and NumPy, all in memory."""

    target: ClassVar[str] = "toy_engine.engine:LiveToyEngine"


@hookimpl
def mlforge_engines() -> list[EngineDescriptor]:
    """The one engine."""
    return [
        EngineDescriptor(
            name="toy-engine",
            summary="pyarrow tables, in about 800 lines",
            api=1,
            config=ToyEngine,
            frames=("pyarrow.lib.Table",),
            reads=frozenset({"parquet", "csv"}),
            writes=frozenset({"parquet"}),
            aggregations=PARTS,
            lacks={"delta": Lack("never", "pyarrow does not read Delta tables; convert them to Parquet.")},
        )
    ]
