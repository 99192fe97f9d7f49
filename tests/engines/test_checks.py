"""Checks of Polars' frames, and what either library cannot compute of them."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.expr import it

RAISED = {"polars": pl.exceptions.PolarsError, "duckdb": duckdb.Error}
SAID = {"polars": "checks of x", "duckdb": "checks of x|int64 overflow"}


def test_all_checks_of_one_lazy_frame_come_back_in_order(engine) -> None:
    frame = pl.LazyFrame({"a": [1, 2, 3, 4, 5], "b": ["x", None, "y", "y", "y"]})
    checks = [Validator("many", it() > 1).on("a"), Validator("double", it().duplicated()).on("b")]
    many, double = engine.check(frame, checks)
    assert (many.rows, many.failures, many.examples) == (5, 4, (2, 3, 4))
    assert (double.failures, double.examples) == (3, ("y", "y", "y"))


@pytest.mark.parametrize(
    ("values", "violation"),
    [([2**62], it() * 4 > 1), (["a"], it().matches("(a{1000}){1000}"))],
    ids=["overflow", "pattern"],
)
def test_what_a_library_cannot_compute_is_invalid_and_keeps_the_cause(engine, library, values, violation) -> None:
    with pytest.raises(Invalid, match=SAID[library]) as caught:
        engine.check(pl.DataFrame({"x": values}), [Validator("rule", violation).on("x")])
    assert isinstance(caught.value.__cause__, RAISED[library])
