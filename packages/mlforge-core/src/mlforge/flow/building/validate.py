"""Validating: everything a build does, except writing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from time import perf_counter

from mlforge.flow.building.attempt import safely
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.building.compute import Computing, compute
from mlforge.flow.building.notation import notation_told
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.session import Session
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
    with notation_told(work):
        rows = compute(work)
    return BuildResult(
        feature=feature.name, status="valid", dropped=rows.dropped, engine=job.engine.kind, checks=rows.checks
    )
