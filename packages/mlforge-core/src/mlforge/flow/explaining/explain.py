"""Explaining: which row an instant sees, the events behind it, and whether recomputing gives the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from mlforge.flow.explaining.derived import derived_value
from mlforge.flow.explaining.explanation import ExplainedValue, Explanation, RowStatus, Sample, WindowEvents
from mlforge.flow.explaining.key_values import entity_of
from mlforge.flow.explaining.origin import Origin
from mlforge.flow.explaining.recompute import Again, KeyValues, agree, is_, recomputed
from mlforge.flow.explaining.views import View, label_of, views_of
from mlforge.flow.failure import Failure
from mlforge.flow.planning.plan import plan_job
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import Progress
from mlforge.flow.rows import Row, rows_of
from mlforge.flow.versions.choose import Chosen, choose
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.model.duration import Duration
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.span import Span, micros_of, moment_of
from mlforge.model.window import end_at, known_from, span_of
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.engine.protocol import Engine
from mlforge.project.project import default_engine


class Question(NamedTuple):
    """What is asked: some columns of a version, for one entity at one instant, in microseconds since the Unix epoch."""

    spec: FeatureSpec
    key: Mapping[str, Any]
    at: int


class Stored(NamedTuple):
    """The entity's rows in a version: the one an instant sees, and the stamps about it."""

    status: RowStatus
    row: Row
    stamp: int | None = None
    first: int | None = None
    until: int | None = None


def explain(session: Session, question: Question) -> Explanation:
    """Look a value up, recompute it from the source, and say what it is made of.

    Raises:
        Unknown: There is no such feature.
        NotFound: It was not built, or has no such version or column.
        Invalid: The key names no entity.
    """
    with session:
        chosen = _chosen(session, question.spec)
        meta = chosen.artifact.meta
        feature = session.project.features.get(meta.name)
        config = _engine(session, feature)
        live = session.engine(config)
        near = within_reach(session.store, live, chosen.artifact, relied=False)
        chosen = chosen._replace(artifact=near)
        origin = Origin(session, live, feature, config, meta)
        entity = entity_of(meta, question.key, origin.types)
        session.tell(Progress(meta.name, "reading"))
        with reading(session.store, [near]):
            stored = _stored(live, chosen, entity, question.at)
        session.tell(Progress(meta.name, "computing"))
        again = recomputed(origin, entity, question.key, question.at)
        found = _composed(chosen, question, stored, again)
        return msgspec.structs.replace(
            found, key=dict(entity) | dict(question.key), since=origin.since, engine=config.kind
        )


def _engine(session: Session, feature: Feature | None) -> EngineConfig:
    if feature is None:
        return session.forced or session.settings.engine or default_engine()
    return plan_job(feature, session.settings, session.forced).engine


def _chosen(session: Session, spec: FeatureSpec) -> Chosen:
    if not session.store.versions(spec.name):
        session.project.feature(spec.name)
    return choose(session.store, [spec], full_names=False)[0]


def _stored(engine: Engine, chosen: Chosen, entity: KeyValues, at: int) -> Stored:
    artifact, stamp = chosen.artifact, chosen.artifact.meta.timestamp
    keys = artifact.meta.entity_keys
    if stamp is None:
        rows = _rows_where(engine, artifact, [*keys, *chosen.reading.stored], entity)
        return Stored("row", rows[0]) if rows else Stored("unknown", {})
    stamps = sorted(micros_of(row[stamp]) for row in _rows_where(engine, artifact, [*keys, stamp], entity))
    seen, later = [s for s in stamps if s <= at], [s for s in stamps if s > at]
    first, until = next(iter(stamps), None), next(iter(later), None)
    if not seen:
        return Stored("early" if stamps else "unknown", {}, first=first, until=until)
    here = {**entity, stamp: moment_of(seen[-1])}
    status: RowStatus = "expired" if _is_expired(chosen, seen[-1], at) else "row"
    row = _rows_where(engine, artifact, [*keys, stamp, *chosen.reading.stored], here)[0]
    return Stored(status, row, seen[-1], first, until)


def _rows_where(engine: Engine, artifact: Artifact, columns: Sequence[str], values: Mapping[str, Any]) -> list[Row]:
    return rows_of(engine, engine.where(engine.scan_version(artifact, columns), is_(values)))


