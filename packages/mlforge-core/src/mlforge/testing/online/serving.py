"""What an online store with a server must prove: that it says so where the server does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.plugin import AsyncReading, OnlineStore, OnlineStoreConfig
from mlforge.testing.online.expiring import PATIENCE, ExpiringOnlineStoreTests
from mlforge.testing.online.subject import assert_found, entry

SECRET = "not-the-password-8341"  # noqa: S105 - what must never be printed
FAULTS = ("down", "silent", "refusing")
Verb = Callable[[Any], Any]
VERBS: dict[str, Verb] = {
    "ping": lambda store: store.ping(),
    "read": lambda store: store.read([entry(1).address]),
    "write": lambda store: store.write([entry(1, x=1)]),
    "read_note": lambda store: store.read_note("spend"),
    "swap_note": lambda store: store.swap_note("spend", None, b"1"),
}


class OnlineServerTests(ExpiringOnlineStoreTests):
    """A subclass says, besides its config, how its server fails.

    Example:
        >>> class TestMyServer(OnlineServerTests):
        ...     where = "localhost"
        ...
        ...     def config(self, folder):
        ...         return mlf.RedisStore(host="localhost", port=6390)
        >>> TestMyServer().config("a").port
        6390
    """

    where = ""
    """What a message about the server must contain, such as its host."""

    def faulty(self, fault: str, folder: Path) -> OnlineStoreConfig:
        """A config of a server that does not serve.

        It is `down` (nothing listens), `silent` (takes connections and never answers; the config has a short time
        limit) or `refusing` (the config's password, `SECRET`, is wrong).
        """
        raise Invalid(f"The tests do not say how a server is {fault}.", hint="def faulty(self, fault, folder): …")

    def full(self, folder: Path) -> OnlineStoreConfig:
        """A config of a server that answers and has no room for another entry."""
        raise Invalid("The tests do not say how a server is full.", hint="def full(self, folder): …")

    def restart(self, folder: Path) -> None:
        """End the server of `config(folder)` and start it again at the same address, with or without its data."""
        raise Invalid("The tests do not say how the server restarts.", hint="def restart(self, folder): …")

    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_server_that_does_not_answer_is_named(self, folder: Path, fault: str, verb: str) -> None:
        config, started = self.faulty(fault, folder), time.monotonic()
        self.assert_fails(config.open, VERBS[verb])
        assert time.monotonic() - started < PATIENCE

    @pytest.mark.parametrize("fault", FAULTS)
    def test_an_awaited_server_that_does_not_answer_is_named(self, folder: Path, fault: str) -> None:
        async def read(store: AsyncReading) -> None:
            try:
                await store.aread([entry(1).address])
            finally:
                await store.aclose()

        def verb(store: OnlineStore) -> None:
            if isinstance(store, AsyncReading):
                asyncio.run(read(store))
            else:
                store.ping()

        self.assert_fails(self.faulty(fault, folder).open, verb)

    def test_a_full_server_says_so_and_still_reads(self, folder: Path) -> None:
        config = self.full(folder)
        self.assert_fails(config.open, VERBS["write"])
        with config.open() as store:
            assert store.read([entry(1).address]) == [None]

    def test_a_server_that_was_restarted_goes_on(self, folder: Path) -> None:
        kept = entry(1, x=1)
        with self.config(folder).open() as store:
            store.write([kept])
            self.restart(folder)
            store.ping()
            store.write([kept])
            assert_found(store.read([kept.address]), [kept])

    def test_a_secret_is_not_printed(self, folder: Path) -> None:
        config = self.faulty("refusing", folder)
        assert SECRET not in f"{config!r} {config} {list(config.__rich_repr__())}"

    def assert_fails(self, opened: Callable[[], AbstractContextManager[Any]], verb: Verb) -> None:
        """Fail unless opening the store and asking something of it is `PluginFailed` in the right words."""
        with pytest.raises(PluginFailed) as caught, opened() as store:
            verb(store)
        assert caught.value.hint, f"{caught.value.message} has no hint"
        assert self.where, "The tests do not say what a message must contain."
        assert self.where in caught.value.message
        assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"
