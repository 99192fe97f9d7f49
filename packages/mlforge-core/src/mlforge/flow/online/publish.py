"""Publishing: a committed version into an online store, whole or only what changed, and what is gone out of it.

Two publishers of one feature never undo each other. An entry with an older `as_of` never replaces a newer one, whoever
writes last; and each publisher says in the feature's note that it has begun, before it writes. One that finds a newer
note stops. One that finds that the publish before it never ended writes everything, not only what changed. Only one and
the same publish ever bears an `as_of`: of two entries with one, stores keep the later written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from time import perf_counter

import msgspec

from mlforge.errors import Conflict, Invalid, MlforgeError
from mlforge.flow.failure import failure_of
from mlforge.flow.moments import iso
from mlforge.flow.online.entries import BATCH, changes, comparable, entries, tombstone
from mlforge.flow.online.publication import DEFAULT_HORIZON, Publication, Round, beside, decode_publication
from mlforge.flow.online.publish_report import PublishResult
from mlforge.flow.progress import Progress, Tell
from mlforge.flow.versions.find import artifact as find
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.model.duration import MICROS, Duration
from mlforge.model.meta import Artifact
from mlforge.model.span import micros_of
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.online_stores import Entry, Expiring, Listing, OnlineStore
from mlforge.plugin.stores import Store

RESUMED_WITHIN = MICROS["h"]
LAST = micros_of(datetime.max.replace(tzinfo=UTC))
TRIES = 20


class Publishing(msgspec.Struct, frozen=True):
    """What it takes to publish: stores, an engine and its name, a clock that tells microseconds, and whom to tell."""

    store: Store
    online: OnlineStore
    engine: Engine
    engine_kind: str
    clock: Callable[[], int]
    tell: Tell
    batch: int = BATCH

    @property
    def now(self) -> int:
        """The present instant. Another one may have published since somebody asked last."""
        return self.clock()


class PublishOrder(msgspec.Struct, frozen=True):
    """What to publish: a feature, a version (the latest if None), as of when (now if None), how far ahead.

    `force` writes every entry, changed or not; `beside` leaves what is served to those who name no version.
    """

    feature: str
    version: str | None = None
    as_of: int | None = None
    horizon: Duration | None = None
    force: bool = False
    beside: bool = False

    @property
    def place(self) -> str:
        """What the feature is called in the online store."""
        return beside(self.feature, self.version) if self.beside and self.version else self.feature


def publish_safely(publishing: Publishing, order: PublishOrder) -> PublishResult:
    """Publish a feature; whatever goes wrong is its own failure and nobody else's."""
    return safely(order.place, lambda: publish(publishing, order))


def safely(place: str, change: Callable[[], PublishResult]) -> PublishResult:
    """Change what is served of one feature, and tell how long it took; what it raises is its result."""
    started = perf_counter()
    try:
        result = change()
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        result = PublishResult(feature=place, status="failed", failure=failure_of(error))
    return msgspec.structs.replace(result, seconds=perf_counter() - started)


def publish(publishing: Publishing, order: PublishOrder) -> PublishResult:
    """Write what a version holds as of an instant, and remove what is gone. One that was cut off is taken up again.

    Raises:
        NotFound: The feature or the version was not built.
        Conflict: A newer publish is there, or came meanwhile.
        Invalid: An instant that lies ahead, or damaged data.
    """
    if order.as_of is not None and order.as_of > publishing.now:
        raise Invalid(
            f"{order.feature!r} cannot be published as of {iso(order.as_of)}, which lies ahead.",
            hint="Nothing older could be published until then. Change points ahead are published anyway.",
        )
    run = _Run(publishing, order, find(publishing.store, order.feature, order.version))
    with reading(publishing.store, run.read()):
        if not run.begin():
            return run.result("unchanged")
        run.write()
        run.end()
    return run.result("published")


