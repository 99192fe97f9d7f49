"""Entries are written as they come, in whatever number, and read as they are now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlforge.plugin import Entry, OnlineStore
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry, tombstone

NUMBERS = (1, 2, 24, 25, 26, 99, 100, 101, 127, 255, 257, 499, 501, 999, 1001)


class BatchingTests(OnlineSubject):
    """Many, few, again."""

    def test_entries_are_written_as_they_come(self, store: OnlineStore) -> None:
        seen: list[Entry | None] = []

        def coming() -> Iterator[Entry]:
            for number in range(self.many):
                if number == self.many - 1:
                    seen.extend(store.read([entry(0).address]))
                yield entry(number, x=number)

        assert store.write(coming()) == self.many
        assert seen != [None], f"of {self.many:,} entries none was written before all were asked for"

    @pytest.mark.parametrize("number", NUMBERS)
    def test_any_number_of_entries_is_written_and_read(self, store: OnlineStore, number: int) -> None:
        kept = [entry(n, x=n) for n in range(number)]
        assert store.write(kept) == number
        assert_found(store.read([e.address for e in kept]), kept)
        assert store.read([entry(number).address]) == [None]

    @pytest.mark.parametrize("number", NUMBERS)
    def test_missing_entities_among_any_number_are_none_in_their_place(self, store: OnlineStore, number: int) -> None:
        kept = [entry(n, x=n) if n % 3 else None for n in range(number)]
        store.write(e for e in kept if e)
        assert_found(store.read([entry(n).address for n in range(number)]), kept)

    def test_what_was_read_before_is_read_as_it_is_now(self, store: OnlineStore) -> None:
        old, new = entry(1, as_of=0, x=1), entry(1, as_of=DAY, x=2)
        assert store.read([old.address]) == [None]
        store.write([old])
        assert_found(store.read([old.address]), [old])
        store.write([new])
        assert_found(store.read([old.address]), [new])
        store.write([tombstone(1, as_of=2 * DAY)])
        assert store.read([old.address]) == [None]

    def test_reading_changes_nothing(self, store: OnlineStore) -> None:
        kept = [entry(n, x=n) for n in range(3)]
        store.write(kept)
        for _ in range(3):
            assert_found(store.read([e.address for e in kept]), kept)

    def test_answers_belong_to_whoever_asked(self, store: OnlineStore) -> None:
        kept = [entry(n, x=n) for n in range(3)]
        store.write(kept)
        store.read([e.address for e in kept]).clear()
        assert_found(store.read([e.address for e in kept]), kept)

    def test_an_entity_that_never_was_can_be_gone(self, store: OnlineStore) -> None:
        assert store.write([tombstone(1, as_of=DAY)]) == 1
        assert store.read([entry(1).address]) == [None]
        assert store.write([entry(1, as_of=0, x=1)]) == 0

    def test_an_empty_note_is_a_note(self, store: OnlineStore) -> None:
        assert store.swap_note("spend", None, b"")
        assert store.read_note("spend") == b""
        assert not store.swap_note("spend", None, b"1")
        assert store.swap_note("spend", b"", b"1")

    def test_a_long_note_is_kept_whole(self, store: OnlineStore) -> None:
        long = bytes(range(256)) * 400
        assert store.swap_note("spend", None, long)
        assert not store.swap_note("spend", long[:-1], b"1")
        assert store.read_note("spend") == long

    def test_notes_outlive_what_is_written(self, store: OnlineStore) -> None:
        store.swap_note("spend", None, b"1")
        store.write([entry(1, x=1)])
        store.write([tombstone(1, as_of=DAY)])
        assert store.read_note("spend") == b"1"
