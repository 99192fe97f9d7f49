"""Writing a feature's rows and making them a version: number, metadata, commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import groupby

import msgspec

from mlforge.__about__ import __version__
from mlforge.errors import Conflict
from mlforge.flow.building.compute import ComputedRows
from mlforge.flow.building.derived import derived_columns
from mlforge.flow.building.figures import figure_checks, figure_promises, rows_before
from mlforge.flow.building.increment import Step
from mlforge.flow.building.measure import continued, measured
from mlforge.flow.moments import iso_seconds
from mlforge.flow.planning.plan import Job
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import Progress
from mlforge.flow.versions.find import pointed_at
from mlforge.flow.versions.fingerprints import Fingerprints
from mlforge.flow.versions.number import categorise, next_version
from mlforge.model.check import CheckResult
from mlforge.model.lineage import lineage_of
from mlforge.model.meta import Artifact, Change, FeatureMeta, Increment, Part, Target
from mlforge.model.quality import Quality
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.stores import DirectStore, Store, UploadingStore

COMMIT_TRIES = 20
MOST_LAYERS = 16
"""A version of more has its later layers merged, or all of them once these are half as great as the first."""


class BuildOrder(msgspec.Struct, frozen=True):
    """What a version is made for: the job, its fingerprints, what readers get so far, a number of the user's choice."""

    job: Job
    prints: Fingerprints
    previous: Artifact | None
    version: str | None = None
    step: Step | None = None
    measure: bool = True

    @property
    def base(self) -> Artifact | None:
        """The version that this one continues."""
        return self.previous if self.step else None

    @property
    def name(self) -> str:
        return self.job.feature.name


class Staged(msgspec.Struct, frozen=True):
    """What was written: where, with how many rows, after which parts of earlier versions."""

    target: Target
    rows: int
    gone: int
    kept: tuple[Part, ...]


class Committed(msgspec.Struct, frozen=True):
    """A new version, and what promises about its figures found."""

    meta: FeatureMeta
    checks: tuple[CheckResult, ...] = ()


def commit(session: Session, engine: Engine, order: BuildOrder, rows: ComputedRows) -> Committed:
    """Write the rows and make them the latest version. Whatever fails, the old version stays whole.

    Raises:
        CheckFailed: A promise about its figures is broken.
        Conflict: The version exists, or the one to continue is not the latest any more.
    """
    started = session.clock()
    session.tell(Progress(order.name, "writing"))
    staged = _write(session.store, engine, order, rows)
    try:
        total = staged.rows if order.base is None else order.base.meta.row_count - rows.replaced + staged.rows
        quality, checks = _measured(session, engine, order, rows, staged)
        staged = _merged(session.store, engine, order, staged)
        session.tell(Progress(order.name, "committing", total))
        draft = msgspec.structs.replace(_draft(order, rows, staged, total, started), quality=quality)
        with _telling(session, order.name):
            return Committed(_commit(session.store, staged.target, draft, order), checks)
    except BaseException:
        session.store.abort(staged.target)
        raise


def _telling(session: Session, name: str) -> AbstractContextManager[None]:
    """Tell how far a commit is that sends data away."""
    if not isinstance(session.store, UploadingStore):
        return nullcontext()
    return session.store.uploading(
        lambda sent, total: session.tell(Progress(name, "uploading", sent=sent, bytes=total))
    )


def _write(store: Store, engine: Engine, order: BuildOrder, rows: ComputedRows) -> Staged:
    target = _begun(store, engine, order)
    try:
        gone = 0 if rows.gone is None else engine.extent(rows.gone, None).rows
        if gone:
            target, _ = _written(engine, rows.gone, target, target.gone)
        target, written = _written(engine, rows.frame, target, target.uri)
    except BaseException:
        store.abort(target)
        raise
    return Staged(target, written, gone, order.base.meta.parts if order.base else ())


