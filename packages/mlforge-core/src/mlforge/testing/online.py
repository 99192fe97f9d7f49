"""What an online store must prove."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.keys import surrogate_key
from mlforge.plugin import Address, Entry, OnlineStore, OnlineStoreConfig, OnlineStoreDescriptor, Point
from mlforge.plugin.registry import registry
from mlforge.testing.compare import same
from mlforge.testing.generated import explore, total_cases
from mlforge.testing.lacks import expect_lacks
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.entries import VALUES, entries

DAY = 86_400_000_000
SHARE = 0.05
KEYS: tuple[tuple[Any, ...], ...] = (
    *(("",), ("é",), ("e\u0301",), ("𝄞",), ("a:b/c d",), ("None",), (None,), (1,), ("1",), (True,), (2**63,)),
    *(("a", "bc"), ("ab", "c"), ("a", None), (None, "a"), (date(2024, 2, 29), 7), (instant(-1), b"\x00")),
)


def entry(*key: Any, as_of: int = 0, feature: str = "spend", version: str = "1.0.0", **values: Any) -> Entry:
    """An entry with one point."""
    return Entry(feature, surrogate_key(*key), version, as_of, (Point(as_of, values),))


def address(kept: Entry) -> Address:
    """Where an entry stands."""
    return Address(kept.feature, kept.key)


def assert_found(found: Sequence[Entry | None], expected: Sequence[Entry | None]) -> None:
    """Fail unless these entries came back, in this order, every value in its type."""
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert flat(got) is flat(wanted) is None or same(flat(wanted), flat(got)), f"got {got}, expected {wanted}"


def flat(kept: Entry | None) -> list[Any] | None:
    """An entry as nested lists, whose values can be compared one by one."""
    if kept is None:
        return None
    points = [[p.stamp, [[name, p.values[name]] for name in sorted(p.values)]] for p in kept.points]
    return [kept.feature, kept.key, kept.version, kept.as_of, points]


class OnlineStoreTests:
    """Everything an online store must prove.

    Example:
        class TestRedis(OnlineStoreTests):
            def config(self, folder): return RedisStore(port=6379)
    """

    def config(self, folder: Path) -> OnlineStoreConfig:
        """The store to test, empty; `folder` is its own."""
        raise Invalid(
            "The tests do not say which config they are about.",
            hint="Return a config: def config(self, folder): return SQLiteStore(path=str(folder))",
        )

    def descriptor(self) -> OnlineStoreDescriptor:
        """What the store announces: found by the config's kind, among the installed plugins."""
        return registry().get(OnlineStoreDescriptor, self.config(Path(os.curdir)).kind)

    @pytest.fixture
    def opened(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> Callable[[], AbstractContextManager[OnlineStore]]:
        """Opens the store, as often as it is called; what it lacks is expected to fail."""
        expect_lacks(request, self.descriptor().lacks)
        config = self.config(tmp_path)
        return config.open

    @pytest.fixture
    def store(self, opened: Callable[[], AbstractContextManager[OnlineStore]]) -> Iterator[OnlineStore]:
        with opened() as store:
            yield store

    def test_what_is_written_is_read_at_once(self, store: OnlineStore) -> None:
        kept = Entry("spend", surrogate_key(1), "1.10.0", 5, (Point(-3, {"x": 1}), Point(8, {"x": None}), Point(9, {})))
        assert store.write([kept]) == 1
        assert_found(store.read([address(kept)]), [kept])

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_every_value_keeps_its_type(self, store: OnlineStore, value: Any) -> None:
        kept = entry("a", x=value, y=[value])
        store.write([kept])
        assert_found(store.read([address(kept)]), [kept])

    def test_missing_entities_are_none_in_their_place(self, store: OnlineStore) -> None:
        here, there = entry(1, x=1), entry(2, x=2)
        store.write([there, here])
        nobody = Address("spend", surrogate_key(3))
        found = store.read([nobody, address(there), nobody, address(here)])
        assert_found(found, [None, there, None, here])

    def test_an_address_asked_twice_is_answered_twice(self, store: OnlineStore) -> None:
        kept = entry(1, x=1)
        store.write([kept])
        assert_found(store.read([address(kept), address(kept)]), [kept, kept])

    def test_an_empty_store_has_nothing(self, store: OnlineStore) -> None:
        assert store.read([Address("spend", surrogate_key(1))]) == [None]

    def test_nothing_asked_is_nothing_answered(self, store: OnlineStore) -> None:
        assert (store.write([]), store.read([])) == (0, [])

    def test_ten_thousand_entities_keep_their_order(self, store: OnlineStore) -> None:
        kept = [entry(i, x=i) for i in range(10_000)]
        assert store.write(iter(kept)) == 10_000
        backwards = kept[::-1]
        assert_found(store.read([address(e) for e in backwards]), backwards)

    def test_keys_of_every_kind_stay_apart(self, store: OnlineStore) -> None:
        kept = [entry(*key, x=i) for i, key in enumerate(KEYS)]
        assert store.write(kept) == len(KEYS)
        assert_found(store.read([address(e) for e in kept]), kept)

    def test_features_do_not_share_their_entities(self, store: OnlineStore) -> None:
        spend, plan = entry(1, x=1), entry(1, feature="plan", x="paid")
        store.write([spend, plan])
        assert_found(store.read([address(plan), address(spend)]), [plan, spend])

    def test_an_entity_gets_only_what_was_published_last(self, store: OnlineStore) -> None:
        store.write([entry(1, as_of=0, x=1, y=2)])
        newer = entry(1, as_of=DAY, version="2.0.0", x=3)
        assert store.write([newer]) == 1
        assert_found(store.read([address(newer)]), [newer])

    def test_an_older_publish_never_overwrites_a_newer_one(self, store: OnlineStore) -> None:
        newer, other = entry(1, as_of=DAY, x=1), entry(2, as_of=0, x=2)
        store.write([newer])
        assert store.write([entry(1, as_of=DAY - 1, x=9), other]) == 1
        assert_found(store.read([address(newer), address(other)]), [newer, other])

    def test_the_same_publish_again_replaces_what_is_there(self, store: OnlineStore) -> None:
        store.write([entry(1, as_of=DAY, x=1)])
        again = entry(1, as_of=DAY, x=2)
        assert store.write([again]) == 1
        assert_found(store.read([address(again)]), [again])

    def test_the_newest_of_one_write_stays(self, store: OnlineStore) -> None:
        newest = entry(1, as_of=2 * DAY, x=2)
        store.write([entry(1, as_of=DAY, x=1), newest, entry(1, as_of=-DAY, x=0)])
        assert_found(store.read([address(newest)]), [newest])

    def test_what_is_written_is_there_after_reopening(
        self, opened: Callable[[], AbstractContextManager[OnlineStore]]
    ) -> None:
        kept = entry("é", None, as_of=DAY, x=2**53 + 1)
        with opened() as store:
            store.write([kept])
        with opened() as store:
            assert_found(store.read([address(kept)]), [kept])
            assert store.write([entry("é", None, as_of=0, x=0)]) == 0
            assert_found(store.read([address(kept)]), [kept])

    def test_any_sequence_of_writes_leaves_the_newest_of_each_entity(self, store: OnlineStore) -> None:
        model = Model(store)
        batches = st.lists(st.lists(entries(), max_size=4), min_size=1, max_size=3)
        explore(batches, model.compare, model, max(10, round(total_cases() * SHARE)))


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
            assert written == sum(expected) or len({address(e) for e in fresh}) < len(fresh)
            assert_found(self.store.read(list(kept)), list(kept.values()))

    def _keep(self, kept: dict[Address, Entry], new: Entry) -> bool:
        there = kept.get(address(new))
        if there is None or there.as_of <= new.as_of:
            kept[address(new)] = new
        return kept[address(new)] is new
