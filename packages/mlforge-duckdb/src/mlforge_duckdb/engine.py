"""The DuckDB engine: what each verb of the contract is, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Conformed, Engine, Extent, Frame, Join, Scan
from mlforge.plugin.engine.aggregations import windowed
from mlforge.plugin.engine.columns import need_columns, need_values
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.keys import check_key, derivable, need_result
from mlforge.plugin.engine.rows import duplicates, in_order, need_stamp, ranking, settled_columns
from mlforge.plugin.engine.targets import need_format
from mlforge.plugin.engine.times import alias_taken, null_times
from mlforge.plugin.layout import UNREAD
from mlforge_csv import dtype_of, frame_of
from mlforge_duckdb import (
    apply,
    deriving,
    exchange,
    files,
    joins,
    keys,
    layers,
    measuring,
    narrowing,
    sources,
    times,
    windows,
)
from mlforge_duckdb.apply import Kind
from mlforge_duckdb.compile import compile_checks, words_of
from mlforge_duckdb.edge import BROKEN, edge, is_beyond
from mlforge_duckdb.interrupts import heeds_interrupts
from mlforge_duckdb.late import LateRows
from mlforge_duckdb.plugin import DuckDBEngine
from mlforge_duckdb.session import Session, asked
from mlforge_duckdb.types import Type, has_durations, is_a_length, plainly, quoted, schema_of, types_of, word

Relation = duckdb.DuckDBPyRelation

_BEYOND = "Python's times end with the year 9999: drop later ones in the function, or make them text."
_ROWS_AT_ONCE = 500_000  # in memory, on their way to Python
_LOOK = "Look at the function that made it."
_SAME = quoted("same of mlforge")  # a name of its own: the keys have any
_UNKNOWN = (ValueError, TypeError)  # what Polars raises for a type of Arrow that it does not know


@heeds_interrupts
class LiveDuckDBEngine(Engine):
    """Computes with DuckDB. Frames are relations of its own connection, and the Polars frames of functions."""

    def __init__(self, config: DuckDBEngine) -> None:
        self._session = Session(config)
        self._late = LateRows(self._session, sources.parquet)
        self._scans: list[Scan] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()
        exchange.forget_relations()

    def scan(self, scan: Scan) -> Relation:
        with edge(f"Source {scan.name!r} cannot be read", "See the cause."):
            rows = sources.open_source(scan, self._session, self._late)
        self._scans.append(scan)
        return rows

    def apply(self, function: Callable[..., Any], frame: Frame) -> Frame:
        kind, rows = apply.wanted(function), self._unread(frame)
        result = apply.call(function, rows if kind == "relation" else self._in_polars(rows, kind), rows.columns)
        if isinstance(result, Relation) and self._session.own(result) is None:
            raise apply.foreign(function)
        if not isinstance(result, Relation):
            self._late.leave()
        return result

    def defers(self, function: Callable[..., Any]) -> bool:
        return apply.wanted(function) == "relation"

    def schema(self, frame: Frame) -> Schema:
        return schema_of(types_of(self._unread(frame)))

    def with_surrogates(self, frame: Frame, keys_: Sequence[Key]) -> Frame:
        """A Polars frame stays one."""
        rows = self._derived(self._unread(frame), keys_)
        if isinstance(frame, Relation):
            return rows
        return self._polars(rows).lazy() if isinstance(frame, pl.LazyFrame) else self._polars(rows)

    def _derived(self, rows: Relation, keys_: Sequence[Key]) -> Relation:
        types = types_of(rows)
        made = [f"{keys.surrogate_key(k.sources, types)} AS {quoted(k.name)}" for k in derivable(types, keys_)]
        return rows.project(", ".join(["*", *made])) if made else rows

    def conform(self, frame: Frame, shape: Shape) -> Conformed:
        rows = self._derived(self._unread(frame), shape.keys)
        types = types_of(rows)
        _need_columns(types, shape)
        with self._computing():
            held = self._late.compute(rows, lambda rows: self._held(rows, types, shape))
            nulls = " OR ".join(f"{quoted(k)} IS NULL" for k in shape.key_names) or "false"
            stamp = f"epoch_us({quoted(shape.stamp)})" if shape.stamp else "0"
            facts = f"count(*) - count({stamp}), min({stamp}), max({stamp})"
            count, null_keys, beyond, late, *ends = _row(
                held, f"SELECT count(*), count(*) FILTER (WHERE {nulls}), {_beyond(held)}, {facts} FROM frame"
            )
            if beyond or late:
                times.refuse_beyond(rows, {n: t for n, t in types.items() if times.is_time(t)})
                times.refuse_months(rows, {n: t for n, t in types.items() if has_durations(t)})
        if late and shape.timestamp:
            raise null_times(shape.timestamp.column, late, count)
        return Conformed(held, count, null_keys, *(ends if shape.stamp else ()))

    def persist(self, frame: Frame) -> Relation:
        with self._computing():
            return self._session.keep(self._relation(frame))

    def within(self, frame: Frame, timestamp: Timestamp, span: Span) -> Relation:
        rows = self._unread(frame)
        with edge("The rows cannot be told by their time", "Look at the type of the timestamp."):
            if not narrowing.looks(rows, timestamp):
                return narrowing.within(rows, timestamp, span)
            return self._late.compute(rows, lambda rows: narrowing.within(rows, timestamp, span))

    def semi_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> Relation:
        return self._matching(frame, others, columns, absent=False)

    def anti_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> Relation:
        return self._matching(frame, others, columns, absent=True)

    def _matching(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str], *, absent: bool) -> Relation:
        rows, found = self._relation(frame), [self._relation(o) for o in others]
        with self._computing():
            return narrowing.matching(rows, found, columns, self._session, absent=absent)

    def extent(self, frame: Frame, timestamp: Timestamp | None) -> Extent:
        rows = self._unread(frame)
        with self._computing():
            found = narrowing.extent(rows, timestamp)
        self._late.leave()
        return found

    def check(self, frame: Frame, checks: Sequence[Check], examples: int = 3) -> tuple[CheckResult, ...]:
        rows = self._relation(frame)
        columns = ", ".join(dict.fromkeys(c.column for c in checks))
        with edge(f"The checks of {columns} cannot be computed", "Look at the column's type."):
            return _checked(rows, checks, examples)

    def measure(self, frame: Frame, ask: Measuring) -> Quality:
        rows = self._relation(frame)
        with self._computing():
            if measuring.is_planned_longer(rows):
                return super().measure(rows, ask)
            if (file := self._session.file(rows)) is None:
                return measuring.measured(rows, ask)
            query = files.written([file], types_of(rows), self._session.connection)
            return measuring.measured(self._session.connection.sql(query), ask, file)

    def settle(self, frame: Frame, shape: Shape) -> Relation:
        rows = self._relation(frame)
        with edge("The rows cannot be sorted by their keys", "Look at the types of the keys."):
            return _settled(rows, shape, self._session)

    def aggregate(self, frame: Frame, shape: Shape, plan: WindowPlan) -> Relation:
        need_stamp(shape)
        rows = self._relation(frame)
        with edge("The windows cannot be computed", "Look at the types of the columns."):
            asked_for = windowed(plan, words_of(types_of(rows)), windows.CAST)
            return windows.change_points(rows, shape, plan, asked_for, self._session)

    def write(self, frame: Frame, target: Target) -> Written:
        need_format(target, ["parquet"], "The DuckDB engine")
        rows = self._relation(frame)
        with edge(f"{target.name!r} cannot be written to {target.uri}", "See the cause."):
            if (parts := self._session.files(rows)) and "://" not in target.uri:
                count = files.join_files(parts, Path(target.uri))
                self._session.remember_file(rows, Path(target.uri))
                return Written(count)
            (count,) = _row(rows, files.copying("FROM frame", types_of(rows), target.uri))
        return Written(count)

    def asof(self, spine: Frame, timestamp: Timestamp | None, joins_: Sequence[Join]) -> Relation:
        rows = self._relation(spine)
        with edge("The point-in-time join cannot be computed", "Look at the types of keys and times."):
            return joins.joined(rows, timestamp, joins_, self._session)

    def horizon(self, artifact: Artifact, as_of: int, until: int) -> Relation:
        with _reading(artifact):
            rows = layers.artifact_rows(artifact, self._session.connection)
            name = self._session.make(_valid(rows, artifact, as_of, until) if artifact.meta.timestamp else rows)
            return self._session.lent(f"FROM {name}", name)

    def where(self, frame: Frame, condition: Expr, timestamp: Timestamp | None = None) -> Relation:
        rows = self._relation(frame)
        with edge("The rows cannot be chosen", "Look at the types of the columns."):
            return narrowing.where(rows, condition, timestamp)

    def derive(self, frame: Frame, columns: Mapping[str, Expr], at: Timestamp | None = None) -> Relation:
        rows = self._relation(frame)
        with edge("The columns cannot be derived", "Look at the types of the columns."):
            return deriving.derived(rows, columns, at, self._session)

    def select(self, frame: Frame, columns: Sequence[str]) -> Relation:
        rows = self._unread(frame)
        need_columns(columns, rows.columns, "The frame")
        return rows.project(", ".join(map(quoted, columns)))

    def read_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Relation:
        """The rows, on a connection that lives as long as they do."""
        with _reading(artifact):
            connection = duckdb.connect(":memory:")
            connection.execute("SET TimeZone = 'UTC'")
            return _stored(artifact, columns, connection)

    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Relation:
        with _reading(artifact):
            return _stored(artifact, columns, self._session.connection)

    def rows(self, frame: Frame, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        rows = self._relation(frame)
        columns = ", ".join(f"{plainly(n, t)} AS {quoted(n)}" for n, t in types_of(rows).items())
        at, step = 0, size  # the first few alone: often nobody asks for more
        while True:
            page = self._polars(asked(rows, f"SELECT {columns} FROM frame LIMIT {step} OFFSET {at}"))
            for batch in page.iter_slices(size):
                with edge("The rows cannot be made Python objects", _BEYOND, also=(ValueError, OverflowError)):
                    made = batch.to_dicts()
                yield made
            if page.height < step:
                return
            at, step = at + step, max(1, _ROWS_AT_ONCE // size) * size

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> Relation:
        types = {c.name: dtype_of(c.dtype) for c in schema}
        hint = f"The schema: {', '.join(f'{c.name} {c.dtype}' for c in schema)}."
        with edge("The rows do not fit their schema", hint, also=(TypeError, ValueError, OverflowError)):
            return self._relation(pl.DataFrame([dict(row) for row in rows], schema=types, orient="row"))

    def to_arrow(self, frame: Frame) -> ArrowStream:
        return ArrowStream(self._polars(self._relation(frame)))

    def from_arrow(self, stream: ArrowStream) -> Relation:
        with stream, edge("The Arrow stream cannot be read", "Convert columns of exotic types first.", also=_UNKNOWN):
            return self._relation(frame_of(stream))

    def owns(self, frame: object) -> bool:
        return isinstance(frame, Relation)

    def _relation(self, frame: Relation | pl.DataFrame | pl.LazyFrame) -> Relation:
        """A frame as a relation of what has been read: no verb after it asks a table or a database again."""
        self._late.read_all()
        return self._unread(frame)

    def _unread(self, frame: Relation | pl.DataFrame | pl.LazyFrame) -> Relation:
        if isinstance(frame, Relation):
            return frame
        return exchange.from_polars(frame.lazy().collect(), self._session)

    def _polars(self, rows: Relation) -> pl.DataFrame:
        with self._computing():
            return exchange.to_polars(rows)

    def _in_polars(self, rows: Relation, kind: Kind) -> pl.DataFrame | pl.LazyFrame:
        frame = self._polars(rows)
        return frame.lazy() if kind == "LazyFrame" else frame

    def _held(self, rows: Relation, types: dict[str, Type], shape: Shape) -> Relation:
        """The rows under the contract's names, types and order of columns."""
        time = shape.timestamp
        columns = {n: plainly(n, t) for n, t in types.items()}
        if time and word(types[time.column], time.column) == "String":
            rows = self._session.keep(rows)
        if time:
            micros = times.instants(rows, types[time.column], time)
            del columns[time.column]
            columns[time.name] = f"make_timestamptz({micros})"
        ordered = (f"{columns[n]} AS {quoted(n)}" for n in in_order(columns, shape))
        return self._session.keep(rows, f"SELECT {', '.join(ordered)} FROM frame")

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Raise for a frame that cannot be computed: the file that makes it fail, or else what DuckDB says."""
        try:
            yield
        except MlforgeError:
            raise
        except BROKEN as error:
            known = None if is_beyond(error) else edge.known("The frame cannot be computed", error)
            raise known or self._blamed(error) from error

    def _blamed(self, error: BaseException) -> MlforgeError:
        for scan in reversed(self._scans):
            if isinstance(error, duckdb.Error) and (blamed := sources.blame(scan, self._session)):
                return blamed
        what = "The frame cannot be computed"
        return edge.known(what, error) or Invalid(f"{what}: {type(error).__name__}: {reason(error)}", hint=_LOOK)


def _row(rows: Relation, query: str) -> tuple[Any, ...]:
    found: list[tuple[Any, ...]] = asked(rows, query).fetchall()
    return found[0]


def _beyond(held: Relation) -> str:
    """How many rows have a time outside the years 1 to 9999, or a duration of months, in SQL."""
    kinds = types_of(held).items()
    right = [times.in_range(quoted(n), t) for n, t in kinds if times.is_time(t)]
    right += [is_a_length(quoted(n), t) for n, t in kinds if has_durations(t)]
    return f"count(*) FILTER (WHERE NOT ({' AND '.join(f'coalesce({one}, true)' for one in right) or 'true'}))"


def _need_columns(types: Mapping[str, Type], shape: Shape) -> None:
    """Raise `Invalid` for a missing key or timestamp, for a key that cannot be one, for a name that is taken."""
    time = shape.timestamp
    need_result(types, shape)
    for name in shape.key_names:
        check_key(name, word(types[name], name), types[name])
    for name, dtype in types.items():
        if not time or name != time.column:
            word(dtype, name)
    if time and time.name != time.column and time.name in types:
        raise alias_taken(time)


def _checked(rows: Relation, checks: Sequence[Check], examples: int) -> tuple[CheckResult, ...]:
    types = types_of(rows)
    broken = compile_checks(checks, types)
    if not checks:
        return ()
    flagged = f"SELECT {', '.join(f'{b} AS b{i}' for i, b in enumerate(broken))} FROM frame"
    counts = ", ".join(f"count(*) FILTER (WHERE b{i})" for i in range(len(checks)))
    total, *failures = _row(rows, f"SELECT count(*), {counts} FROM ({flagged})")
    return tuple(
        CheckResult(c.column, c.name, c.label, total, n, _examples(rows, c.column, types, b, examples) if n else ())
        for c, n, b in zip(checks, failures, broken, strict=True)
    )


def _examples(rows: Relation, column: str, types: Mapping[str, Type], broken: str, number: int) -> tuple[Any, ...]:
    """The first few values of a column that break a promise."""
    flagged = f"SELECT {plainly(column, types[column])} AS v, {broken} AS b, row_number() OVER () AS i FROM frame"
    found = asked(rows, f"SELECT v FROM ({flagged}) WHERE b ORDER BY i LIMIT {number}")
    return tuple(exchange.to_polars(found)["v"])


def _settled(rows: Relation, shape: Shape, session: Session) -> Relation:
    identity, decisive = _listed(shape.identity), ranking(rows.columns, shape)
    columns = _listed(settled_columns(rows.columns, shape))
    known = " AND ".join(f"{quoted(k)} IS NOT NULL" for k in shape.key_names)
    if not decisive:
        _refuse_duplicates(rows, identity, known)
        return session.keep(rows, f"SELECT {columns} FROM frame WHERE {known} ORDER BY {identity}")
    types = types_of(rows)
    by = [f"{_ranked(quoted(name), types[name])} DESC NULLS LAST" for name in decisive]
    wins = f"rank() OVER (PARTITION BY {identity} ORDER BY {by[0]}) = 1"
    best = session.store(rows, f"SELECT * FROM frame WHERE {known} QUALIFY {wins} ORDER BY {identity}")
    distinct = f"(SELECT count(*) FROM (SELECT DISTINCT {identity} FROM {best}))"
    if not session.value(f"SELECT count(*) - {distinct} FROM {best}"):
        return session.lent(f"SELECT {columns} FROM {best}", best)
    first = f"row_number() OVER (PARTITION BY {identity} ORDER BY {', '.join(by)}) = 1"
    settled = session.make(f"SELECT {columns} FROM {best} QUALIFY {first} ORDER BY {identity}")
    session.drop(best)
    return session.lent(f"FROM {settled}", settled)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def _ranked(column: str, dtype: Type) -> str:
    """A column as it is compared: DuckDB itself puts a null in a list above all."""
    if dtype.id not in ("list", "array"):
        return column
    element = _ranked("x", dtype.children[0][1])
    return f"list_transform({column}, lambda x: {{'known': x IS NOT NULL, 'value': {element}}})"


def _refuse_duplicates(rows: Relation, identity: str, known: str) -> None:
    groups = f"SELECT {identity}, count(*) AS {_SAME} FROM frame WHERE {known} GROUP BY {identity} HAVING count(*) > 1"
    total, count = _row(rows, f"SELECT coalesce(sum({_SAME}), 0), count(*) FROM ({groups})")
    if count:
        first = asked(rows, f"SELECT {identity} FROM ({groups}) ORDER BY ALL LIMIT 3")
        raise duplicates(total, exchange.to_polars(first).to_dicts())


@contextmanager
def _reading(artifact: Artifact) -> Iterator[None]:
    with edge(f"{artifact.meta.name!r} {artifact.meta.version} cannot be read", UNREAD, PluginFailed):
        yield


def _stored(artifact: Artifact, columns: Sequence[str] | None, connection: duckdb.DuckDBPyConnection) -> Relation:
    rows = connection.sql(layers.artifact_rows(artifact, connection))
    if columns is None:
        return rows
    need_values(columns, rows.columns, artifact.meta)
    return rows.project(_listed(columns))


def _valid(rows: str, artifact: Artifact, as_of: int, until: int) -> str:
    """The rows valid at `as_of` or stamped after it, up to `until`."""
    names = ", ".join(map(quoted, artifact.meta.entity_keys))
    stamp = f"epoch_us({quoted(artifact.meta.timestamp or '')})"
    following = f"lead({stamp}) OVER (PARTITION BY {names} ORDER BY {stamp})"
    valid = f"{stamp} > {as_of} OR coalesce({following} > {as_of}, true)"
    return f"SELECT * FROM ({rows}) WHERE {stamp} <= {until} QUALIFY {valid} ORDER BY {names}, {stamp}"
