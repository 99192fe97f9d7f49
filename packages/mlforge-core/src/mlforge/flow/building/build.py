"""Building: plan → scan → apply → check → aggregate → write → commit → tell, one feature after the other.

Which number a version gets is decided at the commit, when its columns are known: a builder that came first moves it on.
"""

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
from mlforge.flow.building.commit import BuildOrder, commit
from mlforge.flow.building.compute import Computing, compute
from mlforge.flow.building.increment import Step, compute_step, refuse_changed
from mlforge.flow.building.notation import notation_told
from mlforge.flow.building.outcome import increment_notes, logic_notes, nothing_new, planned, unchanged
from mlforge.flow.building.unmoved import unmoved
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.resolve import source_fingerprint
from mlforge.flow.planning.session import Session
from mlforge.flow.versions.find import newest
from mlforge.flow.versions.fingerprints import fingerprints
from mlforge.flow.versions.logic.told import logic_of
from mlforge.flow.versions.manifest import manifest_is_stale, refresh_manifest
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.model.feature import Feature
from mlforge.model.meta import FeatureMeta
from mlforge.model.span import Span
from mlforge.model.version import Version
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.events import BuildBegun, BuildEnded, BuildFailed
from mlforge.plugin.registry import registry
from mlforge.plugin.stores import Store
from mlforge.project.project import Settings

_log = logging.getLogger("mlforge.build")
PREVIEW_ROWS = 5


class BuildOptions(msgspec.Struct, frozen=True):
    """How to build.

    Args:
        version: A number of the user's choice.
        force: Build also what has not changed.
        dry_run: Only say what would be done.
        preview: Bring the first rows along.
        span: Only events in this range may have changed.
        full_refresh: Build all of it, also what is built incrementally.
        quality: Whether to measure the rows; as the profile says, if None.
    """

    version: str | None = None
    force: bool = False
    dry_run: bool = False
    preview: bool = False
    span: Span | None = None
    full_refresh: bool = False
    quality: bool | None = None


def build(session: Session, features: Iterable[Feature], options: BuildOptions) -> BuildReport:
    """Build features one after the other; one that fails does not stop the others."""
    if options.version is not None:
        Version.parse(options.version)
    if options.full_refresh and options.span:
        raise Invalid("A full refresh of a range.", hint="Give a range, or full_refresh to build everything.")
    started, results = perf_counter(), []
    with session:
        try:
            for feature in features:
                results.append(_watched(session, feature, options))
                registry().tell("mlforge_feature_built", result=results[-1])
        finally:
            _mend_manifest(session, results)
    report = BuildReport(tuple(results), perf_counter() - started)
    registry().tell("mlforge_build_finished", report=report)
    return report


def _watched(session: Session, feature: Feature, options: BuildOptions) -> BuildResult:
    """How a feature fared; those who look on are told, of a dry run nothing."""
    work, named = partial(_build_one, session, feature, options), {"feature": feature.name}
    if options.dry_run:
        return safely(feature, work)
    watch = session.audience.watching()
    watch.tell(BuildBegun, lambda: {**named, "source": feature.source.name, "path": feature.source.path})
    result = safely(feature, work)
    meta, failure = result.meta, result.failure
    if failure is not None:
        watch.fail(BuildFailed, failure.kind, failure.message, lambda: named)
    elif meta is not None:
        told = {"status": result.status, "meta": meta, "warnings": tuple(map(str, result.warnings))}
        watch.tell(BuildEnded, lambda: {**named, **told, "seconds": result.seconds})
    return result


def _mend_manifest(session: Session, results: list[BuildResult]) -> None:
    """Bring the manifest up to date where it is not. It is derived: that it cannot be written fails no build."""
    try:
        if manifest_is_stale(session.store, [r.feature for r in results if r.status in ("built", "unchanged")]):
            refresh_manifest(session.store, session.clock())
    except MlforgeError as error:
        _log.warning("The manifest could not be brought up to date: %s", error)


def _build_one(session: Session, feature: Feature, options: BuildOptions) -> BuildResult:
    job, scan = prepare(session, feature)
    prints = fingerprints(feature, source_fingerprint(feature.source, scan), logic_of(feature.function))
    previous = newest(session.store, feature.name)
    _refuse_taken(session.store, feature.name, options)
    asked = options.force or options.full_refresh or options.span or options.version is not None
    if previous and not asked and prints.unchanged_since(previous.meta):
        note = f"Source, definition and function are those of {previous.meta.version}."
        return unchanged(job, previous.meta, note, session.clock())
    step = _step(feature, session.settings, options, previous.meta if previous else None)
    if step and previous:
        refuse_changed(feature, prints, previous.meta)
    measure = session.settings.quality if options.quality is None else options.quality
    order = BuildOrder(job, prints, previous, options.version, step, measure)
    if options.dry_run:
        return planned(session.store, order, scan)
    if order.base:
        near = within_reach(session.store, session.engine(job.engine), order.base, relied=True)
        order = msgspec.structs.replace(order, previous=near)
    work = Computing(feature, scan, session.engine(job.engine), session.tell)
    return _built(session, work, order, options)


def _step(feature: Feature, settings: Settings, options: BuildOptions, previous: FeatureMeta | None) -> Step | None:
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


def _built(session: Session, work: Computing, order: BuildOrder, options: BuildOptions) -> BuildResult:
    with reading(session.store, [order.base] if order.base else []):
        with unmoved(work.scan), notation_told(work):
            rows = compute(work) if order.step is None else compute_step(work, order.step, order.base)
        if rows is None:
            return nothing_new(work, order, session.clock())
        done = commit(session, work.engine, order, rows)
    meta = done.meta
    preview = _preview(work.engine, rows.frame) if options.preview else ()
    return BuildResult(
        feature=order.name, status="built", version=meta.version, change=meta.change_summary, rows=meta.row_count,
        dropped=meta.dropped_rows, engine=meta.engine, checks=(*rows.checks, *done.checks), preview=preview, meta=meta,
        notes=(*increment_notes(order, meta), *logic_notes(order.prints)), logic_unknown=meta.logic_unknown,
    )  # fmt: skip


def _preview(engine: Engine, frame: Frame) -> tuple[dict[str, Any], ...]:
    """The first rows. They are for looking at: what cannot be shown fails no build."""
    try:
        return tuple(next(iter(engine.rows(frame, PREVIEW_ROWS)), []))
    except Exception as error:  # noqa: BLE001 - the version is committed by now
        _log.warning("The first rows cannot be shown: %s", error)
        return ()


def _refuse_taken(store: Store, name: str, options: BuildOptions) -> None:
    if options.version is not None and options.version in store.versions(name):
        raise Conflict(
            f"{name!r} has a version {options.version} already.", hint="Versions never change: choose a free number."
        )
