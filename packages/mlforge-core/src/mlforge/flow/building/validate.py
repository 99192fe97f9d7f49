"""Validating: everything a build does, except writing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from time import perf_counter

from mlforge.flow.building.attempt import safely
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.building.compute import compute
from mlforge.flow.moments import Clock
from mlforge.flow.planning.prepare import prepare
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import Tell
from mlforge.model.feature import Feature
from mlforge.plugin.config import EngineConfig
from mlforge.project.project import Project, Settings


def validate(
    project: Project,
    settings: Settings,
    features: Iterable[Feature],
    engine: EngineConfig | None,
    clock: Clock,
    tell: Tell,
) -> BuildReport:
    """Compute the features and check every promise, and write nothing."""
    started = perf_counter()
    with Session(project, settings, clock, tell) as session:
        results = tuple(safely(f, partial(_validate_one, session, f, engine)) for f in features)
    return BuildReport(results, perf_counter() - started)


def _validate_one(session: Session, feature: Feature, engine: EngineConfig | None) -> BuildResult:
    job, scan = prepare(session, feature, engine)
    rows = compute(session.tell, session.engine(job.engine), feature, scan)
    return BuildResult(
        feature=feature.name, status="valid", dropped=rows.dropped, engine=job.engine.kind, checks=rows.checks
    )
