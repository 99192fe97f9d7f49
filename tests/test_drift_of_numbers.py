"""Drift of numbers and times: values that repeat, are rare, are far away or are not finite."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf, nan
from random import Random

import polars as pl
import pytest

import mlforge as mlf

ENGINES = pytest.mark.parametrize("engine", ["polars", "duckdb"])
METHODS = ("psi", "js", "chi2", "ks", "wasserstein")


@pytest.fixture
def drift(tmp_path):
    """What is found between two lists of values."""

    def found(before, after, method="psi", engine="polars", **options):
        rows = pl.DataFrame({"user": range(len(before)), "x": before})

        @mlf.feature(source=mlf.Source.from_frame(rows, name="rows"), keys="user")
        def seen(df):
            return df

        defs = mlf.Definitions("shop", features=[seen], store=mlf.LocalStore("store"), root=tmp_path)
        defs.build(engine=engine).raise_for_failure()
        frame = pl.DataFrame({"x": after})
        (column,) = defs.drift("seen", frame=frame, method=method, engine=engine, **options).columns
        return column

    return found


def shares(common, rare, part, rows=1000):
    """Rows of one value, and some of another."""
    return [rare if n < part * rows else common for n in range(rows)]


@ENGINES
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("common", "rare"),
    [(0, 1), (1, 0), (0.0, 1e9), (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))],
)
def test_a_rare_value_that_becomes_frequent_is_a_drift(drift, engine, method, common, rare):
    column = drift(shares(common, rare, 0.05), shares(common, rare, 0.5), method, engine)
    assert column.verdict == "drifted", column.reason


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("other", [0.0, 2.0])
@pytest.mark.parametrize("rows", [12, 1000])
def test_a_constant_that_moves_is_a_drift_wherever_it_goes(drift, method, other, rows):
    assert drift([1.0] * rows, [other] * 1000, method).verdict == "drifted"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [3.7, 0.1, 1e6 + 0.1])
def test_a_constant_that_stays_is_none(drift, method, value):
    column = drift([value] * 1000, [value] * 999, method)
    assert (column.verdict, column.distance) == ("steady", 0.0)


@ENGINES
@pytest.mark.parametrize("away", [-100.0, 100.0])
def test_the_wasserstein_distance_is_as_far_as_values_moved(drift, engine, away):
    draw = Random(1)
    before, after = ([draw.gauss(0, 2) + by for _ in range(2000)] for by in (0.0, away))
    assert drift(before, after, "wasserstein", engine).distance == pytest.approx(50, rel=0.05)


@ENGINES
def test_the_wasserstein_distance_of_a_constant_is_the_same_on_every_engine(drift, engine):
    assert drift([3.7] * 1000, [4.7] * 1000, "wasserstein", engine).distance == 1.0


@pytest.mark.parametrize("part", [0.03, 1.0])
def test_that_there_are_no_finite_values_may_be_chance(drift, part):
    column = drift(shares(None, 1.0, part, 60), [nan] * 60, "wasserstein")
    assert column.verdict == ("drifted" if part == 1.0 else "not compared")
    assert column.reason.startswith("one of them has no finite values")


@pytest.mark.parametrize("method", ["psi", "js", "chi2", "ks"])
def test_nan_and_infinity_are_two_things(drift, method):
    assert drift(shares(1.0, nan, 0.5), shares(1.0, inf, 0.5), method).verdict == "drifted"


def test_a_single_value_is_none_that_repeats(drift):
    before = [None] * 49 + [0.5]
    after = [n / 150 if n < 150 else None for n in range(5000)]
    assert drift(before, after, "chi2").verdict == "steady"


def test_a_column_that_is_named_twice_is_compared_once(drift):
    assert drift([1.0] * 100, [1.0] * 100, columns=["x", "x"]).verdict == "steady"
