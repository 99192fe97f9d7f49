"""The Polars engine: what each verb of the contract is, in Polars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self

import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, FeatureMeta, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Conformed, Engine, Extent, Frame, Join, Scan
from mlforge.plugin.engine.aggregations import overflow, too_many_digits, windowed
from mlforge.plugin.engine.columns import need_columns, need_values
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.expressions import condition as typed_condition
from mlforge.plugin.engine.keys import check_key, need_result
from mlforge.plugin.engine.rows import duplicates, in_order, need_stamp, ranking, settled_columns
from mlforge.plugin.engine.targets import need_format
from mlforge.plugin.engine.times import LAST, alias_taken
from mlforge.plugin.engine.types import is_decimal
from mlforge.plugin.layout import UNREAD
from mlforge.plugin.temporary import TemporaryFolder
from mlforge_csv import dtype_of, frame_of
from mlforge_polars import apply, deriving, keys, layers, measuring, narrowing, sources, times, windows
from mlforge_polars.aggs import SumOverflow
from mlforge_polars.compile import compile_checks, compiled, words_of
from mlforge_polars.edge import edge
from mlforge_polars.export import Export
from mlforge_polars.joins import joined
from mlforge_polars.plugin import PolarsEngine
from mlforge_polars.shown import BEYOND, shown
from mlforge_polars.types import INSTANT, plain, plainly, schema_of, word

_ROW_GROUP = 250_000  # rows: small enough that a reader skips most of a file, large enough to compress


class LivePolarsEngine(Engine):
    """Computes with Polars. Frames are `pl.DataFrame` and `pl.LazyFrame`; what is held is a `pl.DataFrame`."""

    def __init__(self, config: PolarsEngine) -> None:
        self._config = config
        self._scans: list[Scan] = []
        self._folder: TemporaryFolder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._scans.clear()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def scan(self, scan: Scan) -> pl.LazyFrame:
        rows = sources.open_source(scan, self._place)
        self._scans.append(scan)
        return rows

    def _place(self) -> Path:
        """A new folder for files that are brought here, which goes with the engine."""
        if self._folder is None:
            self._folder = TemporaryFolder("polars")
        return Path(mkdtemp(dir=self._folder.path))

    def apply(self, function: Callable[..., Any], frame: Frame) -> Frame:
        given = frame.lazy() if apply.wants_lazy(function) else self._collect(frame)
        return apply.call(function, given)

    def defers(self, function: Callable[..., Any]) -> bool:
        return apply.wants_lazy(function)

    def schema(self, frame: Frame) -> Schema:
        with edge("The frame has no schema", "Look at the function's last steps."):
            return schema_of(frame.collect_schema())

    def with_surrogates(self, frame: Frame, keys_: Sequence[Key]) -> Frame:
        if not any(k.sources for k in keys_):
            return frame  # not computed yet, so that the function may still say what it needs
        rows = self._collect(frame)
        with edge("The surrogate keys cannot be made", "Look at the columns they are made of."):
            return keys.derive(rows, keys_)

    def conform(self, frame: Frame, shape: Shape) -> Conformed:
        rows = self._collect(frame)
        with edge("The rows cannot be held", "Look at the types of the columns."):
            held = _held(rows, shape)
            ends = narrowing.ends(held[shape.stamp]) if shape.stamp else (None, None)
            return Conformed(held, held.height, held.height - _keyed(held, shape).height, *ends)

    def persist(self, frame: Frame) -> pl.DataFrame:
        return self._collect(frame)

    def within(self, frame: Frame, timestamp: Timestamp, span: Span) -> Frame:
        with edge("The rows cannot be told by their time", "Look at the type of the timestamp."):
            return narrowing.within(frame, timestamp, span, self._collect)

    def semi_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> pl.DataFrame:
        return self._matching(frame, others, columns, absent=False)

    def anti_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> pl.DataFrame:
        return self._matching(frame, others, columns, absent=True)

    def _matching(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str], *, absent: bool) -> pl.DataFrame:
        rows, found = self._collect(frame), [self._collect(o).select(columns) for o in others]
        with edge("The rows cannot be matched", "Look at the types of the keys."):
            return narrowing.matching(rows, found, columns, absent=absent)

    def extent(self, frame: Frame, timestamp: Timestamp | None) -> Extent:
        rows = self._collect(frame)
        with edge("The rows cannot be counted", "Look at the type of the timestamp."):
            return narrowing.extent(rows, timestamp)

    def check(self, frame: Frame, checks: Sequence[Check], examples: int = 3) -> tuple[CheckResult, ...]:
        rows = self._collect(frame)
        with edge(f"The checks of {_names(c.column for c in checks)} cannot be computed", "Look at the column's type."):
            found = rows.lazy().select(compile_checks(checks, rows.schema, examples)).collect()
        return tuple(
            CheckResult(c.column, c.name, c.label, rows.height, found[f"n{i}"][0], tuple(shown(found[f"e{i}"][0])))
            for i, c in enumerate(checks)
        )

    def measure(self, frame: Frame, ask: Measuring) -> Quality:
        rows = self._collect(frame)
        with edge("The columns cannot be measured", "Look at the types of the columns."):
            return measuring.measured(rows, ask)

    def settle(self, frame: Frame, shape: Shape) -> pl.DataFrame:
        rows = self._collect(frame)
        with edge("The rows cannot be sorted by their keys", "Look at the types of the keys."):
            return _settled(_keyed(rows, shape), shape)

    def aggregate(self, frame: Frame, shape: Shape, plan: WindowPlan) -> pl.DataFrame:
        rows = _keyed(self._collect(frame), shape)
        with edge("The windows cannot be computed", "Look at the types of the columns."):
            return _aggregated(rows, shape, plan)

    def write(self, frame: Frame, target: Target) -> Written:
        need_format(target, ["parquet"], "The Polars engine")
        rows = self._collect(frame)
        with edge(f"{target.name!r} cannot be written to {target.uri}", _WRITING, PluginFailed):
            rows.write_parquet(
                target.uri,
                compression="zstd",
                compression_level=1,
                row_group_size=_ROW_GROUP,
                storage_options=target.options or None,
            )
        return Written(rows.height)

    def reaches(self, artifact: Artifact) -> bool:
        return all("://" not in uri or uri.startswith(_SCHEMES) for uri in artifact.uris)

    def asof(self, spine: Frame, timestamp: Timestamp | None, joins: Sequence[Join]) -> pl.DataFrame:
        rows = self._collect(spine)
        also = (TypeError, ValueError, OverflowError)
        with edge("The point-in-time join cannot be computed", "Look at the types of keys and times.", also=also):
            return joined(rows, timestamp, joins)

    def horizon(self, artifact: Artifact, as_of: int, until: int) -> pl.DataFrame:
        with _reading(artifact):
            rows = layers.open_artifact(artifact)
            return (_valid(rows, artifact.meta, as_of, until) if artifact.meta.timestamp else rows).collect()

    def where(self, frame: Frame, condition: Expr, timestamp: Timestamp | None = None) -> Frame:
        with edge("The rows cannot be chosen", "Look at the types of the columns."):
            if timestamp:
                return narrowing.where(self._collect(frame), condition, timestamp)
            schema = frame.collect_schema()
            return frame.filter(compiled(typed_condition(condition, words_of(schema)), schema))

    def derive(self, frame: Frame, columns: Mapping[str, Expr], at: Timestamp | None = None) -> pl.DataFrame:
        rows = self._collect(frame)
        with edge("The columns cannot be derived", "Look at the types of the columns."):
            return deriving.derived(rows, columns, at)

    def select(self, frame: Frame, columns: Sequence[str]) -> Frame:
        need_columns(columns, frame.collect_schema(), "The frame")
        return frame.select(columns)

    def read_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> pl.DataFrame:
        with _reading(artifact):
            return self.scan_version(artifact, columns).collect()

    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        with _reading(artifact):
            rows = layers.open_artifact(artifact)
            if columns is None:
                return rows
            need_values(columns, rows.collect_schema(), artifact.meta)
            return rows.select(columns)

    def rows(self, frame: Frame, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        rows = self._collect(frame)
        plain_rows = rows.select(plainly(n, t) for n, t in rows.schema.items())
        for batch in plain_rows.iter_slices(size):
            with edge("The rows cannot be made Python objects", _BEYOND, also=BEYOND):
                made = batch.to_dicts()
            yield made

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
        types = {c.name: dtype_of(c.dtype) for c in schema}
        hint = f"The schema: {_names(f'{c.name} {c.dtype}' for c in schema)}."
        with edge("The rows do not fit their schema", hint, also=(TypeError, ValueError, OverflowError)):
            return pl.DataFrame([dict(row) for row in rows], schema=types, orient="row")

    def to_arrow(self, frame: Frame) -> ArrowStream:
        return ArrowStream(Export(self._collect(frame)))

    def from_arrow(self, stream: ArrowStream) -> pl.DataFrame:
        with stream, edge("The Arrow stream cannot be read", "Convert columns of exotic types first.", also=_UNKNOWN):
            return frame_of(stream)

    def owns(self, frame: object) -> bool:
        return isinstance(frame, pl.DataFrame | pl.LazyFrame)

    def _collect(self, frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        if isinstance(frame, pl.DataFrame):
            return frame
        try:
            return frame.collect(engine="streaming" if self._config.streaming else "auto")
        except MlforgeError:
            raise
        except (Exception, pl.exceptions.PanicException) as error:
            raise self._blamed(frame, error) from error

    def _blamed(self, frame: pl.LazyFrame, error: BaseException) -> MlforgeError:
        """The file that made a lazy frame fail, or else what Polars says."""
        plan = frame.explain(optimized=False)
        for scan in (s for s in reversed(self._scans) if s.uris[0] in plan):
            if blamed := sources.blame(scan, error):
                return blamed
        kind = PluginFailed if isinstance(error, OSError) else Invalid
        return edge.known("The frame cannot be computed", error) or kind(
            f"The frame cannot be computed: {type(error).__name__}: {reason(error)}",
            hint="Look at the function that made it.",
        )


_CAST = 'pl.col("{}").cast(pl.Float64)'
_BEYOND = "Python's times end with the year 9999: drop later ones in the function, or make them text."
_SCHEMES = ("file://", "s3://", "gs://")
_UNKNOWN = (ValueError, TypeError)  # what Polars raises for a type of Arrow that it does not know
_WRITING = "See the cause: a full disk, a permission or the network."


def _names(names: Any) -> str:
    return ", ".join(dict.fromkeys(names))


def _keyed(rows: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    """The rows without those that have a null key."""
    if not any(rows[k].null_count() for k in shape.key_names):
        return rows
    return rows.drop_nulls(shape.key_names)


def _held(rows: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    """The rows under the contract's names, types and order of columns."""
    time = shape.timestamp
    rows = keys.derive(rows, shape.keys)
    need_result(rows.columns, shape)
    for name in shape.key_names:
        dtype = rows.schema[name]
        check_key(name, word(plain(dtype), name), dtype)
    if time:
        stamp = times.without_nulls(times.instants(rows[time.column], time))
        rows = _with_stamp(rows, time, stamp)
    schema = rows.schema
    for name, dtype in schema.items():
        word(dtype, name)
        times.in_range(rows[name])
    return rows.select(plainly(name, schema[name]) for name in in_order(schema, shape))


