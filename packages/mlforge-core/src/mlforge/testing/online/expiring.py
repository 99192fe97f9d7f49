"""What an online store must prove whose entries expire."""

from __future__ import annotations

import time
from pathlib import Path

from mlforge.errors import Invalid
from mlforge.plugin import OnlineStoreConfig
from mlforge.testing.online.subject import OnlineSubject, entry

PATIENCE = 20.0


class ExpiringOnlineStoreTests(OnlineSubject):
    """A subclass says, besides its config, how entries expire.

    Example:
        >>> class TestExpiring(ExpiringOnlineStoreTests):
        ...     def expiring(self, folder):
        ...         return mlf.RedisStore(ttl=1)
        >>> TestExpiring().expiring("a").ttl
        1
    """

    def expiring(self, folder: Path) -> OnlineStoreConfig:
        """A config with a lifetime of one second."""
        raise Invalid("The tests do not say how entries expire.", hint="def expiring(self, folder): …")

    def test_an_entry_is_forgotten_when_its_lifetime_is_over(self, folder: Path) -> None:
        with self.expiring(folder).open() as store:
            assert store.lifetime() == 1_000_000
            store.swap_note("spend", None, b"1")
            store.write([entry(1, as_of=0, x=1)])
            assert store.read([entry(1).address]) != [None]
            deadline = time.monotonic() + PATIENCE
            while store.read([entry(1).address]) != [None]:
                assert time.monotonic() < deadline, "it is still there"
                time.sleep(0.1)
            assert store.read_note("spend") == b"1"
