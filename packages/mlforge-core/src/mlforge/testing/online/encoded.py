"""Reading entries as they are encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mlforge.model.keys import surrogate_key
from mlforge.plugin import Address, Asked, AsyncReading, EncodedReading, OnlineStore, decode_entry
from mlforge.testing.online.subject import OnlineSubject, assert_found, entry, tombstone


class EncodedOnlineStoreTests(OnlineSubject):
    """What an online store with `EncodedReading` must prove on top.

    Example:
        >>> class TestEncoded(EncodedOnlineStoreTests):
        ...     def config(self, folder):
        ...         return mlf.RedisStore(host="localhost", port=6390)
        >>> TestEncoded().config("a").kind
        'redis'
    """

    def test_what_is_encoded_is_what_is_read(self, store: OnlineStore) -> None:
        keys = [*range(300), "a", "é", None, "nobody"]
        kept = [entry(key, feature=feature, x=key) for key in keys[:-1] for feature in ("spend", "plan")]
        store.write([*kept, tombstone("gone")])
        hashes = [surrogate_key(key) for key in keys]
        asked: list[Asked] = [("plan", hashes[::-1]), ("spend", [surrogate_key("gone"), "null", *hashes]), ("plan", [])]
        self._assert_same(store, asked)

    def test_nothing_is_found_where_nothing_is_asked_for(self, store: OnlineStore) -> None:
        assert isinstance(store, EncodedReading)
        assert [[*column] for column in store.read_encoded([("spend", []), ("plan", [])])] == [[], []]
        assert [*store.read_encoded([])] == []

    def test_ten_thousand_and_one_are_read_in_order(self, store: OnlineStore) -> None:
        store.write([entry(i, x=i) for i in range(0, 10_001, 100)])
        self._assert_same(store, [("spend", [surrogate_key(i) for i in range(10_001)]), ("plan", [surrogate_key(1)])])

    def _assert_same(self, store: OnlineStore, asked: Sequence[Asked]) -> None:
        """Fail unless a store finds the same in every way of reading."""
        assert isinstance(store, EncodedReading)
        expected = [store.read([Address(feature, key) for key in keys]) for feature, keys in asked]
        for found in (store.read_encoded(asked), asyncio.run(_awaited(store, asked))):
            for (feature, keys), column, entries in zip(asked, found, expected, strict=True):
                decoded = [
                    None if data is None else decode_entry(data, feature, key)
                    for data, key in zip(column, keys, strict=True)
                ]
                assert_found([one if one and one.points else None for one in decoded], entries)


async def _awaited(store: EncodedReading, asked: Sequence[Asked]) -> list[Sequence[bytes | None]]:
    try:
        return await store.aread_encoded(asked)
    finally:
        assert isinstance(store, AsyncReading)
        await store.aclose()
