"""The Spark engine does all that every engine must."""

from __future__ import annotations

from mlforge.testing import EngineTests
from mlforge_spark.plugin import SparkEngine


class TestSpark(EngineTests):
    def config(self) -> SparkEngine:
        return SparkEngine()
