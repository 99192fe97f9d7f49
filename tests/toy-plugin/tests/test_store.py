"""The online store does all that online stores must."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from mlforge.plugin import Address
from mlforge.testing import DamagedOnlineStoreTests, OnlineStoreTests
from toy_plugin.plugin import ToyStore


class TestToyStore(OnlineStoreTests, DamagedOnlineStoreTests):
    def config(self, folder: Path) -> ToyStore:
        return ToyStore(path=str(folder / "online.db"))

    def damage(self, folder: Path, address: Address, change: Callable[[bytes], bytes]) -> None:
        where = (address.feature, address.key)
        with closing(sqlite3.connect(self.config(folder).path)) as db, db:
            (data,) = db.execute("SELECT entry FROM entries WHERE feature = ? AND key = ?", where).fetchone()
            db.execute("UPDATE entries SET entry = ? WHERE feature = ? AND key = ?", (change(data), *where))
