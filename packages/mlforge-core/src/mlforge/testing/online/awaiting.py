"""Reading without holding a thread."""

from __future__ import annotations

import asyncio

from mlforge.plugin import AsyncReading, OnlineStore
from mlforge.testing.online.subject import OnlineSubject, assert_found, entry, tombstone


class AsyncOnlineStoreTests(OnlineSubject):
    """What an online store with `AsyncReading` must prove on top.

    Example:
        >>> class TestAwaiting(AsyncOnlineStoreTests):
        ...     def config(self, folder):
        ...         return mlf.RedisStore(host="localhost", port=6390)
        >>> TestAwaiting().config("a").kind
        'redis'
    """

    def test_what_is_awaited_is_what_is_read(self, store: OnlineStore) -> None:
        kept = [entry(i, x=i) for i in range(1000)]
        store.write([*kept, tombstone("gone")])
        asked = [tombstone("gone").address, *(e.address for e in kept[::-1]), entry("nobody").address]

        async def run() -> None:
            assert isinstance(store, AsyncReading)
            assert_found(await store.aread(asked), [None, *kept[::-1], None])
            assert await store.aread([]) == []
            await store.aclose()

        asyncio.run(run())

    def test_many_await_at_once(self, store: OnlineStore) -> None:
        kept = [entry(i, x=i) for i in range(400)]
        store.write(kept)

        async def run() -> None:
            assert isinstance(store, AsyncReading)
            found = await asyncio.gather(*(store.aread([e.address]) for e in kept))
            assert_found([one for (one,) in found], kept)
            await store.aclose()

        asyncio.run(run())

    def test_a_second_loop_may_read_after_the_first_was_closed(self, store: OnlineStore) -> None:
        kept = entry(1, x=1)
        store.write([kept])

        async def run() -> None:
            assert isinstance(store, AsyncReading)
            await store.aclose()
            assert_found(await store.aread([kept.address]), [kept])
            await store.aclose()
            await store.aclose()

        asyncio.run(run())
        asyncio.run(run())
