"""Validating: everything a build does, except writing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import perf_counter

import msgspec

from mlforge.errors import CheckFailed
from mlforge.flow.build import Clock, Session, Tell, compute
from mlforge.flow.plan import check_scan, plan_job
from mlforge.flow.report import BuildReport, BuildResult, failure_of
from mlforge.flow.sources import resolve
from mlforge.model.feature import Feature
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge.project.project import Project, Settings

_log = logging.getLogger("mlforge.validate")


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
        results = tuple(_validate_one(session, f, engine) for f in features)
    return BuildReport(results, perf_counter() - started)


def _validate_one(session: Session, feature: Feature, engine: EngineConfig | None) -> BuildResult:
    started = perf_counter()
    try:
        result = _computed(session, feature, engine)
    except Exception as error:  # noqa: BLE001 - features are independent
        _log.debug("%s failed", feature.name, exc_info=True)
        checks = error.results if isinstance(error, CheckFailed) else ()
        result = BuildResult(feature=feature.name, status="failed", failure=failure_of(error), checks=checks)  # type: ignore[arg-type]
    return msgspec.structs.replace(result, seconds=perf_counter() - started)


def _computed(session: Session, feature: Feature, engine: EngineConfig | None) -> BuildResult:
    job = plan_job(feature, session.settings, engine)
    scan = resolve(feature.source, session.project.root)
    check_scan(scan, feature.source.scheme, registry().get(EngineDescriptor, job.engine.kind))
    rows = compute(session, session.engine(job.engine), feature, scan)
    return BuildResult(
        feature=feature.name, status="valid", dropped=rows.dropped, engine=job.engine.kind, checks=rows.checks
    )
