"""The reference passes the kit that is made from it."""

from mlforge.plugin import EngineConfig, EngineDescriptor
from mlforge.testing import EngineTests
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine


class TestReference(EngineTests):
    def config(self) -> EngineConfig:
        return ReferenceEngine()

    def descriptor(self) -> EngineDescriptor:
        return DESCRIPTOR

    def others(self) -> list[EngineConfig]:
        return [ReferenceEngine()]
