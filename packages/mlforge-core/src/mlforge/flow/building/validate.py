"""Validating: everything a build does, except writing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from time import perf_counter

from mlforge.flow.building.attempt import safely
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.building.compute import ComputedRows, Computing, compute
from mlforge.flow.building.figures import figure_checks, figure_promises, rows_before
from mlforge.flow.building.measure import measured
from mlforge.flow.building.notation import notation_told
from mlforge.flow.building.unmoved import unmoved
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.session import Session
from mlforge.flow.versions.find import artifact
from mlforge.model.check import CheckResult
from mlforge.model.feature import Feature


def validate(session: Session, features: Iterable[Feature]) -> BuildReport:
    """Compute the features and check every promise, and write nothing."""
    started = perf_counter()
    with session:
        results = tuple(safely(f, partial(_validate_one, session, f)) for f in features)
    return BuildReport(results, perf_counter() - started)


def _validate_one(session: Session, feature: Feature) -> BuildResult:
    job, scan = prepare(session, feature)
    work = Computing(feature, scan, session.engine(job.engine), session.tell)
    with unmoved(scan), notation_told(work):
        rows = compute(work)
    return BuildResult(
        feature=feature.name, status="valid", dropped=rows.dropped, engine=job.engine.kind,
        checks=(*rows.checks, *_of_figures(session, work, rows)),
    )  # fmt: skip


def _of_figures(session: Session, work: Computing, rows: ComputedRows) -> tuple[CheckResult, ...]:
    """What promises about figures find; those about drift compare with the version that readers get."""
    feature, engine = work.feature, work.engine
    checks = figure_promises(feature)
    quality = measured(engine, rows.frame, feature, None, needed=True) if checks else None
    if quality is None:
        return ()
    store, name = session.store, feature.name
    frames = (
        rows_before(store, engine, lambda: artifact(store, name) if store.latest(name) else None, checks),
        rows.frame,
    )
    return figure_checks(engine, checks, quality, rows, frames, session.clock())