def _begun(store: Store, engine: Engine, order: BuildOrder) -> Target:
    """Where to write: in the store itself, where both sides are able to."""
    target = store.begin(order.name, order.job.format)
    direct = store.direct(target) if isinstance(store, DirectStore) else None
    return direct if direct is not None and engine.writes(direct) else target


def _written(engine: Engine, frame: Frame, target: Target, uri: str) -> tuple[Target, int]:
    """The target with the files that were written, and how many rows those have."""
    done = engine.write(frame, msgspec.structs.replace(target, uri=uri))
    return msgspec.structs.replace(target, files=(*target.files, *done.files)), done.rows


def _measured(
    session: Session, engine: Engine, order: BuildOrder, rows: ComputedRows, staged: Staged
) -> tuple[Quality | None, tuple[CheckResult, ...]]:
    """What the whole version is like, of an increment with what it continues, and which promises of that hold.

    A promise about figures asks for those of all rows.
    """
    feature = order.job.feature
    checks = figure_promises(feature)
    if not (order.measure or checks):
        return None, ()
    session.tell(Progress(order.name, "measuring", staged.rows))
    if not checks and (quality := continued(engine, rows, staged.rows, feature, order.base)):
        return quality, ()
    whole = rows.frame if order.base is None else engine.scan_version(_with_staged(order.base, staged))
    quality = measured(engine, whole, feature, order.previous, needed=bool(checks))
    if not checks or quality is None:
        return quality, ()
    frames = rows_before(session.store, engine, lambda: order.previous, checks), whole
    results = figure_checks(engine, checks, quality, rows, frames, session.clock())
    return quality if order.measure else None, results


def _merged(store: Store, engine: Engine, order: BuildOrder, staged: Staged) -> Staged:
    """The same rows in fewer layers, where there would be too many."""
    kept = [list(parts) for _, parts in groupby(staged.kept, lambda part: part.version)]
    if order.base is None or len(kept) < MOST_LAYERS:
        return staged
    first, later = (sum(p.bytes for p in parts) for parts in (kept[0], [p for parts in kept[1:] for p in parts]))
    stay = () if 2 * later >= first else tuple(kept[0])
    whole = _with_staged(order.base, staged)
    late = _without(whole, stay)
    target = _begun(store, engine, order)
    try:
        target, rows = _written(engine, engine.scan_version(late), target, target.uri)
        target, gone = _write_gone(engine, late, target) if stay else (target, 0)
    except BaseException:
        store.abort(target)
        raise
    store.abort(staged.target)
    return Staged(target, rows, gone, stay)


def _write_gone(engine: Engine, late: Artifact, target: Target) -> tuple[Target, int]:
    """Of all that the layers took away, what they did not bring back."""
    uris = tuple(uri for part, uri in zip(late.meta.parts, late.uris, strict=True) if part.role == "gone")
    if not uris:
        return target, 0
    identity = late.meta.identity
    taken = engine.scan_version(Artifact(msgspec.structs.replace(late.meta, parts=()), uris, late.options), identity)
    gone = engine.anti_join(taken, [engine.scan_version(late, identity)], identity)
    return _written(engine, gone, target, target.gone)


def _with_staged(base: Artifact, staged: Staged) -> Artifact:
    """The version that is continued under what was written for the new one."""
    written = [(Part("new/rows", staged.rows, 0, ""), staged.target.uri)]
    if staged.gone:
        written.append((Part("new/gone", staged.gone, 0, "", "gone"), staged.target.gone))
    parts, uris = zip(*written, strict=True)
    meta = msgspec.structs.replace(base.meta, parts=(*base.meta.parts, *parts))
    return Artifact(meta, (*base.uris, *uris), base.options | staged.target.options)


def _without(artifact: Artifact, parts: tuple[Part, ...]) -> Artifact:
    """The artifact's other parts."""
    left_out = frozenset(parts)
    others = [(p, uri) for p, uri in zip(artifact.meta.parts, artifact.uris, strict=True) if p not in left_out]
    meta = msgspec.structs.replace(artifact.meta, parts=tuple(p for p, _ in others))
    return Artifact(meta, tuple(uri for _, uri in others), artifact.options)


