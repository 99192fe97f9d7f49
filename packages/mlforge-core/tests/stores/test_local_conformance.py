"""The local store is held to what every store is held to."""

from __future__ import annotations

from pathlib import Path

from mlforge.plugin import StoreDescriptor
from mlforge.stores.local.plugin import LocalStore, mlforge_stores
from mlforge.testing import PruningStoreTests, StoreTests


class TestLocalStore(StoreTests, PruningStoreTests):
    def config(self, folder: Path) -> LocalStore:
        return LocalStore(folder)

    def descriptor(self) -> StoreDescriptor:
        return mlforge_stores()[0]
