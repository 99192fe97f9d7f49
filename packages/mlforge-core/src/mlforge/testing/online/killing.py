"""A publisher that is killed: what it was told is kept is kept, nothing is half there, and the next one goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from mlforge.plugin import Entry, OnlineStore
from mlforge.testing.online.apart import at_once, finished, started
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry
from mlforge.testing.victim import EXIT, die_at

FEW = 3


class KillingTests(OnlineSubject):
    """A process that publishes ends at any instant, without a word."""

    def test_a_publisher_that_is_killed_leaves_whole_entries_and_can_be_followed(self, folder: Path) -> None:
        """Stores of files are killed at each change to the folder; others are done before a first one is seen."""
        for step in count(1):
            place = folder / str(step)
            place.mkdir()
            config = self.config(place)
            with config.open() as store:
                store.write(versions(0))
                assert store.swap_note("spend", None, b"0")
            died = finished(at_once([started(config, publish_and_die, str(place), step)]), EXIT) == [EXIT]
            with config.open() as store:
                assert_either(store, versions(0), versions(1), died)
                note = store.read_note("spend")
                assert note in ((b"0", b"1") if died else (b"1",))
                assert store.write(versions(2)) == FEW
                assert_found(store.read([e.address for e in versions(2)]), versions(2))
                assert store.swap_note("spend", note, b"2")
            if not died:
                return

    def test_what_a_publisher_that_is_killed_was_told_is_kept_is_kept(self, folder: Path) -> None:
        config, number = self.config(folder), self.several
        assert finished(at_once([started(config, publish_twice, number)]), EXIT) == [EXIT]
        kept, others = many(number, 1), many(number, 2)
        with config.open() as store:
            assert store.read_note("spend") == b"1"
            assert_either(store, kept, others, died=True)
            assert store.write(others) == number
            assert_found(store.read([e.address for e in others]), others)


def assert_either(store: OnlineStore, old: list[Entry], new: list[Entry], died: bool) -> None:
    """Fail unless each entry is one of two, whole."""
    for before, after, found in zip(old, new, store.read([e.address for e in old]), strict=True):
        assert_found([found], [before if died and found and found.as_of == before.as_of else after])


def versions(turn: int) -> list[Entry]:
    """A few entities, with what their names are in it, so that one half of two differs from both."""
    return [entry(n, as_of=turn * DAY, x=turn, text=f"{turn}" * 2000) for n in range(FEW)]


def many(number: int, turn: int) -> list[Entry]:
    """Many small entities."""
    return [entry(n, as_of=turn * DAY, x=turn) for n in range(number)]


def publish_and_die(store: OnlineStore, folder: str, step: int) -> None:
    """Publish, and end at a change to the folder."""
    die_at(step, folder)
    store.write(versions(1))
    store.swap_note("spend", b"0", b"1")


def publish_twice(store: OnlineStore, number: int) -> None:
    """Publish once, and once more up to the middle."""
    store.write(many(number, 1))
    assert store.swap_note("spend", None, b"1")
    store.write(dying(many(number, 2)))


def dying(entries: list[Entry]) -> Iterator[Entry]:
    """The first half, and then the end."""
    yield from entries[: len(entries) // 2]
    os._exit(EXIT)