class _Run:
    """One publish of one feature: what is noted of it, and how far it is."""

    def __init__(self, publishing: Publishing, order: PublishOrder, new: Artifact) -> None:
        self.publishing, self.order, self.new = publishing, order, new
        self.online = publishing.online
        self.note: Publication
        self._raw: bytes | None = None
        self.old: Artifact | None = None
        self.entities = self.removed = self.resumed = 0

    def read(self) -> Iterator[Artifact]:
        """The versions that it reads, as far as it is known when they are asked for."""
        yield self.new
        if self.old is not None:
            yield self.old

    def begin(self) -> bool:
        """Note that this publish has begun; False where there is nothing to do."""
        for _ in range(TRIES):
            seen = self._look()
            wanted = self._wanted(seen)
            self.old = self._base(seen, wanted)
            if seen and seen.done and seen.whole and wanted.same_rows(seen.done) and not self._must_write():
                self.note = seen
                return False
            self.new = self._near(self.new)
            self.resumed = wanted.written
            before = seen or Publication(wanted)
            if self._swap(msgspec.structs.replace(before, begun=wanted)):
                return True
        raise Conflict(f"Many publish {self.order.place!r} at once.", hint="Let them finish, then publish again.")

    def write(self) -> None:
        """Write what has to be written, batch by batch, each noted."""
        publish, engine = self.note.begun, self.publishing.engine
        new = entries(engine, self.new, publish, self.order.place)
        done = self.note.done
        wanted = changes(entries(engine, self.old, done, self.order.place), new, publish) if self.old and done else new
        left = islice(wanted, self.resumed, None)
        while batch := list(islice(left, self.publishing.batch)):
            self._write(batch)
            self._advance(self.note.begun.written + len(batch))

    def end(self) -> None:
        """Remove what is left over, and note that the publish is whole."""
        publish = self.note.begun
        if self.note.done is not None and publish.all and isinstance(self.online, Listing):
            left = iter(self.online.older(self.order.place, publish.as_of))
            while keys := list(islice(left, self.publishing.batch)):
                self._write([tombstone(self.order.place, key, publish) for key in keys])
        meta = msgspec.structs.replace(self.new.meta, parts=(), lineage=None)
        while not self._swap(Publication(publish, publish, meta)):
            self._refuse_overtaken()

    def result(self, status: str) -> PublishResult:
        """What there is to say of it."""
        publish = self.note.begun
        return PublishResult(
            feature=self.order.place, status=status, version=publish.version, as_of=iso(publish.as_of),
            until=None if publish.until is None else iso(publish.until), entities=self.entities,
            removed=self.removed, resumed=self.resumed, whole=status == "published" and self.old is None,
        )  # fmt: skip

    def _look(self) -> Publication | None:
        self._raw = self.online.read_note(self.order.place)
        seen = decode_publication(self.order.place, self._raw)
        return Publication(seen.begun) if seen is not None and seen.withdrawn else seen

    def _swap(self, note: Publication) -> bool:
        after = note.encode(self.order.place)
        if not self.online.swap_note(self.order.place, self._raw, after):
            return False
        self._raw, self.note = after, note
        return True

    def _wanted(self, seen: Publication | None) -> Round:
        """This publish, or the one like it that was cut off, or that is there already."""
        meta, order = self.new.meta, self.order
        if seen is not None and self._is_taken_up(seen):
            return seen.begun
        as_of = self.publishing.now if order.as_of is None else order.as_of
        if seen is not None and seen.begun.as_of > as_of:
            ahead = seen.begun.as_of > self.publishing.now
            raise _ahead(order.place, seen.begun) if ahead else _overtaken(order.place, seen.begun)
        if seen and seen.done and seen.whole and meta.timestamp is None and self._publishes(seen.done):
            as_of = seen.done.as_of if order.as_of is None and not self._must_write() else as_of
        base = seen.done if seen and self._can_compare(seen) else None
        since = base.since if base else as_of
        wanted = Round(
            meta.version, meta.content_hash, as_of, self._until(as_of), self.publishing.engine_kind, since, base is None
        )
        if seen is not None and seen.begun.as_of == as_of and not seen.begun.same_rows(wanted):
            raise _overtaken(order.place, seen.begun)
        return wanted

    def _is_taken_up(self, seen: Publication) -> bool:
        """Whether to go on with a publish that was cut off."""
        cut = seen.begun
        if seen.whole or self.order.force or not self._publishes(cut) or cut.engine != self.publishing.engine_kind:
            return False
        if cut.until != self._until(cut.as_of):
            return False
        if not cut.all and (seen.done is None or self._published(seen.done) is None):
            return False
        recent = self.publishing.now - cut.as_of < RESUMED_WITHIN
        return self.order.as_of == cut.as_of or (self.order.as_of is None and recent)

    def _publishes(self, other: Round) -> bool:
        meta = self.new.meta
        return (other.version, other.content_hash) == (meta.version, meta.content_hash)

    def _base(self, seen: Publication | None, wanted: Round) -> Artifact | None:
        """The version to compare with; None where everything is written."""
        return None if wanted.all or seen is None or seen.done is None else self._published(seen.done)

    def _can_compare(self, seen: Publication) -> bool:
        """Whether what is there is known to be what was published last, and that can be read again."""
        if seen.done is None or not seen.whole or self._must_write():
            return False
        old = self._published(seen.done)
        return old is not None and comparable(old, self.new)

    def _published(self, done: Round) -> Artifact | None:
        try:
            old = self.publishing.store.get(self.order.feature, done.version)
            is_same = old.meta.content_hash == done.content_hash
            return self._near(old) if is_same else None
        except MlforgeError:
            return None

    def _near(self, artifact: Artifact) -> Artifact:
        return within_reach(self.publishing.store, self.publishing.engine, artifact, relied=True)

    def _must_write(self) -> bool:
        """Whether entries have to be written even where they have not changed."""
        expires = self.online.lifetime() if isinstance(self.online, Expiring) else None
        return self.order.force or expires is not None

    def _until(self, as_of: int) -> int | None:
        """How far ahead change points are written; None for a feature without time."""
        meta, given = self.new.meta, self.order.horizon
        if meta.timestamp is None:
            return None
        ahead = 2 * Duration.parse(meta.interval).micros if meta.interval else DEFAULT_HORIZON
        return min(as_of + (ahead if given is None else given.micros), LAST)

    def _write(self, batch: list[Entry]) -> None:
        if self.online.write(batch) < len(batch):
            self._refuse_overtaken()
            raise _unnoted(self.order, self.note.begun)
        gone = sum(not e.points for e in batch)
        self.removed += gone
        self.entities += len(batch) - gone
        self.publishing.tell(Progress(self.order.place, "publishing", self.entities + self.removed))

    def _advance(self, written: int) -> None:
        """Note how far it is."""
        while not self._swap(msgspec.structs.replace(self.note, begun=_at(self.note.begun, written))):
            self._refuse_overtaken()

    def _refuse_overtaken(self) -> None:
        """Another publish of the very same may note things too; any other one ends this."""
        seen = self._look()
        if seen is None or not seen.begun.same_rows(self.note.begun):
            raise _overtaken(self.order.place, None if seen is None else seen.begun)


