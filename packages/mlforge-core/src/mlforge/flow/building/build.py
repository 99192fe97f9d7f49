"""Building: plan → scan → apply → check → aggregate → version → write → commit → tell, one feature after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from time import perf_counter
from typing import Any

import msgspec

from mlforge.errors import Conflict, Invalid, MlforgeError
from mlforge.flow.building.attempt import safely
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.building.commit import Order, commit
from mlforge.flow.building.compute import Rows, compute
from mlforge.flow.building.increment import Step, compute_step, refuse_changed
from mlforge.flow.moments import Clock
from mlforge.flow.planning.plan import Job
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.resolve import fingerprint
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import Tell
from mlforge.flow.versions.fingerprints import fingerprints
from mlforge.flow.versions.logic import logic_hash
from mlforge.flow.versions.manifest import manifest_is_stale, refresh_manifest
from mlforge.flow.versions.number import expected_change, next_version
from mlforge.model.feature import Feature
from mlforge.model.meta import FeatureMeta
from mlforge.model.span import Span, shown
from mlforge.model.version import Version
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.engine.frames import Frame, Scan
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.registry import registry
from mlforge.plugin.stores import Store
from mlforge.project.project import Project, Settings

_log = logging.getLogger("mlforge.build")
PREVIEW_ROWS = 5


class Options(msgspec.Struct, frozen=True):
    """How to build.

    Args:
        version: A number of the user's choice.
        force: Build also what has not changed.
        dry_run: Only say what would be done.
        preview: Bring the first rows along.
        span: Only events in this range may have changed.
        full_refresh: Build all of it, also what is built incrementally.
    """

    version: str | None = None
    force: bool = False
    dry_run: bool = False
    preview: bool = False
    span: Span | None = None
    full_refresh: bool = False


def build(
    project: Project,
    settings: Settings,
    features: Iterable[Feature],
    options: Options,
    engine: EngineConfig | None,
    clock: Clock,
    tell: Tell,
) -> BuildReport:
    """Build features one after the other; one that fails does not stop the others."""
    if options.version is not None:
        Version.parse(options.version)
    if options.full_refresh and options.span:
        raise Invalid("A full refresh of a range.", hint="Give a range, or full_refresh to build everything.")
    started, results = perf_counter(), []
    with Session(project, settings, clock, tell) as session:
        try:
            for feature in features:
                results.append(safely(feature, partial(_build_one, session, feature, engine, options)))
                registry().tell("mlforge_feature_built", result=results[-1])
        finally:
            _mend_manifest(session, results)
    report = BuildReport(tuple(results), perf_counter() - started)
    registry().tell("mlforge_build_finished", report=report)
    return report


def _mend_manifest(session: Session, results: list[BuildResult]) -> None:
    """Bring the manifest up to date where it is not. It is derived: that it cannot be written fails no build."""
    try:
        if manifest_is_stale(session.store, [r.feature for r in results if r.status in ("built", "unchanged")]):
            refresh_manifest(session.store, session.clock())
    except MlforgeError as error:
        _log.warning("The manifest could not be brought up to date: %s", error)


def _build_one(session: Session, feature: Feature, engine: EngineConfig | None, options: Options) -> BuildResult:
    job, scan = prepare(session, feature, engine)
    prints = fingerprints(feature, fingerprint(feature.source, scan), logic_hash(feature.function))
    latest = session.store.latest(feature.name)
    previous = session.store.get(feature.name, latest) if latest else None
    _refuse_taken(session.store, feature.name, options)
    asked = options.force or options.full_refresh or options.span or options.version is not None
    if previous and not asked and prints.unchanged_since(previous.meta):
        note = f"Source, definition and function are those of {previous.meta.version}."
        return _unchanged(feature, previous.meta, job, note)
    step = _step(feature, session.settings, options, previous.meta if previous else None)
    if step and previous:
        refuse_changed(feature, prints, previous.meta)
    order = Order(job, prints, previous, options.version, step)
    if options.dry_run:
        return _planned(session, order, scan)
    return _built(session, session.engine(job.engine), order, scan, options)


def _step(feature: Feature, settings: Settings, options: Options, previous: FeatureMeta | None) -> Step | None:
    """The increment to build; None to build everything."""
    if options.span is not None:
        if feature.timestamp is None:
            raise Invalid(
                f"{feature.name!r} has no timestamp that a range could be told by.", hint="Build it without a range."
            )
        return Step(options.span)
    wanted = settings.incremental if feature.incremental is None else feature.incremental
    if not wanted or options.full_refresh or previous is None or previous.watermark is None:
        return None
    return Step(Span(previous.watermark), additions=True)


def _built(session: Session, engine: Engine, order: Order, scan: Scan, options: Options) -> BuildResult:
    feature, step = order.job.feature, order.step
    if step is None:
        rows: Rows | None = compute(session.tell, engine, feature, scan)
    else:
        rows = compute_step(session.tell, engine, feature, scan, step, order.base)
    if rows is None:
        return _nothing_new(engine, order, scan)
    meta = commit(session, engine, order, rows)
    preview = _preview(engine, rows.frame) if options.preview else ()
    return BuildResult(
        feature=feature.name, status="built", version=meta.version, change=meta.change_summary, rows=meta.row_count,
        dropped=meta.dropped_rows, engine=meta.engine, checks=rows.checks, preview=preview, meta=meta,
        notes=_notes(order, meta),
    )  # fmt: skip


def _notes(order: Order, meta: FeatureMeta) -> tuple[str, ...]:
    """What was done of an increment, and what it left out."""
    step, base, done = order.step, order.base, meta.increment
    if step is None or done is None:
        return ()
    went = f", took {done.gone:,} away" if done.gone else ""
    onto = f"continues {base.meta.version}" if base else "the first version"
    notes = [f"Events {step.changed}: {onto}, wrote {done.rows:,} rows{went}."]
    before = base.meta.watermark if base else None
    if before is not None and step.changed.since is not None and step.changed.since > before + 1:
        notes.append(f"{base.meta.version if base else ''} has events up to {shown(before)}: any between are left out.")
    return tuple(notes)


def _nothing_new(engine: Engine, order: Order, scan: Scan) -> BuildResult:
    """Nothing changes: what to say where the range was the user's, and where it was not."""
    feature, step = order.job.feature, order.step
    if order.base and step and step.additions:
        note = (
            f"The source has changed, and has no event {step.changed}, where {order.base.meta.version} ends. "
            "Build what changed earlier with --since, or all of it with --full-refresh."
        )
        return msgspec.structs.replace(_unchanged(feature, order.base.meta, order.job, note), source_changed=True)
    span = step.changed if step else Span()
    raise Invalid(
        f"{feature.name!r} has no event {span}{_source_extent(engine, feature, scan)}.", hint="Give another range."
    )


