"""The online store does all that online stores must."""

from pathlib import Path

from mlforge.testing import OnlineStoreTests
from toy_plugin.plugin import ToyStore


class TestToyStore(OnlineStoreTests):
    def config(self, folder: Path) -> ToyStore:
        return ToyStore(path=str(folder / "online.db"))
