"""What is noted of a feature, and changed by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mlforge.plugin import OnlineStore
from mlforge.testing.online.subject import OnlineSubject, Opened, assert_found, entry


class NotingTests(OnlineSubject):
    """Notes: any bytes, compared and swapped."""

    def test_at_first_nothing_is_noted(self, store: OnlineStore) -> None:
        assert store.read_note("spend") is None

    def test_a_note_is_read_as_it_was_written(self, store: OnlineStore) -> None:
        everything = bytes(range(256)) * 20
        assert store.swap_note("spend", None, everything)
        assert store.read_note("spend") == everything

    def test_each_feature_has_its_own_note(self, store: OnlineStore) -> None:
        store.swap_note("spend", None, b"1")
        assert store.read_note("spend_2") is None
        assert store.swap_note("spend_2", None, b"2")
        assert (store.read_note("spend"), store.read_note("spend_2")) == (b"1", b"2")

    def test_a_note_that_is_what_one_thinks_is_replaced(self, store: OnlineStore) -> None:
        store.swap_note("spend", None, b"1")
        assert store.swap_note("spend", b"1", b"2")
        assert store.swap_note("spend", b"2", b"2")
        assert store.read_note("spend") == b"2"

    def test_a_note_that_somebody_changed_is_left_alone(self, store: OnlineStore) -> None:
        assert not store.swap_note("spend", b"0", b"1")
        assert store.read_note("spend") is None
        store.swap_note("spend", None, b"1")
        assert not store.swap_note("spend", b"0", b"2")
        assert not store.swap_note("spend", None, b"2")
        assert store.read_note("spend") == b"1"

    def test_notes_and_entries_do_not_meet(self, store: OnlineStore) -> None:
        kept = entry(1, x=1)
        store.write([kept])
        assert store.read_note("spend") is None
        store.swap_note("spend", None, b"1")
        assert_found(store.read([kept.address]), [kept])

    def test_a_note_is_there_after_reopening(self, opened: Opened) -> None:
        with opened() as store:
            store.swap_note("spend", None, b"1")
        with opened() as store:
            assert store.read_note("spend") == b"1"

    def test_of_many_who_swap_at_once_exactly_one_does(self, store: OnlineStore) -> None:
        for turn in range(10):
            before = store.read_note("spend")
            texts = [f"{turn} {n}".encode() for n in range(8)]
            with ThreadPoolExecutor(8) as pool:
                done = list(pool.map(lambda text, b=before: store.swap_note("spend", b, text), texts))
            assert done.count(True) == 1
            assert store.read_note("spend") == texts[done.index(True)]
