"""What is published, as last looked, and readers for what is asked."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed
from mlforge.model.feature import FeatureSpec
from mlforge.plugin import Address, AsyncReading, EncodedReading, Entry, OnlineStore
from mlforge_serve.answers import FORMATS
from mlforge_serve.door import Lookup, Reader, RequestLookup, Served
from mlforge_serve.requests import CONVERTED, Pick, spec_of
from mlforge_serve.rows import Memory, Rows

READERS = 256
BESIDE = 256
"""Versions beside those served to all that are watched because somebody asked for them."""
_log = logging.getLogger("mlforge.serve")
Wanted = tuple[tuple[str | Pick, ...], bool]


class Unwatched(Exception):
    """A version is asked for of which nobody has looked yet whether it is served beside the one for all."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class Watched:
    """The online store as readers see it: notes as last looked, entries without holding up the event loop."""

    def __init__(self, store: OnlineStore, threads: int) -> None:
        self.store = store
        self.notes: dict[str, bytes | None] = {}
        self._read = store.aread if isinstance(store, AsyncReading) else self._read_in_a_thread
        self._threads = ThreadPoolExecutor(threads, "read")

    def read_note(self, feature: str) -> bytes | None:
        if feature not in self.notes:
            if "@" in feature and self.notes:
                raise Unwatched(feature)
            raise PluginFailed("The online store has not answered yet.", hint="Try again.")
        return self.notes[feature]

    async def aread(self, addresses: Sequence[Address]) -> list[Entry | None]:
        return await self._read(addresses)

    async def aclose(self) -> None:
        """End what reading opened; reads that hang are left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if isinstance(self.store, AsyncReading):
            await self.store.aclose()

    async def _read_in_a_thread(self, addresses: Sequence[Address]) -> list[Entry | None]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.store.read, addresses)


class WatchedEncoded(Watched):
    """One that gives entries as they are encoded."""

    def __init__(self, store: EncodedReading, threads: int) -> None:
        live: Any = store
        super().__init__(live, threads)
        self.read_encoded, self.aread_encoded = store.read_encoded, store.aread_encoded


class _Noted:
    """A store of which only the notes are known."""

    def __init__(self, notes: Mapping[str, bytes | None]) -> None:
        self._notes = notes

    def read_note(self, feature: str) -> bytes | None:
        return self._notes.get(feature)


class Plan(NamedTuple):
    """How one combination of features is read.

    Args:
        reader: Reads it.
        names: The features.
        places: Where each feature stands among those served.
        given: The keys and inputs, what keys are made of among them: all that is read of an entity.
        dtypes: The types of those that come as text in JSON.
        rows: The rows that are answered, by whether in MessagePack.
        versions: Which version each stored feature is of, those that are read for request features too, encoded in the
            same ways.
    """

    reader: Reader
    names: tuple[str, ...]
    places: tuple[int, ...]
    given: frozenset[str]
    dtypes: dict[str, str]
    rows: tuple[Rows, ...]
    versions: tuple[bytes, ...]


class Catalog:
    """The features that are served. Looks at the store in the background; asking it never waits."""

    def __init__(self, served: Served, store: OnlineStore, threads: int, remembered: int) -> None:
        self.served, self.store = served, store
        self.watched = WatchedEncoded(store, threads) if isinstance(store, EncodedReading) else Watched(store, threads)
        self.places = {name: place for place, name in enumerate(served.features)}
        self.sets = {one.name: one for one in served.sets}
        self._named = [spec.text for one in served.sets for spec in one.specs if spec.version]
        self._beside: OrderedDict[str, None] = OrderedDict()
        self.lookups: dict[str, Lookup] = {}
        self.requests: dict[str, RequestLookup] = {}
        self._stored = [name for name in self.places if name not in served.requests]
        uses = [use for one in served.requests.values() for use in one.uses]
        self._used = [place for use in uses for place in dict.fromkeys([use.name, use.text])]
        self.up = False
        self._plans: OrderedDict[Wanted, Plan] = OrderedDict()
        self._memory = Memory(remembered)
        self._looking = ThreadPoolExecutor(1, "look")
        self._pinging = ThreadPoolExecutor(1, "ping")
        self._ping: asyncio.Future[None] | None = None

    async def look(self) -> None:
        """See what is published now. What fails is logged once, and what was known stays."""
        try:
            notes, lookups, requests = await asyncio.get_running_loop().run_in_executor(self._looking, self._looked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at again
            self._is_down(error)
            return
        if not self.up:
            _log.info("the online store answers")
        self.up = True
        if notes != self.watched.notes:
            self.watched.notes, self.lookups, self.requests = notes, lookups, requests
            self._forget(list(self._plans))

    async def watch(self, place: str) -> None:
        """See whether a version is served beside that for all, now and from now on. Raises `PluginFailed`."""
        note = await asyncio.get_running_loop().run_in_executor(self._looking, self.store.read_note, place)
        self.watched.notes[place] = note
        self._beside[place] = None
        if len(self._beside) > BESIDE:
            gone, _ = self._beside.popitem(last=False)
            if self.watched.notes.pop(gone, None) is not None:
                self._forget(list(self._plans))

    async def check(self) -> None:
        """See whether the store answers; where it does again, what is published now."""
        try:
            await self.ping()
        except Exception as error:  # noqa: BLE001 - as above
            self._is_down(error)
        else:
            if not self.up:
                await self.look()

    def _is_down(self, error: Exception) -> None:
        if self.up or not self.watched.notes:
            _log.error("the online store does not answer: %s", error)
        self.up = False

    async def ping(self) -> None:
        """Return where the store answers; those who ask at once share one question. Raises `PluginFailed`."""
        if self._ping is None or self._ping.done():
            self._ping = asyncio.get_running_loop().run_in_executor(self._pinging, self.store.ping)
        await asyncio.shield(self._ping)

    async def aclose(self) -> None:
        self._looking.shutdown(wait=False, cancel_futures=True)
        self._pinging.shutdown(wait=False, cancel_futures=True)
        await self.watched.aclose()

    def lookup(self, name: str) -> Lookup | RequestLookup:
        """What is known of a feature. Raises `NotFound`."""
        if name in self.requests:
            return self.requests[name]
        if name in self.served.requests:
            self.plan(((name,), False))  # says what of it has not been published
        if name not in self.lookups:
            self._refuse_stranger(name)
            self.watched.read_note(name)
            raise NotFound(f"{name!r} has not been published.", hint=f"Publish it: mlforge publish {name}")
        return self.lookups[name]

    def plan(self, wanted: Wanted) -> Plan:
        """The way to read some features, kept for the next time. Raises `NotFound` and `Invalid`."""
        found = self._plans.get(wanted)
        if found is None:
            found = self._plans[wanted] = self._made(*wanted)
            if len(self._plans) > READERS:
                self._forget([next(iter(self._plans))])
        else:
            self._plans.move_to_end(wanted)
        return found

    def _made(self, features: tuple[str | Pick, ...], full_names: bool) -> Plan:
        specs = [spec for one in features for spec in self.members(one)]
        for spec in specs:
            self._refuse_stranger(spec.name)
        watched: Any = self.watched
        reader = self.served.reader(watched, specs, full_names, refreshed_after=math.inf, warn=_told_already)
        lookups = reader.lookups
        keys = [(k.name, one.meta.schema.dtype(k.name)) for one in lookups for k in one.meta.keys]
        keys += [pair for one in lookups for types in one.meta.key_types.values() for pair in types.items()]
        keys += [pair for one in reader.requests for pair in one.feature.inputs.items()]
        sources = [source for one in lookups for key in one.meta.keys for source in key.sources]
        names = tuple(reader.vector.features)
        versions = {one.label: one.publish.version for one in lookups}
        return Plan(
            reader, names, tuple(self.places[n] for n in names), frozenset([*dict(keys), *sources]),
            {n: d for n, d in keys if d in CONVERTED},
            tuple(Rows(reader.vector, form, self._memory) for form in FORMATS),
            tuple(form.document(versions) for form in FORMATS),
        )  # fmt: skip

    def members(self, one: str | Pick) -> Sequence[FeatureSpec]:
        """The features that are meant by a name, which may be a set's. Raises `Invalid`."""
        if isinstance(one, str) and one in self.sets:
            return self.sets[one].specs
        spec = spec_of(one)
        if spec.name in self.sets:
            if spec == FeatureSpec(spec.name):
                return self.sets[spec.name].specs
            raise Invalid(
                f"{spec.name!r} is a feature set, which has neither versions nor columns of its own.",
                hint="Name it alone: its features have them.",
            )
        return (spec,)

    def _forget(self, wanted: Sequence[Wanted]) -> None:
        """Let go of the ways to read some combinations."""
        for one in wanted:
            self._memory.disown(self._plans.pop(one).rows)

    def _refuse_stranger(self, name: str) -> None:
        if name not in self.places:
            raise NotFound(f"There is no feature {name!r} here.", hint="GET /features lists what is served.")

    def _looked(self) -> tuple[dict[str, bytes | None], dict[str, Lookup], dict[str, RequestLookup]]:
        """What is published now, and how it is looked up: of what did not change, as before."""
        places = dict.fromkeys([*self._stored, *self._named, *self._used, *self._beside])
        notes = {name: self.store.read_note(name) for name in places}
        if notes == self.watched.notes:
            return notes, self.lookups, self.requests
        found: dict[str, Lookup] = {}
        for name in self._stored:
            found |= {one.label: one for one in self._known(name, notes) or self._learned(name, notes)}
        computed = {name: reader.requests[0] for name in self.served.requests if (reader := self._read(name, notes))}
        return notes, found, computed

    def _known(self, name: str, notes: Mapping[str, bytes | None]) -> Sequence[Lookup]:
        """How a feature is looked up whose note is as it was; nothing where that has to be seen anew."""
        same = self.served.lock is None and notes[name] == self.watched.notes.get(name)
        return (self.lookups[name],) if same and name in self.lookups else ()

    def _learned(self, name: str, notes: Mapping[str, bytes | None]) -> Sequence[Lookup]:
        """How a feature is looked up: in one version, or in those of a lock; nothing where it is not served."""
        reader = self._read(name, notes)
        return reader.lookups if reader else ()

    def _read(self, name: str, notes: Mapping[str, bytes | None]) -> Reader | None:
        """How a feature is read, of what is noted; None where it is not served."""
        noted: Any = _Noted(notes)
        try:
            return self.served.reader(noted, [name], False, refreshed_after=math.inf, warn=_log.warning)
        except NotFound:
            return None
        except MlforgeError as error:
            _log.error("%s is not served: %s", name, error)
            return None


def _told_already(_: str) -> None:
    """What was published is warned of when it is looked at, and not again with each combination of features."""
