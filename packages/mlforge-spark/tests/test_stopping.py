"""What is said of frames whose session somebody has stopped. It runs last: the session is that of all tests."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from mlforge.errors import PluginFailed
from mlforge.model.schema import Schema
from mlforge_spark.plugin import SparkEngine


def test_a_frame_of_a_stopped_session_says_so(session: SparkSession) -> None:
    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"amount": 1}], Schema.of(amount="Int64"))
        session.stop()
        for asked in (lambda: list(engine.rows(frame)), lambda: engine.extent(frame, None),
                      lambda: engine.from_rows([{"amount": 1}], Schema.of(amount="Int64")),
                      lambda: engine.select(frame, ["amount"])):  # fmt: skip
            with pytest.raises(PluginFailed, match="was stopped"):
                asked()
