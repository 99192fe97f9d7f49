"""Request features and derived columns on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]
DEFINITIONS = """
import mlforge as mlf
from mlforge import at, col, days

@mlf.feature(source="paid.csv", keys="user_id", timestamp="paid_at", fields=mlf.Field("amount", unit="USD"),
             derived={"days_since": (at() - col("last")) / days(1),
                      "is_odd": ~(col("n") + 1).eq(2) & col("s").is_in(["a"])})
def payments(df):
    return df

risk = mlf.request_feature("risk", inputs={"asked": "Float64"}, uses="payments@1.0.0", tags="money",
                           columns={"ratio": col("asked") / col("amount")}, description="How unusual it is.",
                           fields=mlf.Field("ratio", "Of the last payment"))
defs = mlf.Definitions("shop", features=[payments, risk])
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "definitions.py").write_text(DEFINITIONS)
    return folder


def test_they_are_listed_after_the_features(mlforge: Mlforge, shop: Path) -> None:
    lines = mlforge("list", cwd=shop).out.splitlines()
    assert lines[-1].split() == ["risk", "asked", "payments", "ratio", "How", "unusual", "it", "is."]
    found = mlforge("list", "--json", cwd=shop).document
    assert [f["name"] for f in found["request_features"]] == ["risk"]
    assert found["features"][0]["derived"]["days_since"]["op"] == "div"


def test_they_are_inspected_with_what_they_are_computed_of(mlforge: Mlforge, shop: Path) -> None:
    shown = mlforge("inspect", "risk", cwd=shop).out
    for line in ("risk  request feature", "asked Float64", "payments@1.0.0", "asked / amount, Of the last payment"):
        assert line in shown
    assert mlforge("inspect", "risk", "--json", cwd=shop).document["inputs"] == {"asked": "Float64"}
    derived = mlforge("inspect", "payments", cwd=shop).out
    assert "(at() - last) / days(1)" in derived
    assert "not((n + 1) = 2) and (s in ('a'))" in derived
    refused = mlforge("inspect", "risk", "--version", "1.0.0", cwd=shop)
    assert refused.code == 2
    assert "no versions" in refused.err


def test_there_is_nothing_of_them_to_build(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--features", "risk", cwd=shop)
    assert answer.code == 1
    assert "computed when it is asked for" in answer.err
