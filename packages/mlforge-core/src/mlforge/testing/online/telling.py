"""What is told apart, however alike: keys, features, columns, times."""

from __future__ import annotations

import pytest

from mlforge.plugin import Entry, OnlineStore, Point
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry, tombstone

KEY = "0123456789abcdef" * 2
FEATURES = (
    *("spend", "Spend", "SPEND", "spend_", "spend_7d", "spend7d", "spen", f"{'s' * 127}a", f"{'s' * 127}b"),
    *("spend-", "spend-7d", "spendx7d", "7", "7-spend", "entries", "notes", "note", "select", "spend@1.0.0"),
)
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond that a Python datetime can be."""


def keyed(key: str, feature: str = "spend", value: object = 0) -> Entry:
    """An entry under some key."""
    return Entry(feature, key, "1.0.0", 0, DAY, ("x",), (Point(0, (value,)),))


class TellingTests(OnlineSubject):
    """Nothing is cut, folded or run together."""

    def test_keys_that_differ_in_one_character_are_two_entities(self, store: OnlineStore) -> None:
        others = [KEY[:at] + ("f" if KEY[at] != "f" else "e") + KEY[at + 1 :] for at in range(len(KEY))]
        kept = [keyed(key, value=n) for n, key in enumerate((KEY, *others))]
        assert store.write(kept) == len(kept)
        assert_found(store.read([e.address for e in kept]), kept)

    def test_features_whose_names_are_alike_are_told_apart(self, store: OnlineStore) -> None:
        kept = [keyed(KEY, feature, feature) for feature in FEATURES]
        assert store.write(kept) == len(FEATURES)
        assert_found(store.read([e.address for e in kept]), kept)

    def test_notes_of_features_whose_names_are_alike_are_told_apart(self, store: OnlineStore) -> None:
        for feature in FEATURES:
            assert store.swap_note(feature, None, feature.encode())
        assert [store.read_note(feature) for feature in FEATURES] == [feature.encode() for feature in FEATURES]

    def test_an_entity_that_is_gone_takes_no_other_with_it(self, store: OnlineStore) -> None:
        kept = [entry(1, feature=feature, x=feature) for feature in FEATURES[1:]]
        neighbours = [entry(n, x=n) for n in (10, 11, 2)]
        store.write([entry(1, x=0), *kept, *neighbours])
        assert store.write([tombstone(1, as_of=DAY)]) == 1
        assert_found(store.read([e.address for e in (entry(1), *kept, *neighbours)]), [None, *kept, *neighbours])

    def test_columns_of_any_names_keep_them(self, store: OnlineStore) -> None:
        names = ("x", "X", "é", "e\u0301", "a b", "a.b", "__proto__", "as_of", "key", "日本", "x" * 300)
        kept = Entry("spend", KEY, "1.0.0", 0, DAY, names, (Point(0, tuple(range(len(names)))),))
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    @pytest.mark.parametrize("as_of", [FIRST, -1, 0, 1, LAST])
    def test_any_instant_can_be_published_for(self, store: OnlineStore, as_of: int) -> None:
        kept = Entry("spend", KEY, "1.0.0", as_of, LAST, ("x",), (Point(FIRST, (1,)), Point(LAST, (2,))))
        store.write([kept])
        assert_found(store.read([kept.address]), [kept])

    @pytest.mark.parametrize("before", [FIRST, -2, LAST - 2])
    def test_any_two_instants_are_in_order(self, store: OnlineStore, before: int) -> None:
        newer = entry(1, as_of=before + 1, x=1)
        assert (store.write([newer]), store.write([entry(1, as_of=before, x=0)])) == (1, 0)
        assert_found(store.read([newer.address]), [newer])

    def test_versions_are_text(self, store: OnlineStore) -> None:
        kept = [Entry("spend", f"{KEY[:-1]}{n}", v, 0, None) for n, v in enumerate(("1.10.0", "1.1.0", "10.0.0"))]
        whole = [Entry(e.feature, e.key, e.version, 0, None, ("x",), (Point(None, (1,)),)) for e in kept]
        store.write(whole)
        assert_found(store.read([e.address for e in whole]), whole)

    def test_a_long_text_and_a_long_history_are_kept_whole(self, store: OnlineStore) -> None:
        points = tuple(Point(n, (n, "ü" * 50)) for n in range(1000))
        kept = [Entry("spend", KEY, "1.0.0", 0, DAY, ("n", "x"), points), keyed(KEY[::-1], value="é" * 100_000)]
        store.write(kept)
        assert_found(store.read([e.address for e in kept]), kept)