def _with_stamp(rows: pl.DataFrame, time: Timestamp, stamp: pl.Series) -> pl.DataFrame:
    if time.name != time.column and time.name in rows.columns:
        raise alias_taken(time)
    return rows.drop(time.column).with_columns(stamp.alias(time.name))


def _settled(rows: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    identity, decisive = list(shape.identity), ranking(rows.columns, shape)
    ordered = rows.sort([*identity, *decisive[:1]])
    beaten = ordered.select(_same_as_next(identity)).to_series()
    if beaten.any() and not decisive:
        raise _duplicates(ordered.filter(beaten).select(identity))
    if beaten.any():
        ordered = _fought_out(ordered, [*identity, decisive[0]], decisive[1:]).filter(~beaten)
    return ordered.select(settled_columns(ordered.columns, shape))


def _fought_out(ordered: pl.DataFrame, equal: Sequence[str], decisive: Sequence[str]) -> pl.DataFrame:
    """Sorted rows, of which those that are equal in what they are sorted by are sorted by what decides between them."""
    tied = ordered.select(pl.all_horizontal(pl.col(n).eq_missing(pl.col(n).shift(-1)) for n in equal)).to_series()
    tied = tied & (pl.int_range(1, ordered.height + 1, eager=True) < ordered.height)  # the last has no next
    among = (tied | tied.shift(1, fill_value=False)).arg_true()
    if among.is_empty():
        return ordered
    places = ordered[among].with_row_index("\0place").sort([*equal, *decisive])["\0place"]
    every = pl.int_range(ordered.height, dtype=pl.get_index_type(), eager=True)
    return ordered[every.scatter(among, among.gather(places))]


def _same_as_next(names: Sequence[str]) -> pl.Expr:
    """Whether the next row has the same values, none of which is null."""
    return pl.all_horizontal(pl.col(n) == pl.col(n).shift(-1) for n in names).fill_null(value=False)


def _duplicates(surplus: pl.DataFrame) -> Invalid:
    repeated = surplus.unique(maintain_order=True)
    values = zip(*(shown(column) for column in repeated.head(3)), strict=True)
    examples = [dict(zip(repeated.columns, row, strict=True)) for row in values]
    return duplicates(surplus.height + repeated.height, examples)


def _aggregated(rows: pl.DataFrame, shape: Shape, plan: WindowPlan) -> pl.DataFrame:
    stamp = need_stamp(shape)
    asked = windowed(plan, words_of(rows.schema), _CAST)
    inputs = {i.name: compiled(i.source, rows.schema) for i in asked.inputs}
    try:
        points = windows.change_points(rows, shape.key_names, stamp, plan.interval, inputs, asked.aggregates)
    except SumOverflow as error:
        refusal = too_many_digits if is_decimal(error.aggregate.word) else overflow
        raise refusal(asked.outputs_of([error.aggregate.name]), _CAST.format("amount")) from error
    except OverflowError as error:
        hint = "Drop the rows whose time is far off in the function."
        raise Invalid(f"The windows cannot be computed: {error}.", hint=hint) from error
    outputs = [compiled(o.source, points.schema).alias(o.name) for o in asked.outputs]
    askable = points[stamp].to_physical() <= LAST
    return (points if askable.all() else points.filter(askable)).select(*shape.identity, *outputs)


@contextmanager
def _reading(artifact: Artifact) -> Iterator[None]:
    meta = artifact.meta
    with edge(f"{meta.name!r} {meta.version} cannot be read", UNREAD, PluginFailed):
        yield


def _valid(rows: pl.LazyFrame, meta: FeatureMeta, as_of: int, until: int) -> pl.LazyFrame:
    """Of rows sorted by keys and stamp, those valid at `as_of` or stamped after it, up to `until`."""
    stamp = pl.col(meta.timestamp or "")
    same = _same_as_next(meta.entity_keys)
    later = pl.lit(as_of).cast(INSTANT)
    return rows.filter(stamp <= pl.lit(until).cast(INSTANT)).filter((stamp > later) | ~same | (stamp.shift(-1) > later))
