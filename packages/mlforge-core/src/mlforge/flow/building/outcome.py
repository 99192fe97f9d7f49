"""What to say of a build that wrote nothing, and of one that wrote an increment."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mlforge.errors import Invalid, MlforgeError
from mlforge.flow.building.build_report import BuildResult
from mlforge.flow.building.commit import BuildOrder
from mlforge.flow.building.compute import Computing
from mlforge.flow.building.figures import still_fresh
from mlforge.flow.planning.plan import Job
from mlforge.flow.versions.fingerprints import Fingerprints
from mlforge.flow.versions.number import expected_change, next_version
from mlforge.model.meta import FeatureMeta
from mlforge.model.span import Span, shown
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.stores import Store


def planned(store: Store, order: BuildOrder, scan: Scan) -> BuildResult:
    """What a dry run says: what would be read, and which number to expect."""
    previous = order.previous.meta if order.previous else None
    change = expected_change(previous, order.prints)
    taken = store.versions(order.name)
    version = order.version or next_version(previous.version if previous else None, change, taken)
    files = f"{len(scan.uris)} files" if len(scan.uris) > 1 else scan.uris[0]
    rises = ("The version may rise further with the columns that come out.",) if previous and not order.step else ()
    onto = f", and continues {order.base.meta.version}" if order.base else ""
    part = f", events {order.step.changed}{onto}" if order.step else ""
    return BuildResult(
        feature=order.name, status="planned", version=version, change=change, engine=order.job.engine.kind,
        notes=(f"Reads {files}{part}.", *rises, *logic_notes(order.prints)), logic_unknown=order.prints.logic.unknown,
    )  # fmt: skip


def unchanged(job: Job, previous: FeatureMeta, note: str, now: datetime) -> BuildResult:
    """Nothing was built, and why. Raises `CheckFailed` where the version has become older than is promised."""
    return BuildResult(
        feature=job.feature.name, status="unchanged", version=previous.version, rows=previous.row_count,
        engine=job.engine.kind, checks=still_fresh(job.feature, previous, now), notes=(note,), meta=previous,
    )  # fmt: skip


def nothing_new(work: Computing, order: BuildOrder, now: datetime) -> BuildResult:
    """The increment changes nothing: what to say where the range was the user's, and where it was not."""
    feature, step = work.feature, order.step
    if order.base and step and step.additions:
        note = (
            f"The source has changed, and has no event {step.changed}, where {order.base.meta.version} ends. "
            "Build what changed earlier with --since, or all of it with --full-refresh."
        )
        return msgspec.structs.replace(unchanged(order.job, order.base.meta, note, now), source_changed=True)
    span = step.changed if step else Span()
    raise Invalid(f"{feature.name!r} has no event {span}{_source_extent(work, span)}.", hint="Give another range.")


def _source_extent(work: Computing, span: Span) -> str:
    """`: the source's run from … to …`, where its times can be told without the function; or what is there."""
    engine, timestamp = work.engine, work.feature.timestamp
    try:
        found = engine.extent(engine.scan(work.scan), timestamp)
        there = engine.extent(engine.within(engine.scan(work.scan), timestamp, span), timestamp) if timestamp else found
    except MlforgeError:
        return ""
    if there.rows and timestamp:
        return f": of the source's {there.rows:,} there each has a null key, or is left out by the function"
    if found.first is None or found.last is None:
        return ": the source has none at all"
    return f": the source's run from {shown(found.first)} to {shown(found.last)}"


def increment_notes(order: BuildOrder, meta: FeatureMeta) -> tuple[str, ...]:
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


def logic_notes(prints: Fingerprints) -> tuple[str, ...]:
    """What of the function cannot be told, and what follows."""
    if not prints.logic.unknown:
        return ()
    what = "; ".join(prints.logic.unknown)
    return (f"Not all that decides what the function does can be told: {what}. It is built each time.",)
