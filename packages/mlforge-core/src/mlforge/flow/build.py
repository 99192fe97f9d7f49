"""Building: plan → scan → apply → check → aggregate → version → write → commit → tell, one feature after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, Self

import msgspec

from mlforge.__about__ import __version__
from mlforge.errors import CheckFailed, Conflict, Invalid, MlforgeError
from mlforge.flow.logic import logic_hash
from mlforge.flow.manifest import manifest_is_stale, refresh_manifest
from mlforge.flow.plan import Job, check_scan, plan_job
from mlforge.flow.report import BuildReport, BuildResult, failure_of
from mlforge.flow.sources import fingerprint, resolve
from mlforge.flow.version import Fingerprints, categorise, expected_change, fingerprints, next_version
from mlforge.model.check import Check, CheckResult
from mlforge.model.feature import Feature
from mlforge.model.meta import Change, FeatureMeta
from mlforge.model.schema import Schema
from mlforge.model.version import Version
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.protocols import Engine, Frame, Held, Scan, Store
from mlforge.plugin.registry import registry
from mlforge.project.project import Project, Settings
from mlforge.project.selection import nearest

_log = logging.getLogger("mlforge.build")
PREVIEW_ROWS = 5
COMMIT_TRIES = 20


class Progress(msgspec.Struct, frozen=True):
    """Where a build is: `reading`, `checking`, `computing`, `writing`, `committing`; rows where they are known."""

    feature: str
    stage: str
    rows: int | None = None


class Options(msgspec.Struct, frozen=True):
    """How to build: a version of the user's choice, whether to build unchanged features, to only plan, to preview."""

    version: str | None = None
    force: bool = False
    dry_run: bool = False
    preview: bool = False


class Rows(msgspec.Struct, frozen=True):
    """A feature's computed rows, and what was seen on the way."""

    frame: Any
    schema: Schema
    dropped: int
    checks: tuple[CheckResult, ...]


Tell = Callable[[Progress], None]
Clock = Callable[[], datetime]


class Session:
    """One run over several features: live engines and the store, opened once and closed at the end."""

    def __init__(self, project: Project, settings: Settings, clock: Clock, tell: Tell) -> None:
        self.project = project
        self.settings = settings
        self.clock = clock
        self.tell = tell
        self._open = ExitStack()
        self._engines: dict[EngineConfig, Engine] = {}

    def __enter__(self) -> Self:
        self.store: Store = self._open.enter_context(self.settings.offline_store.open())
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def engine(self, config: EngineConfig) -> Engine:
        if config not in self._engines:
            self._engines[config] = self._open.enter_context(config.open())
        return self._engines[config]


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


def safely(feature: Feature, work: Callable[[], BuildResult]) -> BuildResult:
    """What `work` gives, timed; whatever it raises is this feature's failure and nobody else's."""
    started = perf_counter()
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        _log.debug("%s failed", feature.name, exc_info=True)
        checks = getattr(error, "results", ())
        result = BuildResult(feature=feature.name, status="failed", failure=failure_of(error), checks=checks)
    return msgspec.structs.replace(result, seconds=perf_counter() - started)


def prepare(session: Session, feature: Feature, engine: EngineConfig | None) -> tuple[Job, Scan]:
    """Who builds it and from what, refused here where the two do not fit."""
    job = plan_job(feature, session.settings, engine)
    scan = resolve(feature.source, session.project.root)
    check_scan(scan, feature.source.scheme, registry().get(EngineDescriptor, job.engine.kind))
    return job, scan


def _build_one(session: Session, feature: Feature, engine: EngineConfig | None, options: Options) -> BuildResult:
    job, scan = prepare(session, feature, engine)
    prints = fingerprints(feature, fingerprint(feature.source, scan), logic_hash(feature.function))
    latest = session.store.latest(feature.name)
    previous = session.store.get(feature.name, latest).meta if latest else None
    _refuse_taken(session.store, feature.name, options)
    if previous and not options.force and options.version is None and prints.unchanged_since(previous):
        return _unchanged(feature, previous, job)
    if options.dry_run:
        return _planned(session, job, previous, prints, scan, options)
    live = session.engine(job.engine)
    rows = compute(session, live, feature, scan)
    return _publish(session, live, job, rows, prints, previous, options)


