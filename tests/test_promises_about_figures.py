"""Promises that nothing could break are refused, and `no_drift()` says what `mlforge drift` says."""

import math

import polars as pl
import pytest

import mlforge as mlf
import mlforge.validators as v
from mlforge.errors import Invalid
from mlforge.model.check import Validator


def project(folder, rows, **promises):
    rows.write_parquet(folder / "flags.parquet")

    @mlf.feature(source="flags.parquet", keys="user", validators=promises)
    def flags(df):
        return df

    return mlf.Definitions("shop", features=[flags], store=mlf.LocalStore("store"), root=folder)


FIRST = {
    "no_drift": "threshold", "rows_between": "least", "null_rate_below": "rate", "is_in": "values",
    "matches_regex": "pattern",
}  # fmt: skip
WRONG = [
    ("no_drift", -1), ("no_drift", math.nan), ("no_drift", math.inf), ("no_drift", "x"), ("no_drift", None),
    ("no_drift", True), ("rows_between", None), ("rows_between", "x"), ("rows_between", math.nan),
    ("rows_between", True), ("null_rate_below", "x"), ("null_rate_below", None), ("null_rate_below", True),
    ("is_in", None), ("is_in", 5), ("is_in", "text"), ("is_in", []), ("is_in", [1, None]), ("matches_regex", 5),
    ("matches_regex", None), ("matches_regex", b"a"), ("greater_than", None), ("less_than", None),
    ("greater_than_or_equal", None), ("less_than_or_equal", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG, ids=map(repr, WRONG))
def test_a_promise_of_what_is_no_value_is_refused_with_a_hint(name, value):
    with pytest.raises(Invalid) as caught:
        getattr(v, name)(**{FIRST.get(name, "value"): value})
    assert caught.value.hint


def test_so_are_a_second_value_that_is_no_number_and_a_method_that_is_no_word():
    for wrong in (lambda: v.rows_between(1, "x"), lambda: v.rows_between(5, math.inf), lambda: v.no_drift(["psi"])):
        with pytest.raises(Invalid):
            wrong()


@pytest.mark.parametrize(
    "violation",
    [mlf.col("rows") + 1, mlf.col("rows").eq("many"), mlf.col("rows").duplicated()],
    ids=["number", "text", "all rows"],
)
def test_what_is_no_condition_over_figures_is_refused_by_the_name_of_the_promise(tmp_path, violation):
    rows = pl.DataFrame({"user": [1, 2], "flag": [True, False]})
    defs = project(tmp_path, rows, flag=Validator("odd", violation, "odd()", figures=True))
    (result,) = defs.build().failed
    assert result.failure.message.startswith("odd(): ")
    assert "function" not in result.failure.hint
    assert defs.list_versions("flags") == []


@pytest.mark.parametrize(("column", "method"), [("plan", "ks"), ("plan", "wasserstein"), ("tags", "psi")])
def test_no_drift_of_what_a_method_does_not_compare_is_refused_from_the_first_build_on(tmp_path, column, method):
    rows = pl.DataFrame({"user": [1, 2], "plan": ["free", "pro"], "tags": [["a"], []]})
    (result,) = project(tmp_path, rows, **{column: v.no_drift(method)}).build().failed
    assert f"of '{column}'" in result.failure.message
    assert result.failure.hint


@pytest.mark.parametrize("columns", [1, 40])
def test_no_drift_of_many_columns_leaves_to_chance_what_drift_leaves_to_it(tmp_path, columns):
    names = [f"flag {n}" for n in range(columns)]
    for yes in (25, 39):
        first = [True] * yes + [False] * (50 - yes)
        rows = pl.DataFrame({"user": range(50)} | {n: [u % 2 == 0 for u in range(50)] for n in names})
        defs = project(
            tmp_path, rows.with_columns(pl.Series(names[0], first)), **{n: v.no_drift(severity="warn") for n in names}
        )
        built = defs.build().raise_for_failure()["flags"]
    assert [w.column for w in built.warnings] == [c.column for c in defs.drift("flags").drifted]
    assert len(built.warnings) == (1 if columns == 1 else 0)
