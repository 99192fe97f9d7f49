"""The reference engine: the meaning of every value in plain Python, slow and obviously right.

Engines are held to this one, never to each other. Its frames are `Table`: a schema and a list of dicts. It keeps JSON
lines and reads CSV. No entry point announces it; open it with `ReferenceEngine().open()`.
"""

from __future__ import annotations

from typing import ClassVar

from mlforge.model.aggregation import PARTS
from mlforge.plugin import API_VERSION, EngineConfig, EngineDescriptor, Lack
from mlforge.testing.reference.table import Table


class ReferenceEngine(EngineConfig, frozen=True, tag="reference"):
    """The engine that the others are compared with.

    Example:
        >>> from mlforge.model.schema import Schema
        >>> with ReferenceEngine().open() as engine:
        ...     frame = engine.from_rows([{"user": 1}], Schema.of(user="Int64"))
        ...     list(engine.rows(frame))
        [[{'user': 1}]]
    """

    target: ClassVar[str] = "mlforge.testing.reference.engine:Reference"


DESCRIPTOR = EngineDescriptor(
    name="reference",
    summary="Plain Python, slow and obviously right",
    api=API_VERSION,
    config=ReferenceEngine,
    frames=("mlforge.testing.reference.table.Table",),
    reads=frozenset({"csv", "jsonl", "arrow"}),
    writes=frozenset({"jsonl"}),
    aggregations=PARTS,
    lacks={"parquet": Lack("never", "It reads nothing that plain Python does not.")},
)

__all__ = ["DESCRIPTOR", "ReferenceEngine", "Table"]
