"""Half a character is refused where it is written, whoever describes what."""

from __future__ import annotations

import pytest

import mlforge as mlf
from mlforge.errors import Invalid

HALF = "in dollars \ud83d"


@pytest.mark.parametrize(
    "describe",
    [
        lambda: mlf.Field("amount", description=HALF),
        lambda: mlf.Field("amount", unit=HALF),
        lambda: mlf.FeatureSet("fraud", features=["spend"], description=HALF),
        lambda: mlf.FeatureSet("fraud", features=["spend"], owner=HALF),
        lambda: mlf.FeatureSet("fraud", features=["spend"], tags=[HALF]),
        lambda: mlf.Sum("amount", "7d", description=HALF).columns(),
        lambda: mlf.Sum("amount", "7d", unit=HALF).columns(),
        lambda: mlf.Ratio("amount", "fees", "7d", description=HALF).columns(),
        lambda: mlf.request_feature("risk", inputs={"a": "Int64"}, columns={"b": mlf.col("a")}, description=HALF),
    ],
    ids=[
        "a field", "its unit", "a set", "its owner", "its tags", "a metric", "its unit too", "a ratio", "a request",
    ],
)  # fmt: skip
def test_half_a_character_is_refused_where_it_is_written(describe):
    with pytest.raises(Invalid, match=r"'in dollars \\ud83d' in .* has half a character"):
        describe()