def _is_expired(chosen: Chosen, stamp: int, at: int) -> bool:
    max_age = chosen.join.max_age
    return max_age is not None and at - stamp > max_age


def _composed(chosen: Chosen, question: Question, stored: Stored, again: Again | Failure) -> Explanation:
    meta = chosen.artifact.meta
    computed, failure = (None, again) if isinstance(again, Failure) else (again, None)
    entered, left = _causes(meta, stored.stamp, computed)
    return Explanation(
        feature=meta.name, version=meta.version, key={}, at=moment_of(question.at), status=stored.status,
        stamp=_instant(stored.stamp), until=_instant(stored.until), first=_instant(stored.first),
        max_age=meta.max_age, entered=entered, left=left,
        values=tuple(_value(chosen, c, stored, computed, question.at) for c in chosen.columns),
        windows=tuple(_windows(chosen, question.at, computed)),
        rows=_source_rows(meta, stored, computed),
        recomputed_stamp=_instant(computed.stamp) if computed else None,
        built=_range(meta),
        failure=failure,
    )  # fmt: skip


def _value(chosen: Chosen, column: str, stored: Stored, again: Again | None, at: int) -> ExplainedValue:
    meta = chosen.artifact.meta
    if column in meta.config.derived:
        row = stored.row if stored.status == "row" else {}
        return derived_value(meta, column, row, stored.row, again, moment_of(at))
    details, was = meta.schema.get(column), stored.row.get(column)
    now, known = (again.row.get(column), column in again.schema) if again else (None, False)
    return ExplainedValue(
        column=column,
        answer=None if stored.status == "expired" else was,
        stored=was,
        recomputed=now,
        agrees=agree(was, now) if known else None,
        window=label_of(column, details.window, again) if details and details.window else None,
        aggregation=details.aggregation if details else None,
    )


def _windows(chosen: Chosen, at: int, again: Again | None) -> Iterable[WindowEvents]:
    meta = chosen.artifact.meta
    interval = Duration.parse(meta.config.interval) if meta.config.interval else None
    end = end_at(at, interval)
    closed: Literal["left", "right"] = "left" if interval else "right"
    for view in sorted(views_of(meta, chosen.reading.stored, again), key=lambda v: v.window.order):
        start = None if view.window.leaves is None else moment_of(end - view.window.leaves)
        events = again and _inside(meta, again, span_of(view.window, end, interval), view)
        yield WindowEvents(view.label, start, moment_of(end - view.window.enters), closed, events)


def _inside(meta: FeatureMeta, again: Again, span: Span, view: View) -> Sample:
    names = dict.fromkeys([str(meta.timestamp), *view.inputs])
    inside = [e for e in again.events if span.has(micros_of(e[str(meta.timestamp)]))]
    return Sample.of([{n: e[n] for n in names} for e in view.passing(inside, again.words)])


def _source_rows(meta: FeatureMeta, stored: Stored, again: Again | None) -> Sample | None:
    """What the function returns for the row that was used, in a feature without windows."""
    if again is None or again.plan is not None:
        return None
    stamp = again.stamp if stored.stamp is None else stored.stamp
    rows = [e for e in again.events if meta.timestamp is None or micros_of(e[meta.timestamp]) == stamp]
    return Sample.of(rows)


def _causes(meta: FeatureMeta, stamp: int | None, again: Again | None) -> tuple[int, dict[str, int]]:
    """How many events became known at a stamp, and how many left, by window."""
    if stamp is None or again is None or again.plan is None:
        return 0, {}
    known = [known_from(micros_of(e[str(meta.timestamp)]), again.plan.interval) for e in again.events]
    lasting = [w for w in again.plan.windows if w.leaves is not None]
    left = {str(w): sum(k + (w.leaves or 0) == stamp for k in known) for w in lasting}
    return known.count(stamp), {window: n for window, n in left.items() if n}


def _range(meta: FeatureMeta) -> str | None:
    """Which events the version was built from last, and on top of what; None where it was built from all."""
    step = meta.increment
    if step is None:
        return None
    return f"events {Span(step.since, step.until)}{f', on top of {step.base}' if step.base else ''}"


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else moment_of(micros)
