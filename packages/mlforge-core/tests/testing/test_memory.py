"""The stores in memory pass the kit, but for what forgetting forbids."""

from pathlib import Path

from mlforge.plugin import OnlineStoreConfig, OnlineStoreDescriptor, StoreConfig, StoreDescriptor
from mlforge.testing import MemoryOnlineStore, MemoryStore, OnlineStoreTests, StoreTests
from mlforge.testing.memory import ONLINE_STORE, STORE


class TestMemoryStore(StoreTests):
    def config(self, folder: Path) -> StoreConfig:
        return MemoryStore()

    def descriptor(self) -> StoreDescriptor:
        return STORE


class TestMemoryOnlineStore(OnlineStoreTests):
    def config(self, folder: Path) -> OnlineStoreConfig:
        return MemoryOnlineStore()

    def descriptor(self) -> OnlineStoreDescriptor:
        return ONLINE_STORE
