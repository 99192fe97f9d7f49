"""The online store as the server sees it: its notes as somebody last looked, its entries without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, AsyncReading, EncodedReading, Entry, OnlineStore


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


class Noted:
    """A store of which only the notes are known."""

    def __init__(self, notes: Mapping[str, bytes | None]) -> None:
        self._notes = notes

    def read_note(self, feature: str) -> bytes | None:
        return self._notes.get(feature)


class Notes:
    """What a store notes, each place read once."""

    def __init__(self, store: OnlineStore) -> None:
        self._store = store
        self.found: dict[str, bytes | None] = {}

    def read_note(self, place: str) -> bytes | None:
        if place not in self.found:
            self.found[place] = self._store.read_note(place)
        return self.found[place]