def _at(publish: Round, written: int) -> Round:
    return msgspec.structs.replace(publish, written=written)


def _overtaken(feature: str, newer: Round | None) -> Conflict:
    if newer is None:
        return Conflict(f"What was noted of {feature!r} is gone from the online store.", hint="Publish it again.")
    verb = "published" if newer.engine else "withdrawn"
    return Conflict(
        f"{feature!r} {newer.version} was {verb} as of {iso(newer.as_of)}, which is not before this.",
        hint="Publish as of a later instant: without --as-of it is now.",
    )


def _unnoted(order: PublishOrder, publish: Round) -> Conflict:
    """Newer entries stay: they would be served as what this publish wrote, were it noted as whole."""
    name = f"{order.feature}@{order.version}" if order.version else order.feature
    return Conflict(
        f"The online store has entries of {order.place!r} that are newer than {iso(publish.as_of)}, and notes none.",
        hint=f"Publish as of now: mlforge publish {name}{' --beside' if order.beside else ''} --force",
    )


def _ahead(feature: str, newer: Round) -> Conflict:
    """The clock is behind here, or was ahead where it was published: nothing older is ever written over that."""
    return Conflict(
        f"{feature!r} {newer.version} was published as of {iso(newer.as_of)}, which lies ahead by the clock here.",
        hint="Set the clock. If it was another's that was wrong, wait until then, or publish to a place of its own: "
        "another path, prefix, table or schema.",
    )
