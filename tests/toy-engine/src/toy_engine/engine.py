"""The engine: what the fourteen methods are in pyarrow, and a fifteenth; the others follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from mlforge.errors import PluginFailed
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Conformed, Engine, Join, Scan
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.edge import Edge
from mlforge.plugin.engine.expressions import condition as typed_condition
from mlforge.plugin.engine.targets import need_format
from mlforge.plugin.layout import UNREAD
from toy_engine import asof, files, rows, windows
from toy_engine.expressions import evaluate
from toy_engine.plugin import ToyEngine
from toy_engine.times import instants
from toy_engine.types import dtype_of, plain_table, schema_of, words_of

edge = Edge((pa.ArrowException, OverflowError))
TYPES = "Look at the types of the columns."


class LiveToyEngine(Engine):
    """Computes with pyarrow. Its frames are `pa.Table`."""

    def __init__(self, config: ToyEngine) -> None:
        self.config = config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def scan(self, scan: Scan) -> pa.Table:
        return files.scan(scan)

    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> pa.Table:
        name = f"{artifact.meta.name!r} {artifact.meta.version}"
        with edge(f"{name} cannot be read", UNREAD, PluginFailed):
            return files.read_version(artifact, columns)

    def write(self, frame: pa.Table, target: Target) -> Written:
        need_format(target, ["parquet"], "The toy engine")
        with edge(f"{target.name!r} cannot be written to {target.uri}", "See the cause.", PluginFailed):
            return Written(files.write(plain_table(frame), target.uri))

    def schema(self, frame: pa.Table) -> Schema:
        return schema_of(frame.schema)

    def rows(self, frame: pa.Table, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, frame.num_rows, size):
            hint = "Python's times end with the year 9999."
            with edge("The rows cannot be made Python objects", hint, also=(ValueError,)):
                batch = plain_table(frame.slice(start, size)).to_pylist()
            yield batch

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> pa.Table:
        types = pa.schema([(c.name, dtype_of(c.dtype)) for c in schema])
        hint = f"The schema: {', '.join(f'{c.name} {c.dtype}' for c in schema)}."
        with edge("The rows do not fit their schema", hint, also=(TypeError, ValueError)):
            return pa.Table.from_pylist(list(rows), types)

    def to_arrow(self, frame: pa.Table) -> ArrowStream:
        return ArrowStream(plain_table(frame))

    def from_arrow(self, stream: ArrowStream) -> pa.Table:
        with stream, edge("The Arrow stream cannot be read", "Convert columns of exotic types first."):
            return pa.table(stream)

    def persist(self, frame: pa.Table) -> pa.Table:
        return frame  # and not around through `to_arrow`, which gives all times a zone

    def conform(self, frame: pa.Table, shape: Shape) -> Conformed:
        with edge("The rows cannot be held", TYPES):
            return rows.conform(frame, shape)

    def where(self, frame: pa.Table, condition: Expr, timestamp: Timestamp | None = None) -> pa.Table:
        with edge("The rows cannot be chosen", TYPES):
            seen = frame
            if timestamp is not None:
                name = timestamp.column
                need_columns([name], frame.column_names, "The frame")
                seen = frame.set_column(frame.column_names.index(name), name, instants(frame[name], timestamp))
            return frame.filter(evaluate(typed_condition(condition, words_of(seen.schema)), seen))

    def with_surrogates(self, frame: pa.Table, keys: Sequence[Key]) -> pa.Table:
        with edge("The surrogate keys cannot be made", "Look at the columns they are made of."):
            return rows.with_surrogates(frame, keys)

    def anti_join(self, frame: pa.Table, others: Sequence[pa.Table], columns: Sequence[str]) -> pa.Table:
        with edge("The rows cannot be matched", TYPES):
            return rows.anti_join(frame, others, columns)

    def settle(self, frame: pa.Table, shape: Shape) -> pa.Table:
        with edge("The rows cannot be sorted by their keys", TYPES):
            return rows.settle(frame, shape)

    def aggregate(self, frame: pa.Table, shape: Shape, plan: WindowPlan) -> pa.Table:
        with edge("The windows cannot be computed", TYPES):
            return windows.change_points(frame, shape, plan)

    def asof(self, spine: pa.Table, timestamp: Timestamp | None, joins: Sequence[Join]) -> pa.Table:
        with edge("The point-in-time join cannot be computed", TYPES):
            return asof.joined(spine, timestamp, joins)
