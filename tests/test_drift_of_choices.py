"""Texts of which there are many different ones: what has drifted is told, and what has not is not."""

from random import Random

import polars as pl
import pytest

import mlforge as mlf

CITIES = [f"city {n}" for n in range(1000)]


def project(folder, cities):
    frame = pl.DataFrame({"user": range(len(cities)), "city": cities})

    @mlf.feature(source=mlf.Source.from_frame(frame, name="homes"), keys="user")
    def homes(df):
        return df

    defs = mlf.Definitions("shop", features=[homes], store=mlf.LocalStore("store"), root=folder)
    defs.build().raise_for_failure()
    return defs


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    "later",
    [["city 999"] * 10_000, CITIES[500:] * 20, [f"town {n}" for n in range(1000)] * 10],
    ids=["all are one", "half of them are gone", "all are new"],
)
def test_texts_that_collapse_go_or_are_replaced_have_drifted(tmp_path, engine, later):
    defs = project(tmp_path, [*CITIES * 10, *(f"village {n}" for n in range(2000) for _ in range(2))])
    (found,) = defs.drift("homes", frame=pl.DataFrame({"city": later}), engine=engine).columns
    assert found.drifted, found.reason


@pytest.mark.parametrize("method", ["psi", "js", "chi2"])
@pytest.mark.parametrize(("before", "after"), [(200, 2000), (2000, 200), (200, 200), (2000, 5)])
def test_what_is_frequent_by_chance_in_one_sample_alone_is_no_drift(tmp_path, method, before, after):
    draw, alarms = Random(0), 0
    defs = project(tmp_path, draw.choices(CITIES[:300], k=before))
    for _ in range(20):
        frame = pl.DataFrame({"city": draw.choices(CITIES[:300], k=after)})
        alarms += not defs.drift("homes", frame=frame, method=method, engine="polars").ok
    assert alarms <= 2


def test_names_that_stand_there_once_are_other_ones_without_a_drift(tmp_path):
    defs = project(tmp_path, [f"user {n}" for n in range(5000)])
    assert defs.drift("homes", frame=pl.DataFrame({"city": [f"guest {n}" for n in range(3000)]})).ok


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_frame_with_a_column_of_a_type_that_no_feature_has_is_sent_to_the_frame_not_to_a_function(tmp_path, engine):
    defs = project(tmp_path, ["a", "b"])
    with pytest.raises(mlf.errors.Invalid, match="'city' is") as caught:
        defs.drift("homes", frame=pl.DataFrame({"city": [{"name": "a"}, None]}), engine=engine)
    assert "in the frame" in caught.value.hint
    assert "function" not in caught.value.hint
