"""Incremental builds: which events to read, which rows they can change, and which of the old rows those replace."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from mlforge.errors import Invalid
from mlforge.flow.building.compute import (
    ComputedRows,
    Computing,
    check_events,
    checked,
    described,
    last_event,
    made_of,
    seen,
    stamp_of,
)
from mlforge.flow.versions.fingerprints import Fingerprints, derived_anew, recipe_changes
from mlforge.flow.versions.key_types import KeyTypes, key_types, refuse_other_types
from mlforge.model.feature import Feature, Shape
from mlforge.model.lineage import Seen
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat
from mlforge.model.span import Span, shown
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.frames import Conformed, Frame
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.sources import Narrow


class Step(msgspec.Struct, frozen=True):
    """An increment that was asked for.

    Args:
        changed: Where the events lie that are new, or other than they were.
        additions: Whether events were only added there, so that no old row tells what to compute again.
    """

    changed: Span
    additions: bool = False


class Reach(msgspec.Struct, frozen=True):
    """How far an increment goes.

    Args:
        read: Where the events lie that decide the rows that may change.
        stamps: Where the stamps of these rows lie.
        entered: Where the stamps of the rows lie that changed events make by entering.
    """

    read: Span
    stamps: Span
    entered: Span


class Narrowed(NamedTuple):
    """A source's rows of a span of time, and their times.

    Args:
        rows: The rows.
        times: Their times, read before the rows were, or with them.
        is_late: Whether the rows are still to be read, with no more columns than are asked for.
    """

    rows: Frame
    times: Frame
    is_late: bool


def reach(changed: Span, plan: WindowPlan | None, base: FeatureMeta | None) -> Reach:
    """How far the events of a span reach, on top of a version.

    Events from the end of the span on are read only where that version has some, or may have.
    """
    if plan is None:
        return Reach(changed, changed, changed)
    since, until, longest = changed.since, changed.until, plan.reach
    if plan.interval:
        length, origin = plan.interval.micros, plan.interval.origin
        since = None if since is None else (since - origin) // length * length + origin
        until = None if until is None else -((origin - until) // length) * length + origin
    late = 1 if plan.interval else 0  # a bucket is known at its end: its first stamp is after its first instant
    entered = Span(_plus(since, late), _plus(until, late))
    beyond = (
        base is not None and changed.until is not None and (base.watermark is None or base.watermark >= changed.until)
    )
    before = None if longest is None else -longest  # what never leaves is in every window since
    read = Span(_plus(since, before), _plus(until, longest) if beyond else changed.until)
    return Reach(read, Span(entered.since, _plus(entered.until, longest)), entered)


def _plus(instant: int | None, micros: int | None) -> int | None:
    return None if instant is None or micros is None else instant + micros


def refuse_changed(feature: Feature, prints: Fingerprints, base: FeatureMeta) -> None:
    """Raise `Invalid` where rows of the version to continue would be of another definition than those to come."""
    changes = list(recipe_changes(base.config, prints.config))
    gone = [n for n in base.config.metrics if n not in prints.config.metrics]
    added = [n for n in prints.config.metrics if n not in base.config.metrics]
    changes += [f"metric {n} is new" for n in added] + [f"metric {n} is gone" for n in gone]
    changes += [f"derived {n}" for n in derived_anew(base.config, prints.config)]
    if prints.logic_changed(base):
        changes.append("the function")
    if changes:
        raise Invalid(
            f"{feature.name!r} has changed since {base.version}, which cannot be continued: {'; '.join(changes)}.",
            hint=f"Build all of it: {_whole(feature)}",
        )
    if unknown := prints.logic_unknown(base):
        raise Invalid(
            f"Whether the function of {feature.name!r} still does what it did for {base.version} cannot be told, so "
            f"that version cannot be continued: {'; '.join(unknown)}.",
            hint=f"Build all of it: {_whole(feature)}",
        )


def compute_step(work: Computing, step: Step, base: Artifact | None) -> ComputedRows | None:
    """The rows that a step changes, and which old ones they replace; None where it changes nothing.

    Raises:
        Invalid: A function that changes times, or rows of other columns than those of the version to continue.
        CheckFailed: A broken promise.
    """
    feature, engine = work.feature, work.engine
    meta = base.meta if base else None
    far = reach(step.changed, feature.plan, meta)
    work.say("reading")
    held, types, columns = _held(work, far.read)
    refuse_other_types(feature, types, meta)
    late, results = check_events(work, held)
    work.say("computing", held.rows)
    _refuse_other_keys(feature, engine.schema(held.frame), meta)
    frame, old = _replacing(work, held, step, far, base)
    schema = described(work, frame)
    _refuse_other_columns(feature, schema, meta)
    results += checked(engine, frame, late, results)
    written = engine.extent(frame, None).rows
    gone = None
    if old is not None and not _all_stay(step, meta):
        gone = engine.anti_join(old, [frame], feature.shape.identity)
    replaced = 0 if old is None else engine.extent(old, None).rows
    if not (written or replaced) or (step.additions and not written):
        return None
    return ComputedRows(
        frame=frame, schema=schema, dropped=held.null_keys, checks=results, gone=gone, replaced=replaced,
        stamps=far.stamps, key_types=types,
        watermark=_watermark(meta, step, last_event(work, held)), seen=columns,
    )  # fmt: skip


def _replacing(
    work: Computing, held: Conformed, step: Step, far: Reach, base: Artifact | None
) -> tuple[Frame, Frame | None]:
    """The rows that may have changed, as they are now, and the keys and stamps of those that stand in their place."""
    feature, engine = work.feature, work.engine
    stamp, keys = stamp_of(feature), feature.shape.key_names
    stored = engine.scan_version(base, feature.shape.identity) if base else None
    old = None if stored is None else engine.persist(engine.within(stored, stamp, far.stamps))
    if feature.plan is None:
        return made_of(work, held.frame), old
    touched = [engine.within(held.frame, stamp, step.changed)]
    if old is not None and not _only_adds(step, base.meta if base else None):
        touched.append(engine.within(old, stamp, far.entered))
    events = engine.semi_join(held.frame, touched, keys)
    frame = engine.persist(engine.within(made_of(work, events), stamp, far.stamps))
    return frame, None if old is None else engine.semi_join(old, touched, keys)


def _only_adds(step: Step, base: FeatureMeta | None) -> bool:
    """Whether no old row tells an entity to compute again: events were only added, as far as is known."""
    return step.additions or _all_stay(step, base)


def _all_stay(step: Step, base: FeatureMeta | None) -> bool:
    """Whether every old row is among the new ones: its events lie before the step, and are all there still."""
    last, since = base.watermark if base else None, step.changed.since
    return last is not None and since is not None and since > last


def _watermark(base: FeatureMeta | None, step: Step, last: int | None) -> int | None:
    """The latest time of an event that the version will have been built from; None where nothing tells it."""
    if base is None or not base.row_count:
        return last
    before, until = base.watermark, step.changed.until
    if before is not None and until is not None and before >= until:
        return before if last is None else max(before, last)
    return None if before is None else last


def _held(work: Computing, span: Span) -> tuple[Conformed, KeyTypes, Seen]:
    """What the function makes of the rows of a span, read no further than need be; what keys are of; all columns."""
    feature, engine = work.feature, work.engine
    narrowed = _narrowed(work, span)
    given = narrowed.rows if narrowed else engine.scan(work.scan)
    made = engine.apply(feature.function, engine.with_surrogates(given, feature.keys))
    held = engine.conform(engine.within(made, _time_of(feature), span), feature.shape)
    if narrowed:
        _refuse_moved_times(work, narrowed, held, span)
    return held, key_types(engine, feature.keys, given, made), seen(engine, given, made)


def _time_of(feature: Feature) -> Timestamp:
    return feature.timestamp or Timestamp("")


def _opened(work: Computing, span: Span) -> Frame:
    """The source, for whoever can leave out rows before they come here; what comes is narrowed all the same."""
    scan, timestamp = work.scan, _time_of(work.feature)
    narrow = Narrow(timestamp.column, span.since, span.until, timestamp.timezone)
    asking = scan.rows is not None and timestamp.column
    return work.engine.scan(msgspec.structs.replace(scan, narrow=narrow) if asking else scan)


def _narrowed(work: Computing, span: Span) -> Narrowed | None:
    """The source's rows of a span, and their times; None where it has none: then only the function can tell.

    Where the function may leave columns out, and times are compared as they stand, rows are left to be read as those of
    a whole build are, of a scan of their own. Others are read once, with all columns.
    """
    engine, timestamp = work.engine, _time_of(work.feature)
    may_leave_out = engine.defers(work.feature.function) and not isinstance(work.scan.format, CSVFormat)
    source = _opened(work, span)
    try:
        is_late = _stand_as_they_are(engine, source, timestamp) and may_leave_out
        rows = engine.within(source, timestamp, span)
        rows = rows if is_late else engine.persist(rows)
        times = _times(engine, rows, timestamp)
    except Invalid:
        return None
    rows = engine.within(_opened(work, span), timestamp, span) if is_late else rows
    return Narrowed(rows, times, is_late)


def _stand_as_they_are(engine: Engine, source: Frame, timestamp: Timestamp) -> bool:
    """Whether no time has to be looked at before it can be compared. Raises `Invalid` where there is none."""
    try:
        schema = engine.schema(source)
    except Invalid:  # another column is of a type that no feature can hold
        schema = engine.schema(engine.select(source, [timestamp.column]))
    need_columns([timestamp.column], schema.names, "The source")
    return schema.dtype(timestamp.column) in ("Datetime", "Date") and timestamp.timezone is None


def _times(engine: Engine, rows: Frame, timestamp: Timestamp) -> Frame:
    return engine.conform(engine.select(rows, [timestamp.column]), Shape((), timestamp)).frame


def _refuse_moved_times(work: Computing, narrowed: Narrowed, held: Conformed, span: Span) -> None:
    """The function saw the rows of a span alone: a time that it made itself may belong to a row that it did not see.

    Rows that are read after the times may be more than these. So the times are read once more where one is strange.
    """
    feature, engine = work.feature, work.engine
    stamp, timestamp = stamp_of(feature), _time_of(feature)
    strange = engine.anti_join(held.frame, [narrowed.times], [stamp.name])
    moved = engine.extent(strange, stamp)
    if moved.rows and narrowed.is_late:
        now = _times(engine, engine.within(_opened(work, span), timestamp, span), timestamp)
        moved = engine.extent(engine.anti_join(strange, [now], [stamp.name]), stamp)
    if moved.rows:
        raise Invalid(
            f"{feature.name}() changes the times in {stamp.name!r}: {shown(moved.first or 0)} is not in the source.",
            hint=f"Give them a column of another name, or build all of it: {_whole(feature)}",
        )


def _refuse_other_keys(feature: Feature, schema: Schema, base: FeatureMeta | None) -> None:
    for name in feature.shape.key_names if base else ():
        was, found = base.schema.dtype(name) if base else "", schema.dtype(name)
        if was != found:
            raise _other(feature, f"{name} was {was} and is {found}", base)


def _refuse_other_columns(feature: Feature, schema: Schema, base: FeatureMeta | None) -> None:
    if base is None or schema.hash == base.schema_hash:
        return
    before, after = ({c.name: c.dtype for c in columns} for columns in (base.columns, schema.columns))
    changes = [f"{n} was {t} and is {after[n]}" for n, t in before.items() if n in after and after[n] != t]
    changes += [f"{n} is gone" for n in before if n not in after] + [f"{n} is new" for n in after if n not in before]
    raise _other(feature, "; ".join(changes), base)


def _other(feature: Feature, changes: str, base: FeatureMeta | None) -> Invalid:
    version = base.version if base else ""
    return Invalid(
        f"{feature.name!r} has other columns than {version}, which cannot be continued: {changes}.",
        hint=f"Build all of it: {_whole(feature)}",
    )


def _whole(feature: Feature) -> str:
    return f"mlforge build --features {feature.name} --full-refresh"
