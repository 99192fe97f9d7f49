"""A publisher that stalls for long in the middle, and goes on when a newer publication is done: it undoes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from mlforge.plugin import Entry, Listing, OnlineStore
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry, tombstone

T = TypeVar("T")


class StallingTests(OnlineSubject):
    """What comes late, however late, changes nothing that is newer."""

    def test_a_write_that_stalled_in_the_middle_undoes_nothing(self, store: OnlineStore) -> None:
        stalled = [entry(i, as_of=DAY, x=i) for i in range(self.several)]
        store.write(stalling(stalled, self.several // 2, lambda: publish(store, self.several)))
        assert_published(store, stalled)

    def test_a_removal_that_stalled_in_the_middle_undoes_nothing(self, store: OnlineStore) -> None:
        store.write([entry(i, as_of=0, x=i) for i in range(self.several)])
        stalled = [tombstone(i, as_of=DAY) for i in range(self.several)]
        store.write(stalling(stalled, self.several // 2, lambda: publish(store, self.several)))
        assert_published(store, [None] * self.several)

    def test_what_a_listing_that_stalled_goes_on_to_find_is_not_taken_from_a_newer_publish(
        self, store: OnlineStore
    ) -> None:
        kept = [entry(i, as_of=0, x=i) for i in range(self.several)]
        store.write(kept)
        assert isinstance(store, Listing)
        keys = list(stalling(store.older("spend", DAY), self.several // 2, lambda: publish(store, self.several)))
        named = {e.key: tombstone(n, as_of=DAY) for n, e in enumerate(kept)}
        store.write([named[key] for key in keys])
        listed = set(keys)
        assert_published(store, [None if e.key in listed else e for e in kept])

    def test_a_note_of_one_that_stalled_is_not_kept(self, store: OnlineStore) -> None:
        store.swap_note("spend", None, b"1 begun")
        seen = store.read_note("spend")
        store.swap_note("spend", seen, b"2 begun")
        store.swap_note("spend", b"2 begun", b"2 done")
        assert not store.swap_note("spend", seen, b"1 done")
        assert store.read_note("spend") == b"2 done"


def stalling(things: Iterable[T], at: int, meanwhile: Callable[[], object]) -> Iterator[T]:
    """The same things, while somebody else is at work in the middle of them."""
    for number, thing in enumerate(things):
        if number == at:
            meanwhile()
        yield thing


def publish(store: OnlineStore, entities: int) -> None:
    """A newer publication: of every three entities one is new, one is gone."""
    store.write([entry(i, as_of=2 * DAY, x=-i) for i in range(0, entities, 3)])
    store.write([tombstone(i, as_of=2 * DAY) for i in range(1, entities, 3)])


def assert_published(store: OnlineStore, others: Sequence[Entry | None]) -> None:
    """Fail unless the newer publication stands, and `others` where it says nothing."""
    expected = list(others)
    for i in range(0, len(expected), 3):
        expected[i] = entry(i, as_of=2 * DAY, x=-i)
    for i in range(1, len(expected), 3):
        expected[i] = None
    assert_found(store.read([entry(i).address for i in range(len(expected))]), expected)
