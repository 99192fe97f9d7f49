"""What is published, as last looked, and readers for what is asked."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.model.feature import FeatureSpec
from mlforge.plugin import EncodedReading, OnlineStore
from mlforge_serve.answers import FORMATS
from mlforge_serve.door import Lookup, Reader, RequestLookup, Served
from mlforge_serve.notes import Noted, Notes, Unwatched, Watched, WatchedEncoded
from mlforge_serve.requests import CONVERTED, Pick, spec_of
from mlforge_serve.rows import Memory, Rows

READERS = 256
BESIDE = 256
"""Versions beside those served to all that are watched because somebody asked for them."""
_log = logging.getLogger("mlforge.serve")
Wanted = tuple[tuple[str | Pick, ...], bool]


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


class Seen(NamedTuple):
    """What was published when somebody looked: all notes, what is served, and how each feature of it is looked up."""

    notes: dict[str, bytes | None]
    served: Served
    lookups: dict[str, Lookup]
    requests: dict[str, RequestLookup]


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
        self.up = False
        self._plans: OrderedDict[Wanted, Plan] = OrderedDict()
        self._memory = Memory(remembered)
        self._looking = ThreadPoolExecutor(1, "look")
        self._pinging = ThreadPoolExecutor(1, "ping")
        self._ping: asyncio.Future[None] | None = None

    async def look(self) -> None:
        """See what is published now. What fails is logged once, and what was known stays."""
        try:
            seen = await asyncio.get_running_loop().run_in_executor(self._looking, self._looked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at again
            self._is_down(error)
            return
        if not self.up:
            _log.info("the online store answers")
        self.up = True
        if seen is not None:
            self.watched.notes, self.served, self.lookups, self.requests = seen
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

    async def find(self, name: str) -> Lookup | RequestLookup:
        """What is known of a feature, or of `name@version`. Raises `NotFound`, and `Invalid` for what is no version."""
        while True:
            try:
                return self.lookup(name)
            except Unwatched as missing:
                await self.watch(missing.place)

    def lookup(self, name: str) -> Lookup | RequestLookup:
        """The same of what was looked at. Raises `Unwatched`, too."""
        if name in self.requests:
            return self.requests[name]
        if name in self.served.requests:
            self.plan(((name,), False))  # says what of it has not been published
        if name not in self.lookups:
            if name.partition("@")[0] in self.lookups:
                return self.plan(((name,), False)).reader.lookups[0]
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

    def _looked(self) -> Seen | None:
        """What is published now, and how it is looked up: of what did not change, as before; None where nothing did."""
        notes = Notes(self.store)
        served = self.served.as_noted(notes)
        stored = [name for name in self.places if name not in served.requests]
        for place in dict.fromkeys([*stored, *self._named, *_used(served), *self._beside]):
            notes.read_note(place)
        if notes.found == self.watched.notes:
            return None
        found: dict[str, Lookup] = {}
        for name in stored:
            found |= {one.label: one for one in self._known(name, notes.found) or _learned(served, name, notes.found)}
        readers = {name: _reader(served, name, notes.found) for name in served.requests}
        return Seen(notes.found, served, found, {name: one.requests[0] for name, one in readers.items() if one})

    def _known(self, name: str, notes: Mapping[str, bytes | None]) -> Sequence[Lookup]:
        """How a feature is looked up whose note is as it was; nothing where that has to be seen anew."""
        same = self.served.lock is None and notes[name] == self.watched.notes.get(name)
        return (self.lookups[name],) if same and name in self.lookups else ()


def _used(served: Served) -> list[str]:
    """Where the notes of what request features use stand."""
    uses = [use for one in served.requests.values() for use in one.uses]
    return [place for use in uses for place in (use.name, use.text)]


def _learned(served: Served, name: str, notes: Mapping[str, bytes | None]) -> Sequence[Lookup]:
    """How a feature is looked up: in one version, or in those of a lock; nothing where it is not served."""
    reader = _reader(served, name, notes)
    return reader.lookups if reader else ()


def _reader(served: Served, name: str, notes: Mapping[str, bytes | None]) -> Reader | None:
    """How a feature is read, of what is noted; None where it is not served."""
    noted: Any = Noted(notes)
    try:
        return served.reader(noted, [name], False, refreshed_after=math.inf, warn=_log.warning)
    except NotFound:
        return None
    except MlforgeError as error:
        _log.error("%s is not served: %s", name, error)
        return None


def _told_already(_: str) -> None:
    """What was published is warned of when it is looked at, and not again with each combination of features."""
