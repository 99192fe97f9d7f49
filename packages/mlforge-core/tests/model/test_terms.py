"""Words that expressions begin with, and operators from either side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.flow.versions.fingerprints import digest
from mlforge.model.check import Validator
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, AsType, At, Call, Col, Lit, TimePart, col, it
from mlforge.model.metric import MetricColumn
from mlforge.model.terms import at, coalesce, days, greatest, hours, least, minutes, seconds, when
from mlforge.testing.refusals import refused

OLD = (
    (col("a") + 1 - col("b") * 2.5) / col("d"), -col("a"), col("a").abs(),
    (col("a") > 1) & ~col("b").is_null() | col("s").matches("^a"), col("s").is_in(["a", None]), col("s").length().eq(3),
    it().duplicated(), col("f").is_nan(), col("a").ne(None), Call("if", (col("b"), Lit(1), Lit(2))),
    Call("coalesce", (col("a"), Lit(0))), Agg("sum", col("a")) / Agg("count"),
    col("t") >= datetime(2024, 1, 1, tzinfo=UTC), col("day") < date(2024, 1, 1),
)  # fmt: skip


def test_expressions_of_old_versions_keep_their_hashes() -> None:
    assert digest(OLD) == "1a2c0bb68729312159cffd81f32a16c4"


def test_new_expressions_have_hashes_of_their_own() -> None:
    new = [
        *(at(), days(1), hours(1), col("a").log(), col("a").cast("Int8"), col("a").cast("Int16"), col("t").hour()),
        *(col("t").hour("UTC"), col("t").year(), coalesce(col("a")), least(col("a")), greatest(col("a"))),
        *(1 / col("a"), col("a") / 1, when(col("c")).then(1).otherwise(2), when(col("c")).then(2).otherwise(1)),
    ]
    assert len({digest(e) for e in new}) == len(new)


def test_numbers_may_stand_on_the_left() -> None:
    made = (1 + col("a"), 1 - col("a"), 2 * col("a"), 1 / col("a"), 2 ** col("a"))
    assert made == tuple(Call(op, (Lit(n), Col("a"))) for op, n in zip(
        ("add", "sub", "mul", "div", "pow"), (1, 1, 2, 1, 2), strict=True
    ))  # fmt: skip


def test_choices_are_made_in_order() -> None:
    made = when(col("a") > 1).then("x").when(col("b")).then("y").otherwise(None)
    assert made == Call("if", (col("a") > 1, Lit("x"), Call("if", (Col("b"), Lit("y"), Lit(None)))))


def test_lengths_of_time_are_constants() -> None:
    assert days(1) == Lit(timedelta(days=1))
    assert [hours(24), minutes(1440), seconds(86400)] == [days(1)] * 3


def test_rebuilding_keeps_what_stands_beside_the_arguments() -> None:
    made = col("t").hour("Europe/Zurich").cast("String").replace(lambda e: Col("u") if isinstance(e, Col) else e)
    assert made == AsType(TimePart(Col("u"), "hour", "Europe/Zurich"), "String")


REFUSED: dict[str, tuple[Callable[[], object], str, str]] = {
    "% of two meanings": (lambda: col("a") % 2, "Python and another in SQL", ".mod(7)"),
    "% from the left": (lambda: 2 % col("a"), "Python and another in SQL", ".mod(7)"),
    "//": (lambda: col("a") // 2, "not in the algebra", ".floor()"),
    "a type nobody casts to": (lambda: col("a").cast("Float32"), "'Float32'", "Float64"),
    "a part no time has": (lambda: TimePart(col("a"), "week"), "'week'", "weekday"),
    "a zone nobody knows": (lambda: col("a").hour("Europe/Zuerich"), "'Europe/Zuerich'", "Europe/Zurich"),
    "an empty zone": (lambda: col("a").hour(""), "no time zone", "UTC"),
    "a choice without an end": (lambda: col("a") + when(col("b")).then(1), "has no otherwise", ".otherwise(0)"),
    "a condition alone": (lambda: coalesce(when(col("b")), 1), "when(…) has no otherwise", ".otherwise(0)"),
    "a length that is text": (lambda: days("7"), "days('7')", "days(7)"),  # type: ignore[arg-type]
    "a length beyond Python's": (lambda: days(1e12), "no length of time", "smaller"),
    "a length that is no number": (lambda: hours(float("nan")), "no length of time", "smaller"),
    "nothing to choose from": (coalesce, "coalesce", "Operations"),
    "at() in a metric": (lambda: mlf.Max(at(), windows="7d", name="age"), "'age' reads at()", "when it is asked for"),
    "at() deep in a metric": (
        lambda: mlf.Sum((at() - col("t")) / days(1), windows="7d", name="age"), "'age' reads at()", "Max(",
    ),
    "at() in a metric of one's own": (
        lambda: MetricColumn("x", Duration.parse("7d"), Agg("max", At()), "x"),
        "'x' reads at()",
        "when it is asked for",
    ),
    "at() in a validator": (lambda: Validator("past", it() > at()), "'past' reads at()", "when it is asked for"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "says", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_means_nothing_is_refused(make: Callable[[], object], says: str, hint: str) -> None:
    with refused(Invalid, says, hint):
        make()
