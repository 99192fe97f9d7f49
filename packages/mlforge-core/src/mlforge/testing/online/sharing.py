"""Several handles of one store, open at once in one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from mlforge.testing.closing import assert_gives_back
from mlforge.testing.online.subject import DAY, OnlineSubject, Opened, assert_found, entry, tombstone

HANDLES = 6


class SharingTests(OnlineSubject):
    """No handle keeps what it has seen."""

    def test_what_one_handle_writes_another_reads_at_once(self, opened: Opened) -> None:
        old, new = entry(1, as_of=0, x=1), entry(1, as_of=DAY, x=2)
        with opened() as one, opened() as other:
            assert other.read([old.address]) == [None]
            one.write([old])
            assert_found(other.read([old.address]), [old])
            one.write([new])
            assert_found(other.read([old.address]), [new])
            one.write([tombstone(1, as_of=2 * DAY)])
            assert other.read([old.address]) == [None]

    def test_an_older_write_of_another_handle_changes_nothing(self, opened: Opened) -> None:
        newer = entry(1, as_of=DAY, x=1)
        with opened() as one, opened() as other:
            one.write([newer])
            assert other.write([entry(1, as_of=0, x=9)]) == 0
            assert_found(one.read([newer.address]), [newer])

    def test_a_note_that_another_handle_changed_is_left_alone(self, opened: Opened) -> None:
        with opened() as one, opened() as other:
            assert one.swap_note("spend", None, b"1")
            assert other.read_note("spend") == b"1"
            assert other.swap_note("spend", b"1", b"2")
            assert not one.swap_note("spend", b"1", b"3")
            assert (one.read_note("spend"), other.read_note("spend")) == (b"2", b"2")

    def test_closing_one_handle_leaves_another_open(self, opened: Opened) -> None:
        kept = entry(1, x=1)
        with opened() as one:
            with opened() as other:
                other.ping()
            one.write([kept])
            assert_found(one.read([kept.address]), [kept])

    def test_handles_of_several_threads_write_at_once(self, opened: Opened) -> None:
        shares = [[entry(n, i, x=i) for i in range(50)] for n in range(HANDLES)]
        with ExitStack() as stack:
            stores = [stack.enter_context(opened()) for _ in shares]
            with ThreadPoolExecutor(HANDLES) as pool:
                written = list(pool.map(lambda store, share: store.write(share), stores, shares))
            assert written == [50] * HANDLES
            kept = [e for share in shares for e in share]
            for store in stores:
                assert_found(store.read([e.address for e in kept]), kept)

    def test_a_config_opens_its_store_as_often_as_is_asked(self, opened: Opened) -> None:
        for number in range(4):
            with opened() as store:
                assert store.write([entry(number, x=number)]) == 1
                found = store.read([entry(n).address for n in range(4)])
                assert [e is not None for e in found] == [n <= number for n in range(4)]

    def test_closing_gives_back_what_opening_took(self, opened: Opened) -> None:
        assert_gives_back(opened, lambda store: (store.write([entry(1, x=1)]), store.read([entry(1).address])))
