"""The metric means the same on every engine."""

from typing import ClassVar

from mlforge.testing import MetricTests
from toy_plugin.metrics import Share


class TestShare(MetricTests):
    schema: ClassVar = {"won": "Int64", "played": "Int64"}
    events = (("2024-01-01T10:00", {"won": 1, "played": 2}), ("2024-01-01T11:00", {"won": 0, "played": 2}))
    expected: ClassVar = {
        "2024-01-01T09:00": {"wins_1d": None},
        "2024-01-01T10:00": {"wins_1d": 0.5},
        "2024-01-01T12:00": {"wins_1d": 0.25},
        "2024-01-02T10:00": {"wins_1d": 0.0},
        "2024-01-02T11:00": {"wins_1d": None},
    }

    def metric(self) -> Share:
        return Share("won", "played", windows=["1d"], name="wins")