def _source_extent(engine: Engine, feature: Feature, scan: Scan) -> str:
    """`: the source's run from … to …`, where its times can be told without the function."""
    try:
        found = engine.extent(engine.scan(scan), feature.timestamp)
    except MlforgeError:
        return ""
    if found.first is None or found.last is None:
        return ": the source has none at all"
    return f": the source's run from {shown(found.first)} to {shown(found.last)}"


def _preview(engine: Engine, frame: Frame) -> tuple[dict[str, Any], ...]:
    """The first rows. They are for looking at: what cannot be shown fails no build."""
    try:
        return tuple(next(iter(engine.rows(frame, PREVIEW_ROWS)), []))
    except Exception as error:  # noqa: BLE001 - the version is committed by now
        _log.warning("The first rows cannot be shown: %s", error)
        return ()


def _unchanged(feature: Feature, previous: FeatureMeta, job: Job, note: str) -> BuildResult:
    return BuildResult(
        feature=feature.name, status="unchanged", version=previous.version, rows=previous.row_count,
        engine=job.engine.kind, notes=(note,), meta=previous,
    )  # fmt: skip


def _planned(session: Session, order: Order, scan: Scan) -> BuildResult:
    previous = order.previous.meta if order.previous else None
    change = expected_change(previous, order.prints)
    taken = session.store.versions(order.name)
    version = order.version or next_version(previous.version if previous else None, change, taken)
    files = f"{len(scan.uris)} files" if len(scan.uris) > 1 else scan.uris[0]
    rises = ("The version may rise further with the columns that come out.",) if previous and not order.step else ()
    onto = f", and continues {order.base.meta.version}" if order.base else ""
    part = f", events {order.step.changed}{onto}" if order.step else ""
    return BuildResult(
        feature=order.name, status="planned", version=version, change=change, engine=order.job.engine.kind,
        notes=(f"Reads {files}{part}.", *rises),
    )  # fmt: skip


def _refuse_taken(store: Store, name: str, options: Options) -> None:
    if options.version is not None and options.version in store.versions(name):
        raise Conflict(
            f"{name!r} has a version {options.version} already.", hint="Versions never change: choose a free number."
        )
