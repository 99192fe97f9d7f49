"""The reference as an engine: each method is a rule found in a file of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import msgspec

from mlforge.errors import Invalid, MlforgeError, Unsupported
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
from mlforge.plugin import ArrowStream, Conformed, Extent, Join, Scan
from mlforge.testing import arrow
from mlforge.testing.reference import expressions, files, joining, layering, measuring, narrowing, shaping, windows
from mlforge.testing.reference.table import Table, need_fitting
from mlforge.testing.reference.telling import about


class Reference:
    """The live reference engine."""

    def __init__(self, config: object = None) -> None:
        self.config = config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def scan(self, scan: Scan) -> Table:
        if scan.rows is not None:
            parts = [self.from_arrow(ArrowStream(batch)) for batch in scan.rows.batches(None, scan.narrow)]
            return files.concat([self.from_arrow(ArrowStream(scan.rows.empty())), *parts])
        return files.scan(scan)

    def apply(self, function: Callable[..., Any], frame: Table) -> Table:
        refuse_strangers(function)
        try:
            result = function(frame)
        except MlforgeError:
            raise
        except Exception as error:
            raise Invalid(f"{function.__name__!r} raised {error!r}.", hint="Mend the function.") from error
        if not isinstance(result, Table):
            raise Invalid(f"{function.__name__!r} returned a {type(result).__name__}.", hint="Return a frame.")
        return result

    def schema(self, frame: Table) -> Schema:
        return frame.schema

    def with_surrogates(self, frame: Table, keys: Sequence[Key]) -> Table:
        return shaping.with_surrogates(frame, keys)

    def conform(self, frame: Table, shape: Shape) -> Conformed:
        return shaping.conform(frame, shape)

    def defers(self, function: Callable[..., Any]) -> bool:
        return False

    def persist(self, frame: Table) -> Table:
        return frame

    def within(self, frame: Table, timestamp: Timestamp, span: Span) -> Table:
        return narrowing.within(frame, timestamp, span)

    def semi_join(self, frame: Table, others: Sequence[Table], columns: Sequence[str]) -> Table:
        return narrowing.matching(frame, others, columns, absent=False)

    def anti_join(self, frame: Table, others: Sequence[Table], columns: Sequence[str]) -> Table:
        return narrowing.matching(frame, others, columns, absent=True)

    def extent(self, frame: Table, timestamp: Timestamp | None) -> Extent:
        return narrowing.extent(frame, timestamp)

    def check(self, frame: Table, checks: Sequence[Check], examples: int = 3) -> tuple[CheckResult, ...]:
        return tuple(check(frame, c, examples) for c in checks)

    def measure(self, frame: Table, ask: Measuring) -> Quality:
        return measuring.measure(frame, ask)

    def settle(self, frame: Table, shape: Shape) -> Table:
        return shaping.settle(frame, shape)

    def aggregate(self, frame: Table, shape: Shape, plan: WindowPlan) -> Table:
        return windows.aggregate(frame, shape, plan)

    def write(self, frame: Table, target: Target) -> Written:
        if target.format != "jsonl":
            raise Unsupported(f"The reference engine does not write {target.format}.", hint="Ask for jsonl.")
        with about(f"{target.name!r} is not written"):
            files.write(frame, target.uri)
        return Written(len(frame.rows))

    def where(self, frame: Table, condition: Expr, timestamp: Timestamp | None = None) -> Table:
        seen = narrowing.timed(frame, timestamp) if timestamp else frame
        return expressions.where(frame, condition, seen)

    def derive(self, frame: Table, columns: Mapping[str, Expr], at: Timestamp | None = None) -> Table:
        instants = narrowing.timed(frame, at).column(at.column) if at else None
        return expressions.derive(frame, columns, instants)

    def select(self, frame: Table, columns: Sequence[str]) -> Table:
        if missing := [name for name in columns if name not in frame.names]:
            raise Invalid(f"There is no column {missing[0]!r}.", hint=f"Columns: {', '.join(frame.names)}.")
        return frame.select(columns)

    def read_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Table:
        table = layering.read(artifact)
        if missing := [name for name in columns or () if name not in table.names]:
            there = ", ".join(table.names)
            raise Invalid(f"{artifact.meta.name!r} has no column {missing[0]!r}.", hint=f"Columns: {there}.")
        return table if columns is None else table.select(columns)

    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Table:
        return self.read_version(artifact, columns)

    def asof(self, spine: Table, timestamp: Timestamp | None, joins: Sequence[Join]) -> Table:
        return joining.asof(spine, timestamp, [(j, self.read_version(j.artifact)) for j in joins])

    def horizon(self, artifact: Artifact, as_of: int, until: int) -> Table:
        return joining.horizon(self.read_version(artifact), artifact.meta, as_of, until)

    def rows(self, frame: Table, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, len(frame.rows), size):
            yield frame.rows[start : start + size]

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> Table:
        need_fitting(rows, schema)
        return Table.of(schema, rows)

    def to_arrow(self, frame: Table) -> ArrowStream:
        return ArrowStream(arrow.Export(frame.schema, frame.rows, dict.fromkeys(frame.local, "tsu:")))

    def from_arrow(self, stream: ArrowStream) -> Table:
        try:
            schema, rows = arrow.read(stream)
        except OverflowError as error:
            raise Invalid("A time is out of range.", hint="Times lie in the years 1 to 9999.") from error
        zoneless = {n for row in rows for n, v in row.items() if isinstance(v, datetime) and v.tzinfo is None}
        return msgspec.structs.replace(Table.of(schema, rows), local=frozenset(zoneless))

    def owns(self, frame: object) -> bool:
        return isinstance(frame, Table)

    def reaches(self, artifact: Artifact) -> bool:
        return not any("://" in uri for uri in artifact.uris)

    def verifies(self, artifact: Artifact) -> bool:
        return False

    def writes(self, target: Target) -> bool:
        return False


def check(table: Table, check: Check, examples: int) -> CheckResult:
    """How many rows break a promise, and the first few values that do."""
    shaping.need_column(table, check.column)
    with about(f"{check.label} of {check.column!r}"):
        verdicts = expressions.verdicts_of(check.violation, table)
    broken = [row[check.column] for row, verdict in zip(table.rows, verdicts, strict=True) if verdict is True]
    return CheckResult(check.column, check.name, check.label, len(table.rows), len(broken), tuple(broken[:examples]))


def refuse_strangers(function: Callable[..., Any]) -> None:
    """Raise `Unsupported` for a function that asks for a frame of another library, `Invalid` for one of none."""
    first = next(iter(inspect.signature(function, eval_str=True).parameters.values()), None)
    if first is None:
        raise Invalid(f"{function.__name__!r} takes no frame.", hint="Give it a parameter.")
    asked = first.annotation
    if asked not in (inspect.Parameter.empty, Any, object, Table):
        raise Unsupported(f"{function.__name__!r} asks for a {asked}.", hint="Annotate it with Table, or nothing.")
