"""Computing a feature: read, run the function, check what was promised, make the rows. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import msgspec

from mlforge.errors import CheckFailed, Invalid, nearest
from mlforge.flow.building.derived import derived_columns
from mlforge.flow.progress import Progress, Tell
from mlforge.flow.versions.key_types import KeyTypes, key_types
from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Col
from mlforge.model.feature import Feature
from mlforge.model.field import told
from mlforge.model.lineage import Seen
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.frames import Conformed, Frame, Scan
from mlforge.plugin.engine.protocol import Engine
from mlforge.project.fields import refuse_fields


class Computing(msgspec.Struct, frozen=True):
    """What it takes to compute a feature: the feature, its source, an engine, and whom to tell."""

    feature: Feature
    scan: Scan
    engine: Engine
    tell: Tell

    def say(self, stage: str, rows: int | None = None) -> None:
        """Tell how far it is."""
        self.tell(Progress(self.feature.name, stage, rows))


class ComputedRows(msgspec.Struct, frozen=True, kw_only=True):
    """A feature's computed rows, and what was seen on the way.

    Args:
        frame: The rows, of the engine's own.
        schema: Their columns.
        dropped: How many rows were left out because a key was null.
        checks: What every validator found.
        key_types: The types of the columns that surrogate keys are made of.
        watermark: The latest time of an event that is anybody's, in microseconds since the Unix epoch.
        gone: Keys and stamps of rows of the version it continues that are there no longer; None for a whole build.
        replaced: How many rows of that version are gone or stand in `frame` anew.
        stamps: Where the stamps of these lie.
        seen: The columns of the source, and of what the function returned.
    """

    frame: Any
    schema: Schema
    dropped: int
    checks: tuple[CheckResult, ...]
    key_types: KeyTypes = {}
    watermark: int | None = None
    gone: Any = None
    replaced: int = 0
    stamps: Span = Span()
    seen: Seen = Seen()


def compute(work: Computing) -> ComputedRows:
    """All rows. Raises `CheckFailed` where a promise is broken."""
    feature, engine = work.feature, work.engine
    work.say("reading")
    source = engine.scan(work.scan)
    made = engine.apply(feature.function, engine.with_surrogates(source, feature.keys))
    held = engine.conform(made, feature.shape)
    late, results = check_events(work, held)
    work.say("computing", held.rows)
    frame = made_of(work, held.frame)
    results += checked(engine, frame, late, results)
    return ComputedRows(
        frame=frame, schema=described(work, frame), dropped=held.null_keys, checks=results,
        key_types=key_types(engine, feature.keys, source, made),
        watermark=last_event(work, held), seen=seen(engine, source, made),
    )  # fmt: skip


def seen(engine: Engine, source: Frame, made: Frame) -> Seen:
    """The columns of a source and of what a function returned, after that was computed: before, nobody says why not."""
    return Seen(_names(engine, source), _names(engine, made))


def _names(engine: Engine, frame: Frame) -> tuple[str, ...] | None:
    """The columns; None where one is of a type that no feature can hold."""
    try:
        return engine.schema(frame).names
    except Invalid:
        return None


def made_of(work: Computing, events: Frame) -> Frame:
    """The feature's rows from what its function returned."""
    feature, engine = work.feature, work.engine
    if feature.plan is None:
        return engine.settle(events, feature.shape)
    return engine.aggregate(events, feature.shape, feature.plan)


def stamp_of(feature: Feature) -> Timestamp:
    """The timestamp of held and of built rows, under the name it has there."""
    return Timestamp(feature.shape.stamp or "")


def last_event(work: Computing, held: Conformed) -> int | None:
    """The latest time of an event that is not left out."""
    if held.last is None or not held.null_keys:
        return held.last
    has_keys = reduce(and_, (~Col(name).is_null() for name in work.feature.shape.key_names))
    return work.engine.extent(work.engine.where(held.frame, has_keys), stamp_of(work.feature)).last


def described(work: Computing, frame: Frame) -> Schema:
    """The columns of built rows, with what the metrics and the fields tell of theirs.

    Raises `Invalid` where the columns that are to be derived of them cannot be, and for fields of none.
    """
    plan = work.feature.plan
    details = {c.name: c.column for c in plan.columns} if plan else {}
    schema = work.engine.schema(frame).describe(details)
    derived = derived_columns(work.feature, schema)
    refuse_fields(work.feature, [c.name for c in (*schema, *derived)])
    return Schema(told(schema, work.feature.fields))


def check_events(work: Computing, held: Conformed) -> tuple[list[Check], tuple[CheckResult, ...]]:
    """The checks that are left for the metrics' columns, and what those of the function's columns found."""
    early, late = _split_checks(work.feature, work.engine.schema(held.frame))
    work.say("checking", held.rows)
    return late, checked(work.engine, held.frame, early)


def checked(
    engine: Engine, frame: Frame, checks: list[Check], before: tuple[CheckResult, ...] = ()
) -> tuple[CheckResult, ...]:
    """What the checks found.

    Raises:
        Invalid: A check that compares what has no order, such as a date with a number.
        CheckFailed: One is broken; with what was found `before` too.
    """
    found = engine.check(frame, checks) if checks else ()
    results = tuple(msgspec.structs.replace(r, severity=c.severity) for r, c in zip(found, checks, strict=True))
    refuse_broken(results, before)
    return results


def refuse_broken(results: Sequence[CheckResult], before: Sequence[CheckResult] = ()) -> None:
    """Raise `CheckFailed` where a promise is broken that is no warning."""
    if failed := [r for r in results if not r.passed and r.severity == "error"]:
        raise CheckFailed(
            "; ".join(map(str, failed)) + ".",
            hint="Nothing was written. Mend the data or the promise.",
            results=(*before, *results),
        )


def _split_checks(feature: Feature, schema: Schema) -> tuple[list[Check], list[Check]]:
    """The checks of the function's columns, and those of the metrics' columns."""
    outputs = [c.name for c in feature.plan.columns] if feature.plan else []
    checks = promises(feature)
    for check in checks:
        if check.column not in schema and check.column not in outputs:
            raise Invalid(
                f"{check.label} is promised of {check.column!r}, a column that is not there.",
                hint=nearest(check.column, [*schema.names, *outputs]),
            )
    rows = [c for c in checks if not c.figures]
    return [c for c in rows if c.column not in outputs], [c for c in rows if c.column in outputs]


def promises(feature: Feature) -> list[Check]:
    """The feature's checks; one of the timestamp's first name means the column under its new one."""
    stamp = feature.timestamp
    renamed = {stamp.column: stamp.name} if stamp else {}
    return [validator.on(renamed.get(column, column)) for column, validator in feature.validators]
