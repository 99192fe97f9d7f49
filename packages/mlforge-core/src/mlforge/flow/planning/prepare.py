"""Preparing a build: who builds a feature and from what."""

from __future__ import annotations

from mlforge.flow.planning.plan import Job, check_scan, plan_job
from mlforge.flow.planning.resolve import resolve
from mlforge.flow.planning.session import Session
from mlforge.model.feature import Feature
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.registry import registry


def prepare(session: Session, feature: Feature) -> tuple[Job, Scan]:
    """Who builds it and from what, refused here where the two do not fit."""
    job = plan_job(feature, session.settings, session.forced)
    scan = resolve(feature.source, session.project.root)
    check_scan(scan, feature.source.scheme, registry().get(EngineDescriptor, job.engine.kind))
    return job, scan
