"""The engine does all that every engine must."""

from mlforge.testing import EngineTests
from toy_engine.plugin import ToyEngine


class TestToyEngine(EngineTests):
    def config(self) -> ToyEngine:
        return ToyEngine()