def compute(session: Session, engine: Engine, feature: Feature, scan: Scan) -> Rows:
    """Run the function, the validators and the metrics. Raises `CheckFailed` where a promise is broken."""
    session.tell(Progress(feature.name, "reading"))
    held = _held(engine, feature, scan)
    schema = engine.schema(held.frame)
    early, late = _split_checks(feature, schema)
    session.tell(Progress(feature.name, "checking", held.rows))
    results = _checked(engine, held.frame, early)
    session.tell(Progress(feature.name, "computing", held.rows))
    frame = _computed(engine, feature, held)
    results += _checked(engine, frame, late, results)
    details = {c.name: c.column for c in feature.plan.columns} if feature.plan else {}
    return Rows(frame, engine.schema(frame).describe(details), held.null_keys, results)


def _held(engine: Engine, feature: Feature, scan: Scan) -> Held:
    given = engine.derive(engine.scan(scan), feature.keys)
    return engine.hold(engine.apply(feature.function, given), feature.shape)


def _computed(engine: Engine, feature: Feature, held: Held) -> Frame:
    if feature.plan is None:
        return engine.settle(held.frame, feature.shape)
    return engine.aggregate(held.frame, feature.shape, feature.plan)


def _split_checks(feature: Feature, schema: Schema) -> tuple[list[Check], list[Check]]:
    """The checks of the function's columns, and those of the metrics' columns."""
    outputs = [c.name for c in feature.plan.columns] if feature.plan else []
    checks = _promises(feature)
    for check in checks:
        if check.column not in schema and check.column not in outputs:
            raise Invalid(
                f"{check.label} is promised of {check.column!r}, a column that is not there.",
                hint=nearest(check.column, [*schema.names, *outputs]),
            )
    return [c for c in checks if c.column not in outputs], [c for c in checks if c.column in outputs]


def _promises(feature: Feature) -> list[Check]:
    """The feature's checks; one of the timestamp's first name means the column under its new one."""
    stamp = feature.timestamp
    renamed = {stamp.column: stamp.name} if stamp else {}
    return [validator.on(renamed.get(column, column)) for column, validator in feature.validators]


def _checked(
    engine: Engine, frame: Frame, checks: list[Check], before: tuple[CheckResult, ...] = ()
) -> tuple[CheckResult, ...]:
    results = engine.check(frame, checks) if checks else ()
    if failed := [r for r in results if not r.passed]:
        raise CheckFailed(
            "; ".join(map(str, failed)) + ".",
            hint="Nothing was written. Mend the data or the promise.",
            results=(*before, *results),
        )
    return tuple(results)


def _publish(
    session: Session,
    engine: Engine,
    job: Job,
    rows: Rows,
    prints: Fingerprints,
    previous: FeatureMeta | None,
    options: Options,
) -> BuildResult:
    name, started = job.feature.name, session.clock()
    target = session.store.begin(name, job.format)
    try:
        session.tell(Progress(name, "writing"))
        written = engine.write(rows.frame, target)
        session.tell(Progress(name, "committing", written.rows))
        draft = _draft(job, rows, prints, written.rows, started)
        meta = _commit(session, target, draft, prints, previous, options)
    except BaseException:
        session.store.abort(target)
        raise
    preview = _preview(engine, rows.frame) if options.preview else ()
    return BuildResult(
        feature=name, status="built", version=meta.version, change=meta.change_summary, rows=meta.row_count,
        dropped=meta.dropped_rows, engine=meta.engine, checks=rows.checks, preview=preview, meta=meta,
    )  # fmt: skip


