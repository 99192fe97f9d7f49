"""The Spark engine: what each verb of the contract is in Spark's columns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Conformed, Engine, Extent, Join, Scan
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.targets import need_format
from mlforge.plugin.layout import UNREAD
from mlforge_spark import (
    apply,
    asof,
    buckets,
    deriving,
    direct,
    exchange,
    files,
    keys,
    layers,
    measuring,
    narrowing,
    rows,
    sources,
    windows,
)
from mlforge_spark.edge import BROKEN, edge, in_session, reason_of, told
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import Quiet, frame_types, session_of
from mlforge_spark.types import column, schema_of, words_of

TYPES = "Look at the types of the columns."
_LOOK = "Look at the function that made it."


class LiveSparkEngine(Engine):
    """Computes with Spark, as late as it can. Frames are `pyspark.sql.DataFrame`, classic or Connect's."""

    def __init__(self, config: SparkEngine) -> None:
        self.config = config
        self._scans: list[Scan] = []
        self._held: list[DataFrame] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._written: tuple[DataFrame, Target] | None = None
        self._quiet = Quiet()

    def __enter__(self) -> Self:
        self._quiet.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of what is held. The session stays: frames that were handed out are computed in it."""
        for frame in self._held:
            with _quietly():
                frame.unpersist()
        if self._folder is not None:
            self._folder.cleanup()
        self._quiet.end()

    @cached_property
    def session(self) -> SparkSession:
        """The session, found or made when it is first needed."""
        return session_of(self.config)

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="mlforge-spark-")
        return Path(tempfile.mkdtemp(dir=self._folder.name))

    def scan(self, scan: Scan) -> DataFrame:
        with edge(f"Source {scan.name!r} cannot be read", "See the cause."):
            frame = sources.open_source(scan, self.session, self._place, direct=self.config.direct)
        self._scans.append(scan)
        return frame

    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> DataFrame:
        with self._reading(artifact):
            return layers.read_version(artifact, self.session, columns)

    @staticmethod
    def _reading(artifact: Artifact) -> AbstractContextManager[None]:
        what = f"{artifact.meta.name!r} {artifact.meta.version} cannot be read"
        return edge(what, UNREAD, PluginFailed, also=(pa.ArrowException,))

    def write(self, frame: DataFrame, target: Target) -> Written:
        need_format(target, ["parquet", "delta", "iceberg"] if "://" in target.uri else ["parquet"], "The Spark engine")
        hint = buckets.RIGHTS if buckets.is_in_bucket(target.uri) else "See the cause."
        with edge(f"{target.name!r} cannot be written to {target.uri}", hint, PluginFailed):
            written = files.write(frame, target)
        self._written = frame, target
        return written

    def writes(self, target: Target) -> bool:
        return self.config.direct and buckets.is_in_bucket(target.uri)

    def owns(self, frame: object) -> bool:
        return isinstance(frame, frame_types())

    def reaches(self, artifact: Artifact) -> bool:
        if all("://" not in uri or uri.startswith(("file://", "table://")) for uri in artifact.uris):
            return True
        return self.config.direct and direct.reaches(artifact)

    def verifies(self, artifact: Artifact) -> bool:
        with self._reading(artifact):
            return direct.verify(artifact, self.session)

    def schema(self, frame: DataFrame) -> Schema:
        with self._computing():
            return schema_of(frame)

    def rows(self, frame: DataFrame, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        with self._computing():
            yield from exchange.rows(frame, size)

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> DataFrame:
        types = pa.schema([(c.name, exchange.arrow_of(c.dtype)) for c in schema])
        hint = f"The schema: {', '.join(f'{c.name} {c.dtype}' for c in schema)}."
        also = (TypeError, ValueError, OverflowError, AttributeError, pa.ArrowException)
        with edge("The rows do not fit their schema", hint, also=also):
            return exchange.from_arrow(pa.Table.from_pylist(list(rows), types), self.session)

    def to_arrow(self, frame: DataFrame) -> ArrowStream:
        with self._computing():
            return ArrowStream(exchange.to_arrow(frame))

    def from_arrow(self, stream: ArrowStream) -> DataFrame:
        hint = "Convert columns of exotic types first."
        with stream, edge("The Arrow stream cannot be read", hint, also=(pa.ArrowException, ValueError)):
            return exchange.from_arrow(pa.table(stream), self.session)

    def apply(self, function: Callable[..., Any], frame: DataFrame) -> DataFrame:
        return apply.call(function, frame)  # type: ignore[no-any-return]

    def persist(self, frame: DataFrame) -> DataFrame:
        with self._computing():
            held = self._hold(frame)
            held.count()
        return held

    def _hold(self, frame: DataFrame) -> DataFrame:
        """The frame, kept from when it is computed until the engine is closed; what the user keeps is not let go of."""
        kept = frame.storageLevel
        if not (kept.useMemory or kept.useDisk or kept.useOffHeap):
            self._held.append(frame.persist())
        return frame

    def conform(self, frame: DataFrame, shape: Shape) -> Conformed:
        with self._computing("The rows cannot be computed", "Look at the function that made them."):
            return rows.conform(frame, shape, self._hold)

    def with_surrogates(self, frame: DataFrame, keys_: Sequence[Key]) -> DataFrame:
        with edge("The surrogate keys cannot be made", "Look at the columns they are made of."):
            return keys.with_surrogates(frame, keys_)

    def where(self, frame: DataFrame, condition: Expr, timestamp: Timestamp | None = None) -> DataFrame:
        with edge("The rows cannot be chosen", TYPES):
            return narrowing.where(frame, condition, timestamp)

    def within(self, frame: DataFrame, timestamp: Timestamp, span: Span) -> DataFrame:
        with edge("The rows cannot be told by their time", "Look at the type of the timestamp."):
            return narrowing.within(frame, timestamp, span)

    def extent(self, frame: DataFrame, timestamp: Timestamp | None) -> Extent:
        with self._computing():
            return narrowing.extent(frame, timestamp)

    def semi_join(self, frame: DataFrame, others: Sequence[DataFrame], columns: Sequence[str]) -> DataFrame:
        with edge("The rows cannot be matched", TYPES):
            return rows.matching(frame, others, columns, absent=False)

    def anti_join(self, frame: DataFrame, others: Sequence[DataFrame], columns: Sequence[str]) -> DataFrame:
        with edge("The rows cannot be matched", TYPES):
            return rows.matching(frame, others, columns, absent=True)

    def settle(self, frame: DataFrame, shape: Shape) -> DataFrame:
        with edge("The rows cannot be sorted by their keys", "Look at the types of the keys."):
            return rows.settle(frame, shape)

    def derive(self, frame: DataFrame, columns: Mapping[str, Expr], at: Timestamp | None = None) -> DataFrame:
        with edge("The columns cannot be derived", TYPES):
            return deriving.derived(frame, columns, at)

    def select(self, frame: DataFrame, columns: Sequence[str]) -> DataFrame:
        need_columns(columns, frame.columns, "The frame")
        with edge("The columns cannot be chosen", TYPES):
            return frame.select(*map(column, columns))

    def measure(self, frame: DataFrame, ask: Measuring) -> Quality:
        with self._computing():
            read = self._as_written(frame)
            return measuring.measured(read, ask, is_file=read is not frame)

    def _as_written(self, frame: DataFrame) -> DataFrame:
        """The frame; what was written of it last is not computed again, but read."""
        if self._written is None or self._written[0] is not frame or not files.is_there(self._written[1]):
            return frame
        target = self._written[1]
        return layers.read_written([target.uri], words_of(frame), self.session, target.options)

    def aggregate(self, frame: DataFrame, shape: Shape, plan: WindowPlan) -> DataFrame:
        with edge("The windows cannot be computed", TYPES):
            return windows.change_points(frame, shape, plan)

    def asof(self, spine: DataFrame, timestamp: Timestamp | None, joins: Sequence[Join]) -> DataFrame:
        with edge("The point-in-time join cannot be computed", "Look at the types of keys and times."):
            return asof.joined(spine, timestamp, joins)

    def horizon(self, artifact: Artifact, as_of: int, until: int) -> DataFrame:
        with self._reading(artifact):
            return asof.horizon(artifact, as_of, until, self.session)

    @contextmanager
    def _computing(self, what: str = "The frame cannot be computed", hint: str = _LOOK) -> Iterator[None]:
        """Raise for a frame that cannot be computed: the file that makes it fail, or else what Spark says."""
        try:
            with in_session(what):
                yield
        except MlforgeError:
            raise
        except BROKEN as error:
            raise self._blamed(error, what, hint) from error

    def _blamed(self, error: BaseException, what: str, hint: str) -> MlforgeError:
        if known := told(what, error):
            return known
        for scan in reversed(self._scans):
            if blamed := sources.blame(scan):
                return blamed
        return Invalid(f"{what}: {reason_of(error)}", hint=hint)


@contextmanager
def _quietly() -> Iterator[None]:
    """What is held in a session that was stopped is gone already."""
    try:
        yield
    except (*BROKEN, OSError):
        return
