"""What follows from the methods that an engine must have: right for every engine, as fast as those are.

No row becomes a Python object here but the examples of broken promises, and those that columns are derived of, or that
are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from mlforge.errors import MlforgeError
from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Col, Expr, lift
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Column, Schema
from mlforge.model.span import Span, micros_of, moment_of
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.checks import violations
from mlforge.plugin.engine.columns import need_columns, need_free
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.plugin.engine.frames import Extent, Frame
from mlforge.plugin.engine.keys import derivable
from mlforge.plugin.engine.measuring import measured
from mlforge.plugin.engine.parsing import instants_of
from mlforge.plugin.functions import asked, no_frame, raised

if TYPE_CHECKING:
    from mlforge.plugin.engine.protocol import Engine


def owns(engine: Engine, frame: object) -> bool:
    """Whether a frame is of the type that `from_rows` gives."""
    return isinstance(frame, _frame_type(engine))


def reaches(artifact: Artifact) -> bool:
    """Whether all addresses of a version are files of this machine."""
    return all("://" not in uri or uri.startswith("file://") for uri in artifact.uris)


def apply(engine: Engine, function: Callable[..., Any], frame: Frame) -> Frame:
    """What a function makes of a frame that it is given as it is."""
    kind = _frame_type(engine)
    wanted = f"a {kind.__module__.split('.')[0]}.{kind.__qualname__}"
    libraries = [kind.__module__, kind.__module__.split(".")[0]]
    asked(function, {kind: True}, libraries, default=True, hint=f"The engine hands out {wanted}.")
    try:
        result = function(frame)
    except MlforgeError:
        raise
    except Exception as error:
        raise raised(function, error) from error
    if not engine.owns(result):
        raise no_frame(function, result, wanted, f"Return {wanted}.")
    return result


def _frame_type(engine: Engine) -> type:
    return type(engine.from_rows([], Schema.of(row="Int64")))


def persist(engine: Engine, frame: Frame) -> Frame:
    """The rows once around through Arrow: a stream is read once, and at once."""
    return engine.from_arrow(engine.to_arrow(frame))


def read_version(engine: Engine, artifact: Artifact, columns: Sequence[str] | None) -> Frame:
    """The scanned rows, read."""
    return engine.persist(engine.scan_version(artifact, columns))


def with_surrogates(engine: Engine, frame: Frame, keys: Sequence[Key]) -> Frame:
    """The rows as they are conformed to the keys that are to be made, if any are."""
    if not any(k.sources for k in keys):
        return frame
    made = derivable(engine.schema(frame).names, keys)
    return engine.conform(frame, Shape(tuple(made))).frame if made else frame


def within(engine: Engine, frame: Frame, timestamp: Timestamp, span: Span) -> Frame:
    """The rows for which a comparison of their instants is true."""
    return engine.where(frame, _inside(Col(timestamp.column), span), timestamp)


def _inside(at: Expr, span: Span) -> Expr:
    """Whether an instant lies in a span, or is null. Ends beyond the years 1 to 9999 are open, or leave nothing."""
    first, last = micros_of(moment_of(-(2**63))), micros_of(moment_of(2**63))
    if (span.since or first) > last or (last if span.until is None else span.until) <= first:
        return at.is_null()
    inside = []
    if span.since is not None and span.since > first:
        inside.append(at >= moment_of(span.since))
    if span.until is not None and span.until <= last:
        inside.append(at < moment_of(span.until))
    return at.is_null() | reduce(and_, inside or [lift(value=True)])


def select(engine: Engine, frame: Frame, columns: Sequence[str]) -> Frame:
    """The rows as Python's, without the other columns, and back."""
    schema = engine.schema(frame)
    need_columns(columns, schema.names, "The frame")
    kept = Schema(tuple(c for name in columns if (c := schema.get(name))))
    return engine.from_rows([{n: row[n] for n in columns} for batch in engine.rows(frame) for row in batch], kept)


def extent(engine: Engine, frame: Frame, timestamp: Timestamp | None) -> Extent:
    """What is known of the rows once they are conformed; of those with a time, once they alone are."""
    if timestamp is None:
        return Extent(engine.conform(frame, Shape(())).rows)
    rows = engine.persist(frame)
    count = engine.conform(rows, Shape(())).rows
    timed = engine.conform(engine.where(rows, ~Col(timestamp.column).is_null()), Shape((), timestamp))
    return Extent(count, timed.first, timed.last)


def derive(engine: Engine, frame: Frame, columns: Mapping[str, Expr], at: Timestamp | None) -> Frame:
    """The rows with their new columns, computed one by one in Python."""
    schema = engine.schema(frame)
    need_free(columns, schema.names)
    derivation = Derivation(columns, {c.name: c.dtype for c in schema}, asked=at is not None)
    rows = [row for batch in engine.rows(frame) for row in batch]
    instants = [row[at.column] for row in rows] if at else [None] * len(rows)
    when = instants_of(instants, schema.dtype(at.column), at) if at else instants
    made = [row | derivation.of(row, asked) for row, asked in zip(rows, when, strict=True)]
    new = tuple(Column(name, word) for name, word in derivation.words.items())
    return engine.from_rows(made, Schema((*schema, *new)))


def semi_join(engine: Engine, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> Frame:
    """The rows without a null that are not among those left alone."""
    rows = engine.persist(frame)
    alone = engine.anti_join(rows, others, columns)
    known = engine.where(rows, ~reduce(or_, [Col(c).is_null() for c in columns]))
    return engine.anti_join(known, [alone], columns)


def check(engine: Engine, frame: Frame, checks: Sequence[Check], examples: int) -> tuple[CheckResult, ...]:
    """The rows for which a check's condition is true, one check after the other."""
    if not checks:
        return ()
    rows = engine.persist(frame)
    violations(checks, {c.name: c.dtype for c in engine.schema(rows)})
    count = engine.extent(rows, None).rows
    return tuple(_checked(engine, rows, c, count, examples) for c in checks)


def _checked(engine: Engine, rows: Frame, check: Check, count: int, examples: int) -> CheckResult:
    broken = engine.persist(engine.where(rows, check.violation))
    failures = engine.extent(broken, None).rows
    first = next(iter(engine.rows(broken, examples)), []) if failures and examples else []
    values = tuple(row[check.column] for row in first)
    return CheckResult(check.column, check.name, check.label, count, failures, values)


def measure(engine: Engine, frame: Frame, ask: Measuring) -> Quality:
    """The figures of rows as Python's, batch by batch: none stays but those of a sample."""
    return measured(engine.rows(frame), engine.schema(frame), ask)


def horizon(engine: Engine, artifact: Artifact, as_of: int, until: int) -> Frame:
    """The rows that are not superseded at `as_of`: those before it that are not the last of their entity."""
    meta, stamp = artifact.meta, artifact.meta.timestamp
    if stamp is None:
        return engine.read_version(artifact)
    keys = tuple(Key(name) for name in meta.entity_keys)
    rows = engine.persist(engine.within(engine.scan_version(artifact), Timestamp(stamp), Span(None, until + 1)))
    past = engine.persist(engine.within(rows, Timestamp(stamp), Span(None, as_of + 1)))
    valid = engine.settle(past, Shape(keys, None, stamp))
    superseded = engine.anti_join(past, [valid], meta.identity)
    return engine.settle(engine.anti_join(rows, [superseded], meta.identity), Shape(keys, Timestamp(stamp)))
