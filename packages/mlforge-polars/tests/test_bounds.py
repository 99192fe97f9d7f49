"""The least and greatest values of runs, against looking at each value of each run."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random

import polars as pl
import pytest

from mlforge_polars.bounds import bounds_of_runs

KINDS = {
    "floats": (pl.Float64, lambda n: n / 8),
    "integers": (pl.Int64, lambda n: n - 2**62),
    "great integers": (pl.Int128, lambda n: n + 2**100),
    "decimals": (pl.Decimal(38, 2), lambda n: Decimal(n) / 100),
    "times": (pl.Datetime("us", "UTC"), lambda n: dt.datetime(1969, 12, 31, tzinfo=dt.UTC) + dt.timedelta(hours=n)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nulls", [0.0, 0.4])
@pytest.mark.parametrize("longest", [0, 1, 2, 3, 8, 70])
def test_they_are_those_of_the_values_in_each_run(kind, nulls, longest):
    dtype, made = KINDS[kind]
    random = Random(f"{kind} {nulls} {longest}")
    values = [None if random.random() < nulls else made(random.randrange(50)) for _ in range(70)]
    low = sorted(random.randrange(71) for _ in range(200))
    high = [min(70, first + random.randint(0, longest)) for first in low]
    low, high = [*low, 0, 70], [*high, longest, 70]  # as long as any, and nothing at the end
    series = pl.Series("x", values, dtype=dtype)
    asked = [(series, "min"), (series.alias("y"), "max")]
    least, greatest = bounds_of_runs(asked, pl.Series(high, dtype=pl.UInt32), pl.Series(low, dtype=pl.UInt32))
    runs = [[v for v in values[a:b] if v is not None] for a, b in zip(low, high, strict=True)]
    assert (least.name, greatest.name, least.dtype, greatest.dtype) == ("x", "y", dtype, dtype)
    assert least.to_list() == [min(run, default=None) for run in runs]
    assert greatest.to_list() == [max(run, default=None) for run in runs]


def test_of_one_value_there_are_runs_too():
    (found,) = bounds_of_runs(
        [(pl.Series("x", [5]), "max")], pl.Series([0, 1, 1], dtype=pl.UInt32), pl.Series([0, 0, 1], dtype=pl.UInt32)
    )
    assert found.to_list() == [None, 5, None]
