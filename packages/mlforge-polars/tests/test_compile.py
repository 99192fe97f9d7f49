"""Expressions, checks and windows over types that only Polars has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col, It, col, it, lift
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import Aggregate, MetricColumn, WindowPlan
from mlforge.model.terms import coalesce, least, when
from mlforge.model.timestamp import Timestamp
from mlforge_polars.engine import LivePolarsEngine

SHAPE = Shape((Key("k"),), Timestamp("t"))
START = datetime(2024, 1, 1, tzinfo=UTC)


def violations(engine: LivePolarsEngine, values: pl.Series, violation) -> tuple[int, tuple]:
    found = engine.check(values.alias("x").to_frame(), [Validator("rule", violation).on("x")])[0]
    return found.failures, found.examples


def points(engine: LivePolarsEngine, x: pl.Series, *metrics) -> pl.DataFrame:
    events = pl.DataFrame({"k": [1] * len(x), "t": [START] * len(x), "x": x})
    return engine.aggregate(events, SHAPE, WindowPlan(None, tuple(c for m in metrics for c in m.columns())))


def test_large_integers_keep_their_last_digit_beside_a_whole_float(engine: LivePolarsEngine) -> None:
    values = pl.Series([2**53, 2**53 + 1])
    assert violations(engine, values, it().eq(float(2**53))) == (1, (2**53,))
    assert violations(engine, values, it().is_in([float(2**53), "x"][:1])) == (1, (2**53,))


def test_times_are_compared_as_instants_whatever_their_zone_or_unit(engine: LivePolarsEngine) -> None:
    plus_two = timezone(timedelta(hours=2))
    for zone in (None, "Asia/Tokyo"):
        values = pl.Series([START]).dt.replace_time_zone(None).cast(pl.Datetime("ms"))
        values = values if zone is None else pl.Series([START]).dt.convert_time_zone(zone)
        for same in (START.replace(tzinfo=None), datetime(2024, 1, 1, 2, tzinfo=plus_two), date(2024, 1, 1)):
            assert violations(engine, values, it().eq(same)) == (1, (START,))


def test_categories_are_compared_as_strings(engine: LivePolarsEngine) -> None:
    values = pl.Series(["a", "b", None], dtype=pl.Categorical)
    assert violations(engine, values, it().is_in(["a", "c"])) == (1, ("a",))
    assert violations(engine, values, it().matches("^b")) == (1, ("b",))


def test_a_float32_is_compared_by_its_own_value(engine: LivePolarsEngine) -> None:
    assert violations(engine, pl.Series([0.1], dtype=pl.Float32), it().eq(0.1))[0] == 0


def test_all_checks_of_one_frame_come_back_in_order(engine: LivePolarsEngine) -> None:
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
def test_what_polars_cannot_compute_is_invalid_and_keeps_the_cause(engine: LivePolarsEngine, values, violation) -> None:
    with pytest.raises(Invalid, match="checks of x") as caught:
        violations(engine, pl.Series(values), violation)
    assert isinstance(caught.value.__cause__, pl.exceptions.PolarsError)


def test_extremes_keep_their_type_and_sums_have_the_contracts(engine: LivePolarsEngine) -> None:
    expected = {"sum": pl.Float64, "min": pl.Float32, "max": pl.Float32, "mean": pl.Float64, "count": pl.Int64}
    rows = points(engine, pl.Series([1.5, 2.5], dtype=pl.Float32), *(Aggregate("x", f, ["1d"]) for f in expected))
    assert rows.select(f"x__{f}__1d" for f in expected).dtypes == list(expected.values())


def test_decimals_are_summed_exactly_and_keep_their_extremes(engine: LivePolarsEngine) -> None:
    x = pl.Series(["1.10", "2.25"]).cast(pl.Decimal(10, 2))
    rows = points(engine, x, Aggregate("x", "sum", ["1d"]), Aggregate("x", "max", ["1d"]))
    assert (rows["x__sum__1d"][0], rows.schema["x__sum__1d"]) == (Decimal("3.35"), pl.Decimal(38, 2))
    assert rows.schema["x__max__1d"] == pl.Decimal(10, 2)


def test_an_expression_over_aggregations_is_computed_on_top(engine: LivePolarsEngine) -> None:
    ratio = MetricColumn("r", Duration.parse("1d"), Agg("sum", col("x") > 1) / Agg("count"), "ratio")
    events = pl.DataFrame({"k": [1, 1, 1], "t": [START] * 3, "x": [1, 2, None]})
    rows = engine.aggregate(events, SHAPE, WindowPlan(None, (ratio,)))
    assert rows["r"].to_list() == [pytest.approx(1 / 3), None]


def test_a_text_column_is_not_summed_and_the_error_says_where(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid, match=r"x__sum__1d: sum needs a number, and column 'x' is String\..*cast"):
        points(engine, pl.Series(["a"]), Aggregate("x", "sum", ["1d"]))


def test_a_misspelt_column_gets_the_nearest(engine: LivePolarsEngine) -> None:
    column = MetricColumn("m", Duration.parse("1d"), Agg("sum", Col("xx")), "sum")
    with pytest.raises(Invalid, match=r"'xx'.*Did you mean 'x'\?"):
        engine.aggregate(pl.DataFrame({"k": [1], "t": [START], "x": [1]}), SHAPE, WindowPlan(None, (column,)))


def test_a_null_in_integer_arithmetic_is_null_at_once(engine: LivePolarsEngine) -> None:
    assert violations(engine, pl.Series([1, 2]), (it() + None).is_null()) == (2, (1, 2))


CHOSEN = {
    "a choice that is a constant first": 2.0 - coalesce(0.5, it()) > 1,
    "beside it": lift(2.0) > coalesce(0.5, it()),
    "a choice of constants": lift(2.0) > when(it() > 100).then(0.5).otherwise(0.25),
    "an empty set": lift(2.0) > when(it().is_in([])).then(it()).otherwise(-2.25),
    "a constant choice": lift(2.0) > when(lift(value=True)).then(0.5).otherwise(it()),
    "the least of constants": least(lift(2.0), 1.0) > least(lift(0.5), 0.25),
}


@pytest.mark.parametrize("violation", CHOSEN.values(), ids=CHOSEN)
def test_what_is_the_same_in_every_row_is_counted_in_every_row(engine: LivePolarsEngine, violation) -> None:
    assert violations(engine, pl.Series([1.0, 2.0, 3.0]), violation) == (3, (1.0, 2.0, 3.0))
    derived = engine.derive(pl.DataFrame({"x": [1.0, 2.0, 3.0]}), {"y": violation.replace(_about_x)})
    assert derived["y"].to_list() == [True] * 3


def _about_x(expr):
    return Col("x") if isinstance(expr, It) else expr