def _commit(store: Store, target: Target, draft: FeatureMeta, order: BuildOrder) -> FeatureMeta:
    """Commit under the next free number; where another builder came first, decide again.

    A number that is refused twice though nobody came first is one that a store does not give again: it is passed over.
    What is refused in the same words under another number is not refused for its number, and no other one is tried.
    """
    previous = order.previous.meta if order.previous else None
    refused: Counter[str] = Counter()
    said: dict[str, str] = {}
    for _ in range(COMMIT_TRIES):
        passed = [version for version, times in refused.items() if times > 1]
        change, version = _numbered(store, draft, previous, order, passed)
        meta = msgspec.structs.replace(draft, version=version, change_summary=change)
        try:
            return store.commit(target, meta, previous.version if previous else None)
        except Conflict as error:
            if order.version is not None and (refused[version] or order.version in store.versions(order.name)):
                raise
            latest = store.latest(order.name)
            _refuse_overtaken(order, latest)
            if latest == (previous.version if previous else None):
                refused[version] += 1
                if said.setdefault(error.message, version) != version:
                    raise
            previous = pointed_at(store, order.name, latest).meta if latest else None
    raise Conflict(
        f"{COMMIT_TRIES} other builds of {order.name!r} came first.", hint="Let them finish, then build again."
    )


def _refuse_overtaken(order: BuildOrder, latest: str | None) -> None:
    """An increment is of one version: on top of another its rows would lack what that one has."""
    base = order.base.meta.version if order.base else None
    if order.step and latest != base:
        raise Conflict(
            f"{order.name!r} is at {latest} now, and this build continues {base or 'nothing'}.",
            hint="Build again: it will continue that one.",
        )


def _numbered(
    store: Store, draft: FeatureMeta, previous: FeatureMeta | None, order: BuildOrder, passed: Sequence[str]
) -> tuple[Change, str]:
    schema = Schema((*draft.columns, *draft.derived))
    change = categorise(previous, schema, order.prints, draft.key_types)
    if order.version is not None:
        return Change("explicit", change.reason, change.details), order.version
    taken = [*store.versions(draft.name), *passed]
    return change, next_version(previous.version if previous else None, change, taken)


def _draft(order: BuildOrder, rows: ComputedRows, staged: Staged, total: int, started: datetime) -> FeatureMeta:
    feature, prints, now = order.job.feature, order.prints, iso_seconds(started)
    return FeatureMeta(
        name=feature.name, version="", created_at=now, updated_at=now, row_count=total,
        entity_keys=feature.shape.key_names, timestamp=feature.shape.stamp,
        interval=str(feature.interval) if feature.interval else None,
        columns=rows.schema.columns, derived=derived_columns(feature, rows.schema),
        schema_hash=rows.schema.hash, config_hash=prints.config_hash,
        logic_hash=prints.logic.hash, logic_unknown=prints.logic.unknown,
        source_hash=_source_hash(order), checks_hash=prints.checks, config=prints.config,
        parts=staged.kept, increment=_increment(order, staged), watermark=rows.watermark,
        key_types=rows.key_types, format=order.job.format,
        dropped_rows=rows.dropped, engine=order.job.engine.kind, mlforge_version=__version__,
        source=feature.source.path, entities=tuple(e.name for e in feature.entities), max_age=prints.max_age,
        tags=feature.tags, description=feature.description, owner=feature.owner,
        lineage=lineage_of(feature, rows.seen),
    )  # fmt: skip


def _increment(order: BuildOrder, staged: Staged) -> Increment | None:
    if order.step is None:
        return None
    base, span = order.base, order.step.changed
    return Increment(base.meta.version if base else None, span.since, span.until, staged.rows, staged.gone)


def _source_hash(order: BuildOrder) -> str | None:
    """What tells that the source has not changed; unknown where a range ended before the source may have."""
    span = order.step.changed if order.step else Span()
    return order.prints.source if span.until is None else None
