"""Metrics and validators of a stranger's plugin, which know no engine, mean on Spark what they mean everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mlforge.model.check import Validator
from mlforge.model.expr import col
from mlforge.model.window import Window
from mlforge.plugin import EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge.testing import MetricTests, ValidatorTests
from toy_plugin.metrics import Share
from toy_plugin.validators import is_email
from toy_plugin.variation import CoefficientOfVariation


class _OnSpark:
    def engines(self) -> Sequence[EngineDescriptor]:
        """Spark beside the reference: the plugin's own tests run on the others."""
        return (registry().get(EngineDescriptor, "pyspark"),)


class TestIsEmail(_OnSpark, ValidatorTests):
    dtype = "String"
    kept = ("ada@lovelace.org", "é@exämple.co.uk", None)
    broken = ("", "ada", "ada@", "@lovelace.org", "ada@org", "a b@c.de", "a@b@c.de", "ada@lovelace.org\n")

    def validator(self) -> Validator:
        return is_email()


class TestShare(_OnSpark, MetricTests):
    schema: ClassVar = {"won": "Int64", "played": "Int64"}
    events = (("2024-01-01T10:00", {"won": 1, "played": 2}), ("2024-01-01T11:00", {"won": 0, "played": 2}))
    expected: ClassVar = {
        "2024-01-01T09:00": {"wins_1d": None},
        "2024-01-01T12:00": {"wins_1d": 0.25},
        "2024-01-02T10:00": {"wins_1d": 0.0},
        "2024-01-02T11:00": {"wins_1d": None},
    }

    def metric(self) -> Share:
        return Share("won", "played", windows=["1d"], name="wins")


class TestCoefficientOfVariation(_OnSpark, MetricTests):
    schema: ClassVar = {"amount": "Int64"}
    events = (
        ("2024-01-01T10:00", {"amount": 1}),
        ("2024-01-01T11:00", {"amount": 3}),
        ("2024-01-01T11:30", {"amount": -3}),
    )
    expected: ClassVar = {
        "2024-01-01T10:00": {"cv_all": None, "cv_1d_offset_1d": None},
        "2024-01-02T11:45": {"cv_all": 2**0.5 / 2, "cv_1d_offset_1d": 2**0.5 / 2},
        "2024-01-03T10:00": {"cv_all": 2**0.5 / 2, "cv_1d_offset_1d": None},
    }

    def metric(self) -> CoefficientOfVariation:
        windows = ["all", Window("1d", offset="1d")]
        return CoefficientOfVariation("amount", windows, where=col("amount") > 0, name="cv")
