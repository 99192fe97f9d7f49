"""Reading served values: prepared once for some features, then asked as often as one likes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, islice
from time import monotonic, time_ns
from typing import Any, NamedTuple

from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, LockPolicy
from mlforge.flow.online.locked import ServedVersion, served
from mlforge.flow.online.lookup import EntityRow, Found, Lookup, ServedStatus
from mlforge.flow.online.requested import RequestLookup
from mlforge.flow.online.vector import Vector
from mlforge.flow.requests import compose
from mlforge.flow.specs import asked_of, prefixes
from mlforge.model.feature import FeatureSpec
from mlforge.model.html import html, table
from mlforge.model.keys import BadKey
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import Requested
from mlforge.model.schema import Schema
from mlforge.plugin.codec import decode_entry
from mlforge.plugin.online_stores import Address, Asked, AsyncReading, EncodedReading, Entry, OnlineStore

_log = logging.getLogger("mlforge.online")
REFRESHED_AFTER = 5.0
Kept = bytes | Entry | None
"""What a store gives of an entity: the bytes of its entry where it reads those, else the entry; None for nothing."""


class OnlineFeatures(NamedTuple):
    """What was asked for: a row of values for each entity, and for each a status by feature.

    A status is `present`, `missing` (no such entity, or nothing known yet), `expired` (older than the feature's
    `max_age`: null) or `stale` (the last known value; publish again).

    Example:
        >>> _ = defs.publish("user_spend", as_of="2026-02-15")
        >>> found = defs.get_online_features("user_spend", [{"user_id": "nobody"}], with_status=True)
        >>> found.values[0]["purchases_7d"], found.statuses
        (None, [{'user_spend': 'missing'}])
    """

    values: Any
    statuses: list[dict[str, ServedStatus]]

    def _repr_html_(self) -> str:
        listed = [v for v in self.values if isinstance(v, dict)] if isinstance(self.values, list) else []
        if len(listed) < len(self.statuses):
            return html("<pre>{}</pre>", self.values) + table(("statuses",), [(s,) for s in self.statuses])
        heads = (*dict.fromkeys(name for row in listed for name in row), "status")
        told = [", ".join(f"{name}: {how}" for name, how in status.items()) for status in self.statuses]
        rows = [(*(row.get(h) for h in heads[:-1]), status) for row, status in zip(listed, told, strict=True)]
        return table(heads, rows)


class _Prepared:
    """The features as they were published when somebody last looked, and what is computed of them."""

    def __init__(
        self, lookups: Sequence[Lookup], notes: Sequence[bytes], requests: Sequence[RequestLookup] = ()
    ) -> None:
        self.lookups, self.notes, self.requests = tuple(lookups), tuple(notes), tuple(requests)
        self.vector = Vector(self.lookups, self.requests)
        self.names, self.columns = self.vector.names, self.vector.columns
        self.found = tuple(one.found for one in lookups)
        self.read = self.vector.read
        places: dict[Any, int] = {}
        for one in self.read:
            places.setdefault(one.keys.about, len(places))
        self.keys = tuple(next(one.keys for one in self.read if one.keys.about == about) for about in places)
        self.slots = tuple((one.place, places[one.keys.about]) for one in self.read)

    def asked(self, rows: Sequence[EntityRow], first: int = 0) -> list[Asked]:
        """For each feature that is read the keys of the entities, in order."""
        for one in self.requests:
            one.check(rows, first)
        keys = [one.hashes(rows, first) for one in self.keys]
        return [(name, keys[place]) for name, place in self.slots]


class Reader:
    """Reads the values of some features for any entities, of one published version each.

    One read of the store for a request, whatever its features and entities. What was published is looked at again every
    few seconds. Threads may share a reader.

    Args:
        store: A live online store.
        features: `"f"`, `("f", "1.0.0")`, `FeatureSpec("f", columns=[…])`, or several.
        full_names: Name the columns `{feature}__{column}`, or `{feature}@{version}__{column}` where several versions
            of the feature are read.
        clock: The present instant, in microseconds since the Unix epoch.
        refreshed_after: Seconds after which a new publish is noticed at the latest.
        lock: Read its versions of `features`, or of all that it has.
        policy: What to do where another version is served than the lock has.
        warn: Whom to tell where that is served all the same; the log if None.

    Raises:
        NotFound: A feature that has not been published, or is served as another version.
        Invalid: Two features that bring a column of one name, or one that the lock does not have.
        Conflict: What is served is not what the lock has.
    """

    def __init__(
        self,
        store: OnlineStore,
        features: Any,
        full_names: bool = False,
        clock: Callable[[], int] | None = None,
        refreshed_after: float = REFRESHED_AFTER,
        *,
        lock: Lock | None = None,
        policy: LockPolicy = "refuse",
        warn: Callable[[str], None] | None = None,
    ) -> None:
        held, asked = (features, ()) if isinstance(features, Lock) else (lock, features)
        self.store = store
        self.full_names = full_names or (held is not None and held.full_names)
        self._policy: LockPolicy = policy
        self._warn = warn or _log.warning
        self._awaited = store.aread if isinstance(store, AsyncReading) else None
        self._encoded = store if isinstance(store, EncodedReading) else None
        self._asked = asked_of(asked, held)
        self._pins = {(pin.name, pin.version): pin for pin in (held.pins if held else ())}
        self._clock = clock or _now
        self._refreshed_after = refreshed_after
        self._prepared: _Prepared | None = None
        self.refresh()

    @property
    def features(self) -> dict[str, FeatureMeta]:
        """What is known of each feature that is read: its version, keys, columns and description."""
        return {one.label: one.meta for one in self._ready().read}

    @property
    def requests(self) -> tuple[RequestLookup, ...]:
        """The request features."""
        return self._ready().requests

    @property
    def vector(self) -> Vector:
        """How the answer for one entity is put together."""
        return self._ready().vector

    @property
    def schema(self) -> Schema:
        """The columns of an answer and their types."""
        every: list[Lookup | RequestLookup] = [*self._ready().lookups, *self._ready().requests]
        return Schema(tuple(column for one in every for column in one.schema))

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """How each feature is looked up, those last that are read for request features alone."""
        return self._ready().read

    def refresh(self) -> None:
        """Look at what is published now. Raises as the constructor does."""
        self._due = monotonic() + self._refreshed_after
        try:
            self._prepared = self._prepare(self._prepared)
        except BaseException:
            self._due = 0.0
            raise

    def _prepare(self, before: _Prepared | None) -> _Prepared:
        pairs, requests = self._asked
        found = [served(self.store, spec, pin, self._policy) for spec, pin in pairs]
        used = [[self._used(spec) for spec in one.feature.uses] for one in requests]
        every = [*found, *(one for some in used for one in some)]
        notes = tuple(one.last.note for one in every)
        if before is not None and before.notes == notes:
            return before
        for one in every:
            if one.warning:
                self._warn(one.warning)
        begun = prefixes([(one.last.meta.name, one.last.publish.version) for one in found], self.full_names)
        parts = zip(pairs, found, begun, strict=True)
        lookups = [_lookup(spec, one, prefix) for (spec, _), one, prefix in parts]
        _name_apart(lookups)
        computed = [self._computed(one, some) for one, some in zip(requests, used, strict=True)]
        _refuse_collisions([*lookups, *computed])
        return _Prepared(lookups, notes, computed)

    def _used(self, spec: FeatureSpec) -> ServedVersion:
        """What is served of a feature that a request feature uses."""
        return served(self.store, spec, self._pins.get((spec.name, spec.version or "")), self._policy)

    def _computed(self, requested: Requested, used: Sequence[ServedVersion]) -> RequestLookup:
        """A request feature over what is published of the features that it uses."""
        known = {one.last.meta.name: one for one in used}
        made = compose(requested, lambda spec: known[spec.name].last.meta, 0, full_names=self.full_names)
        return RequestLookup(made, [_lookup(use.spec, known[use.meta.name]) for use in made.uses])

    def read(self, rows: Sequence[EntityRow]) -> OnlineFeatures:
        """The values for each entity, in order: a dict of the features' columns, null where there is no value.

        Args:
            rows: For each entity its key columns, or those that surrogate keys are made of, and the inputs of request
                features; others are ignored.

        Raises:
            Invalid: A key or an input that is missing, or of another type.
            PluginFailed: The store does not answer.
        """
        if monotonic() > self._due:
            self.refresh()
        prepared = self._ready()
        asked = prepared.asked(rows)
        return self._answer(prepared, rows, asked, self._kept(asked))

    async def aread(self, rows: Sequence[EntityRow]) -> OnlineFeatures:
        """What `read` gives, without holding up other requests."""
        if monotonic() > self._due:
            self._due = monotonic() + self._refreshed_after
            await asyncio.to_thread(self.refresh)
        prepared = self._ready()
        asked = prepared.asked(rows)
        return self._answer(prepared, rows, asked, await self.akept(asked))

    def asked(self, rows: Sequence[EntityRow], first: int = 0) -> list[Asked]:
        """For each feature the keys of the entities, in order. Raises `BadKey`, which numbers them from `first`."""
        return self._ready().asked(rows, first)

    async def akept(self, asked: Sequence[Asked]) -> list[Sequence[Kept]]:
        """For each feature what is kept of the entities asked for, as the store gives it."""
        if self._encoded is not None:
            return [*await self._encoded.aread_encoded(asked)]
        addresses = _addresses(asked)
        if self._awaited is not None:
            return _by_feature(asked, await self._awaited(addresses))
        return _by_feature(asked, await asyncio.to_thread(self.store.read, addresses))

    def _kept(self, asked: Sequence[Asked]) -> list[Sequence[Kept]]:
        if self._encoded is not None:
            return [*self._encoded.read_encoded(asked)]
        return _by_feature(asked, self.store.read(_addresses(asked)))

    def now(self) -> int:
        """The present instant, in microseconds since the Unix epoch."""
        return self._clock()

    def _answer(
        self,
        prepared: _Prepared,
        rows: Sequence[EntityRow],
        asked: Sequence[Asked],
        kept: Sequence[Sequence[Kept]],
    ) -> OnlineFeatures:
        now = self._clock()
        if prepared.requests:
            return _computed(prepared.vector, rows, asked, kept, now)
        parts: list[Any] = []
        seen: list[Any] = []
        for look, (feature, keys), column in zip(prepared.found, asked, kept, strict=True):
            try:
                found = [look(_entry(one, feature, key), now) for key, one in zip(keys, column, strict=True)]
            except Invalid:
                _refuse_first(look, [_entry(one, feature, key) for key, one in zip(keys, column, strict=True)], now)
                raise
            parts.append([one[0] for one in found])
            seen.append([one[1] for one in found])
        columns, names = prepared.columns, prepared.names
        values = [dict(zip(columns, chain.from_iterable(row), strict=True)) for row in zip(*parts, strict=True)]
        statuses = [dict(zip(names, row, strict=True)) for row in zip(*seen, strict=True)]
        return OnlineFeatures(values, statuses)

    def _ready(self) -> _Prepared:
        if self._prepared is None:
            raise Invalid("The reader is not prepared.", hint="Call refresh().")
        return self._prepared


def _lookup(spec: FeatureSpec, one: ServedVersion, prefix: str = "") -> Lookup:
    return Lookup(spec, one.last.publish, one.last.meta, prefix, one.last.place, one.exact)


def _computed(
    vector: Vector, rows: Sequence[EntityRow], asked: Sequence[Asked], kept: Sequence[Sequence[Kept]], now: int
) -> OnlineFeatures:
    """The answer, an entity at a time."""
    values, statuses = [], []
    for number, row in enumerate(rows):
        pairs = zip(asked, kept, strict=True)
        entries = [_entry(column[number], feature, keys[number]) for (feature, keys), column in pairs]
        try:
            found, seen, _, _ = vector.of(entries, row, now)
        except Invalid as error:
            raise _of_entity(error, number) from None
        values.append(dict(zip(vector.columns, found, strict=True)))
        statuses.append(dict(zip(vector.names, seen, strict=True)))
    return OnlineFeatures(values, statuses)


def _refuse_first(look: Callable[[Entry | None, int], Found], entries: Sequence[Entry | None], now: int) -> None:
    """Raise for the first entity whose values cannot be computed."""
    for number, entry in enumerate(entries):
        try:
            look(entry, now)
        except Invalid as error:
            raise _of_entity(error, number) from None


def _of_entity(error: Invalid, number: int) -> BadKey:
    """An error about the values of an entity, which names it."""
    return BadKey(f"Entity {number}: {error.message}", error.hint or "", entity=number, what="value")


def _entry(kept: Kept, feature: str, key: str) -> Entry | None:
    return decode_entry(kept, feature, key) if type(kept) is bytes else kept  # type: ignore[return-value]


def _addresses(asked: Sequence[Asked]) -> list[Address]:
    return [Address(feature, key) for feature, keys in asked for key in keys]


def _by_feature(asked: Sequence[Asked], found: Sequence[Entry | None]) -> list[Sequence[Kept]]:
    rest = iter(found)
    return [list(islice(rest, len(keys))) for _, keys in asked]


def _name_apart(lookups: Sequence[Lookup]) -> None:
    """Of a feature that is read in several versions each is told with its own."""
    several = Counter(name for name, _ in {(one.name, one.publish.version) for one in lookups})
    for one in lookups:
        if several[one.name] > 1:
            one.label = f"{one.name}@{one.publish.version}"


def _refuse_collisions(lookups: Sequence[Lookup | RequestLookup]) -> None:
    owners: dict[str, str] = {}
    for one in lookups:
        for column in one.columns.values():
            if owners.get(column) == one.name:
                raise Invalid(
                    f"{one.name!r} is asked for twice, and its column {column!r} would be there twice.",
                    hint="Name it once; of two versions of it ask for full_names.",
                )
            if column in owners:
                raise Invalid(
                    f"{owners[column]!r} and {one.name!r} both bring a column {column!r}.",
                    hint="Choose some columns of each, or full_names: they are feature__column then.",
                )
            owners[column] = one.name


def _now() -> int:
    return time_ns() // 1000
