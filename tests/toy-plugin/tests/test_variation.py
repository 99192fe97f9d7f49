"""An aggregation made of parts means the same on every engine, filtered and over windows of any kind."""

from typing import ClassVar

from mlforge.model.expr import col
from mlforge.model.window import Window
from mlforge.testing import MetricTests
from toy_plugin.variation import CoefficientOfVariation


class TestCoefficientOfVariation(MetricTests):
    schema: ClassVar = {"amount": "Int64"}
    events = (
        ("2024-01-01T10:00", {"amount": 1}),
        ("2024-01-01T11:00", {"amount": 3}),
        ("2024-01-01T11:30", {"amount": -3}),
    )
    expected: ClassVar = {
        "2024-01-01T10:00": {"cv_all": None, "cv_1d_offset_1d": None},
        "2024-01-01T11:00": {"cv_all": 2**0.5 / 2, "cv_1d_offset_1d": None},
        "2024-01-02T11:45": {"cv_all": 2**0.5 / 2, "cv_1d_offset_1d": 2**0.5 / 2},
        "2024-01-03T10:00": {"cv_all": 2**0.5 / 2, "cv_1d_offset_1d": None},
    }

    def metric(self) -> CoefficientOfVariation:
        windows = ["all", Window("1d", offset="1d")]
        return CoefficientOfVariation("amount", windows, where=col("amount") > 0, name="cv")
