"""Publishers and readers at once: in threads, and in processes of their own."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlforge.plugin import Entry, OnlineStore
from mlforge.testing.online.apart import at_once, finished, started
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry

MOST_ROUNDS, READS, SEEN = 40, 60, 40
THREADS, TURNS = 6, 5
MOST_LOST = 10_000


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
        assert finished(at_once([started(config, publish, n, self.several) for n in (2, 1, 3)])) == [0, 0, 0]
        with config.open() as store:
            newest = published(3, self.several)
            assert_found(store.read([e.address for e in newest]), newest)

    def test_a_publisher_goes_on_while_others_come_and_go(self, folder: Path) -> None:
        config = self.config(folder)
        with config.open() as store:
            for turn in range(1, TURNS):
                own = entry(turn, feature="own", x=turn)
                store.write([own])
                assert finished(at_once([started(config, publish, turn, 20)])) == [0]
                newest = published(turn, 20)
                assert_found(store.read([own.address, *[e.address for e in newest]]), [own, *newest])
        with config.open() as store:
            kept = [entry(turn, feature="own", x=turn) for turn in range(1, TURNS)]
            assert_found(store.read([e.address for e in kept]), kept)

    def test_of_processes_that_count_in_a_note_none_loses_a_count(self, folder: Path) -> None:
        config, turns = self.config(folder), max(20, self.several // 10)
        with config.open() as store:
            counting = at_once([started(config, count, turns) for _ in range(3)])
            while any(process.poll() is None for process in counting):
                note = store.read_note("spend")
                assert note is None or note.isdigit(), f"half a note was read: {note!r}"
            assert finished(counting) == [0, 0, 0]
            assert store.read_note("spend") == b"%d" % (3 * turns)

    def test_readers_meanwhile_see_whole_entries_that_never_grow_older(self, store: OnlineStore) -> None:
        store.write(published(0, self.several))
        watch = Watch(store)
        reader = threading.Thread(target=watch.run)
        reader.start()
        for turn in range(1, MOST_ROUNDS):
            store.write(published(turn, self.several))
            if watch.reads >= READS or watch.wrong:
                break
        watch.done.set()
        reader.join(60)
        assert not watch.wrong
        assert watch.reads, "nothing was read meanwhile"

    def test_many_threads_read_at_once(self, store: OnlineStore) -> None:
        kept = published(1, self.several)
        store.write(kept)

        def read(start: int) -> None:
            some = kept[start::8]
            for _ in range(5):
                assert_found(store.read([e.address for e in some]), some)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(8)))


def published(turn: int, entities: int) -> list[Entry]:
    """What one of several publishers writes: in each value its number."""
    return [entry(i, as_of=turn * DAY, a=turn, b=turn, c=turn) for i in range(entities)]


class Watch:
    """A reader that notes what it should not see, until the publishers are done."""

    def __init__(self, store: OnlineStore) -> None:
        self.store = store
        self.done = threading.Event()
        self.wrong: list[str] = []
        self.reads = 0
        self.last = [0] * SEEN

    def run(self) -> None:
        """Read the same entities over and over."""
        addresses = [e.address for e in published(0, SEEN)]
        try:
            while not self.done.is_set() and not self.wrong:
                for place, found in enumerate(self.store.read(addresses)):
                    self.look(place, found)
                self.reads += 1
        except Exception as error:  # noqa: BLE001 - the thread's failure is the test's
            self.wrong.append(repr(error))

    def look(self, place: int, found: Entry | None) -> None:
        """Whether an entry is whole, and not older than what was there."""
        if found is None or set(found.points[0].values) != {found.as_of // DAY}:
            self.wrong.append(f"torn: {found}")
        elif found.as_of < self.last[place]:
            self.wrong.append(f"older than {self.last[place]}: {found}")
        else:
            self.last[place] = found.as_of


def publish(store: OnlineStore, turn: int, entities: int) -> None:
    """Publish in batches."""
    entries = published(turn, entities)
    for start in range(0, entities, 100):
        store.write(entries[start : start + 100])


def count(store: OnlineStore, turns: int) -> None:
    """Add one to the number in a note, so many times, whoever else does."""
    lost = 0
    for _ in range(turns):
        while True:
            before = store.read_note("spend")
            if store.swap_note("spend", before, b"%d" % (int(before or 0) + 1)):
                break
            lost += 1
            if lost > MOST_LOST:
                sys.exit(f"{lost} swaps of a note that had just been read were refused")
