"""Publishers and readers at once: in threads, and in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from mlforge.plugin import Entry, OnlineStore, OnlineStoreConfig
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry
from mlforge.testing.victim import environment

ENTITIES = 1500
ROUNDS = 4
THREADS = 6


class RacingTests(OnlineSubject):
    """Nothing is lost and nothing is torn, whoever comes at the same time."""

    def test_of_publishers_in_threads_the_newest_wins(self, store: OnlineStore) -> None:
        start = threading.Barrier(THREADS)

        def publish(turn: int) -> None:
            entries = published(turn, 20)
            start.wait(60)
            store.write(entries)

        with ThreadPoolExecutor(THREADS) as pool:
            for first in range(0, 10 * THREADS, THREADS):
                list(pool.map(publish, range(first, first + THREADS)))
                newest = published(first + THREADS - 1, 20)
                assert_found(store.read([e.address for e in newest]), newest)

    def test_of_publishers_in_processes_the_newest_wins(self, folder: Path) -> None:
        config = self.config(folder)
        publishers = [publisher(config, n) for n in (2, 1, 3)]
        outcomes = [p.communicate(timeout=120)[1] for p in publishers]
        assert [p.returncode for p in publishers] == [0, 0, 0], outcomes
        with config.open() as store:
            assert_found(store.read([e.address for e in published(3)]), published(3))

    def test_readers_meanwhile_see_whole_entries_that_never_grow_older(self, store: OnlineStore) -> None:
        store.write(published(0))
        done, seen = threading.Event(), []
        reader = threading.Thread(target=lambda: seen.append(oldest_first(store, done)))
        reader.start()
        try:
            for turn in range(1, ROUNDS):
                store.write(published(turn))
        finally:
            done.set()
            reader.join(60)
        assert seen == [None]

    def test_many_threads_read_at_once(self, store: OnlineStore) -> None:
        kept = published(1)
        store.write(kept)

        def read(start: int) -> None:
            some = kept[start::8]
            for _ in range(20):
                assert_found(store.read([e.address for e in some]), some)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(8)))


def published(turn: int, entities: int = ENTITIES) -> list[Entry]:
    """What one of several publishers writes: in each value its number."""
    return [entry(i, as_of=turn * DAY, a=turn, b=turn, c=turn) for i in range(entities)]


def oldest_first(store: OnlineStore, done: threading.Event) -> str | None:
    """What a reader sees that it should not; None for nothing, until the publishers are done."""
    addresses = [e.address for e in published(0, 40)]
    last = [0] * len(addresses)
    while not done.is_set():
        for place, found in enumerate(store.read(addresses)):
            if found is None or set(found.points[0].values) != {found.as_of // DAY}:
                return f"torn: {found}"
            if found.as_of < last[place]:
                return f"older than {last[place]}: {found}"
            last[place] = found.as_of
    return None


class Errand(msgspec.Struct):
    """What a process is to publish, and where."""

    config: str
    settings: dict[str, Any]
    turn: int


def publisher(config: OnlineStoreConfig, turn: int) -> subprocess.Popen[str]:
    """A process that publishes."""
    kind = type(config)
    errand = Errand(f"{kind.__module__}:{kind.__qualname__}", msgspec.to_builtins(config), turn)
    code = "from mlforge.testing.online.racing import main; main()"
    line = [sys.executable, "-c", code, msgspec.json.encode(errand).decode()]
    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment())  # noqa: S603


def main() -> None:
    """Publish in batches, as another process."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    module, _, name = errand.config.partition(":")
    config = msgspec.convert(errand.settings, getattr(import_module(module), name))
    entries = published(errand.turn)
    with config.open() as store:
        for start in range(0, ENTITIES, 100):
            store.write(entries[start : start + 100])
