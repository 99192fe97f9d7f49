"""The reference passes the kit that is made from it."""

import pytest

from mlforge.plugin import EngineConfig, EngineDescriptor
from mlforge.testing import EngineTests
from mlforge.testing.generated import VARIABLE
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine


class TestReference(EngineTests):
    def config(self) -> EngineConfig:
        return ReferenceEngine()

    def descriptor(self) -> EngineDescriptor:
        return DESCRIPTOR

    def others(self) -> list[EngineConfig]:
        return [ReferenceEngine()]

    @pytest.fixture(autouse=True)
    def few_cases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is compared with itself: more cases would find no more."""
        monkeypatch.setenv(VARIABLE, "200")