def _commit(
    session: Session,
    target: Any,
    draft: FeatureMeta,
    prints: Fingerprints,
    previous: FeatureMeta | None,
    options: Options,
) -> FeatureMeta:
    """Commit under the next free number; where another builder came first, decide again."""
    store, name = session.store, draft.name
    for _ in range(COMMIT_TRIES):
        change, version = _numbered(store, draft, prints, previous, options)
        meta = msgspec.structs.replace(draft, version=version, change_summary=change)
        try:
            return store.commit(target, meta, previous.version if previous else None)
        except Conflict:
            if options.version is not None and options.version in store.versions(name):
                raise
            latest = store.latest(name)
            previous = store.get(name, latest).meta if latest else None
    raise Conflict(f"{COMMIT_TRIES} other builds of {name!r} came first.", hint="Let them finish, then build again.")


def _numbered(
    store: Store, draft: FeatureMeta, prints: Fingerprints, previous: FeatureMeta | None, options: Options
) -> tuple[Change, str]:
    change = categorise(previous, draft.schema, prints)
    if options.version is not None:
        return Change("explicit", change.reason, change.details), options.version
    return change, next_version(previous.version if previous else None, change, store.versions(draft.name))


def _draft(job: Job, rows: Rows, prints: Fingerprints, count: int, started: datetime) -> FeatureMeta:
    feature, now = job.feature, instant(started)
    return FeatureMeta(
        name=feature.name, version="", created_at=now, updated_at=now, row_count=count,
        entity_keys=feature.shape.key_names, timestamp=feature.shape.stamp,
        interval=str(feature.interval) if feature.interval else None,
        columns=rows.schema.columns, schema_hash=rows.schema.hash, config_hash=prints.config_hash,
        logic_hash=prints.logic, source_hash=prints.source, checks_hash=prints.checks, config=prints.config,
        format=job.format, dropped_rows=rows.dropped, engine=job.engine.kind, mlforge_version=__version__,
        source=feature.source.path, entities=tuple(e.name for e in feature.entities), max_age=prints.max_age,
        tags=feature.tags, description=feature.description, owner=feature.owner,
    )  # fmt: skip


def _preview(engine: Engine, frame: Frame) -> tuple[dict[str, Any], ...]:
    """The first rows. They are for looking at: what cannot be shown fails no build."""
    try:
        return tuple(next(iter(engine.rows(frame, PREVIEW_ROWS)), []))
    except Exception as error:  # noqa: BLE001 - the version is committed by now
        _log.warning("The first rows cannot be shown: %s", error)
        return ()


def _unchanged(feature: Feature, previous: FeatureMeta, job: Job) -> BuildResult:
    note = f"Source, definition and function are those of {previous.version}."
    return BuildResult(
        feature=feature.name, status="unchanged", version=previous.version, rows=previous.row_count,
        engine=job.engine.kind, notes=(note,), meta=previous,
    )  # fmt: skip


def _planned(
    session: Session,
    job: Job,
    previous: FeatureMeta | None,
    prints: Fingerprints,
    scan: Scan,
    options: Options,
) -> BuildResult:
    name, change = job.feature.name, expected_change(previous, prints)
    taken = session.store.versions(name)
    version = options.version or next_version(previous.version if previous else None, change, taken)
    files = f"{len(scan.uris)} files" if len(scan.uris) > 1 else scan.uris[0]
    rises = ("The version may rise further with the columns that come out.",) if previous else ()
    notes = (f"Reads {files}.", *rises)
    return BuildResult(
        feature=name, status="planned", version=version, change=change, engine=job.engine.kind, notes=notes
    )


def _refuse_taken(store: Store, name: str, options: Options) -> None:
    if options.version is not None and options.version in store.versions(name):
        raise Conflict(
            f"{name!r} has a version {options.version} already.", hint="Versions never change: choose a free number."
        )


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
