"""What is written is read: every value, every key, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.model.keys import surrogate_key
from mlforge.plugin import Address, Entry, OnlineStore, Point
from mlforge.testing.generated import explore, takes, total_cases
from mlforge.testing.online.subject import DAY, OnlineSubject, Opened, assert_found, entry, tombstone
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.entries import VALUES, entries

SHARE = 0.05
KEYS: tuple[tuple[Any, ...], ...] = (
    *(("",), ("é",), ("e\u0301",), ("𝄞",), ("a:b/c d",), ("None",), (None,), (1,), ("1",), (True,), (2**63,)),
    *(("a", "bc"), ("ab", "c"), ("a", None), (None, "a"), (date(2024, 2, 29), 7), (instant(-1), b"\x00")),
)
GOLDEN: dict[str, tuple[Any, ...]] = {
    "0dc2a6f1136b63f84fda0be21913ead4": ("DL",),
    "f7e4bdb03eefaca0319450705ce053a8": (1,),
    "a434e223c07a951ae6044228b8e88996": ("a", None),
    "62a5a30e796465d85e9024348674f364": ("a", "None"),
    "e3a5431a71cac0d25c63adf53a4020de": ("é", 2**63),
    "bb8aad16fe2dc9a2565506a4e81af039": (instant(-1), b"\x00"),
}


class KeepingTests(OnlineSubject):
    """A store gives back what it was given."""

    def test_what_is_written_is_read_at_once(self, store: OnlineStore) -> None:
        points = (Point(-3, (1, "a")), Point(8, (None, "b")), Point(9, (2, None)))
        kept = Entry("spend", surrogate_key(1), "1.10.0", 5, 12, ("x", "y"), points)
        assert store.write([kept]) == 1
        assert_found(store.read([kept.address]), [kept])

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_every_value_keeps_its_type(self, store: OnlineStore, value: Any) -> None:
        kept = entry("a", x=value, y=[value], z=0)
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    def test_an_entry_without_time_is_kept(self, store: OnlineStore) -> None:
        kept = Entry("plan", surrogate_key(1), "1.0.0", DAY, None, ("x",), (Point(None, ("paid",)),))
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    def test_an_entry_without_columns_is_there(self, store: OnlineStore) -> None:
        kept = Entry("plan", surrogate_key(1), "1.0.0", DAY, None, (), (Point(DAY, ()),))
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    def test_two_hundred_columns_of_a_long_history_are_kept(self, store: OnlineStore) -> None:
        names = tuple(f"a_rather_long_name_of_a_column_{n}" for n in range(200))
        points = tuple(Point(n, tuple(n + i / 8 for i in range(200))) for n in range(50))
        kept = Entry("spend", surrogate_key(1), "1.0.0", 0, DAY, names, points)
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    def test_missing_entities_are_none_in_their_place(self, store: OnlineStore) -> None:
        here, there = entry(1, x=1), entry(2, x=2)
        store.write([there, here])
        nobody = Address("spend", surrogate_key(3))
        found = store.read([nobody, there.address, nobody, here.address])
        assert_found(found, [None, there, None, here])

    def test_an_address_asked_twice_is_answered_twice(self, store: OnlineStore) -> None:
        kept = entry(1, x=1)
        store.write([kept])
        assert_found(store.read([kept.address, kept.address]), [kept, kept])

    def test_an_empty_store_has_nothing(self, store: OnlineStore) -> None:
        assert store.read([Address("spend", surrogate_key(1))]) == [None]

    def test_nothing_asked_is_nothing_answered(self, store: OnlineStore) -> None:
        assert (store.write([]), store.read([])) == (0, [])

    def test_many_entities_keep_their_order(self, store: OnlineStore) -> None:
        kept = [entry(i, x=i) for i in range(self.many)]
        assert store.write(iter(kept)) == self.many
        backwards = kept[::-1]
        assert_found(store.read([e.address for e in backwards]), backwards)

    def test_keys_of_every_kind_stay_apart(self, store: OnlineStore) -> None:
        kept = [entry(*key, x=i) for i, key in enumerate(KEYS)]
        assert store.write(kept) == len(KEYS)
        assert_found(store.read([e.address for e in kept]), kept)

    def test_entities_are_found_by_the_hashes_of_the_golden_table(self, store: OnlineStore) -> None:
        kept = [entry(*key, x=i) for i, key in enumerate(GOLDEN.values())]
        store.write(kept)
        assert_found(store.read([Address("spend", key) for key in GOLDEN]), kept)

    def test_features_do_not_share_their_entities(self, store: OnlineStore) -> None:
        spend, plan = entry(1, x=1), entry(1, feature="plan", x="paid")
        store.write([spend, plan])
        assert_found(store.read([plan.address, spend.address]), [plan, spend])

    def test_what_is_written_is_there_after_reopening(self, opened: Opened) -> None:
        kept = entry("é", None, as_of=DAY, x=2**53 + 1)
        with opened() as store:
            store.write([kept, tombstone(2, as_of=DAY)])
        with opened() as store:
            assert_found(store.read([kept.address]), [kept])
            assert store.write([entry("é", None, as_of=0, x=0), entry(2, x=0)]) == 0
            assert_found(store.read([kept.address, tombstone(2).address]), [kept, None])

    def test_a_write_that_is_cut_off_and_done_again_is_whole(self, store: OnlineStore) -> None:
        number = self.many * 3 // 10
        kept = [entry(i, as_of=DAY, x=i) for i in range(number)]
        before = [entry(i, x=-i) for i in range(number * 2 // 3)]
        store.write(before)
        with pytest.raises(KeyboardInterrupt):
            store.write(cut_off(kept, number * 5 // 9))
        old = {e.address: e for e in before}
        for new, found in zip(kept, store.read([e.address for e in kept]), strict=True):
            assert_found([found], [new if found and found.as_of else old.get(new.address)])
        assert store.write(kept) == number
        assert_found(store.read([e.address for e in kept]), kept)

    def test_a_backend_that_is_there_answers(self, store: OnlineStore) -> None:
        store.ping()

    @takes(SHARE)
    def test_any_sequence_of_writes_leaves_the_newest_of_each_entity(self, store: OnlineStore) -> None:
        model = Model(store)
        batches = st.lists(st.lists(entries(), max_size=4), min_size=1, max_size=3)
        explore(batches, model.compare, model, max(10, round(total_cases() * SHARE)))


def cut_off(entries: list[Entry], after: int) -> Iterator[Entry]:
    """The first entries, and then the end of the process that publishes them."""
    yield from entries[:after]
    raise KeyboardInterrupt


class Model:
    """A dict that does what the store should: they are written and read side by side."""

    shrink = False

    def __init__(self, store: OnlineStore) -> None:
        self.store, self.cases = store, 0

    def compare(self, batches: list[list[Entry]]) -> None:
        """Write some batches, to keys nobody had before, and compare all that is there after each."""
        kept: dict[Address, Entry] = {}
        for batch in batches:
            fresh = [msgspec.structs.replace(e, key=surrogate_key(e.key, self.cases)) for e in batch]
            written, expected = self.store.write(fresh), [self._keep(kept, new) for new in fresh]
            assert written == sum(expected) or len({e.address for e in fresh}) < len(fresh)
            assert_found(self.store.read(list(kept)), [e if e.points else None for e in kept.values()])

    def _keep(self, kept: dict[Address, Entry], new: Entry) -> bool:
        there = kept.get(new.address)
        if there is None or there.as_of <= new.as_of:
            kept[new.address] = new
        return kept[new.address] is new
