"""Expressions over a request's rows: what the kit cannot show of the evaluator, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import thread_time
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.expr import col
from mlforge.model.terms import at, coalesce, days, greatest, least, when
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.testing.refusals import refused

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
WORDS = {
    "amount": "Float64",
    "mean_30d": "Float64",
    "count_7d": "Int64",
    "last_paid_all": "Datetime",
    "kind": "String",
    "n": "Int64",
}
COLUMNS = {
    "ratio": col("amount") / col("mean_30d"),
    "days_since": (at() - col("last_paid_all")) / days(1),
    "size": when(col("amount") > 100).then("large").when(col("amount") > 10).then("medium").otherwise("small"),
    "logged": (coalesce(col("count_7d"), 0) + 1).log(),
    "is_refund": col("kind").strip().lower().eq("refund"),
}
"""Five derived columns as people write them."""

ROW = {
    "amount": 25.0,
    "mean_30d": 12.5,
    "count_7d": 3,
    "last_paid_all": NOON - timedelta(days=3),
    "kind": " Refund ",
}


def test_columns_are_computed_of_a_row_and_an_instant() -> None:
    made = Derivation(COLUMNS, WORDS).of(ROW, NOON)
    assert made == {"ratio": 2.0, "days_since": 3.0, "size": "medium", "logged": math.log(4), "is_refund": True}


def test_a_column_that_a_row_lacks_is_null() -> None:
    made = Derivation(COLUMNS, WORDS).of({}, NOON)
    assert made == {"ratio": None, "days_since": None, "size": "small", "logged": 0.0, "is_refund": None}


def test_the_types_are_known_before_there_is_a_row() -> None:
    words = Derivation(COLUMNS, WORDS).words
    assert list(words.values()) == ["Float64", "Float64", "String", "Float64", "Boolean"]


def test_what_does_not_go_together_names_the_new_column() -> None:
    with refused(Invalid, "ratio: div needs numbers, not String"):
        Derivation({"ratio": col("kind") / col("amount")}, WORDS)


def test_an_integer_that_does_not_fit_names_the_new_column() -> None:
    with refused(Invalid, "square: int64 overflow", "64 bits"):
        Derivation({"square": col("n") * col("n")}, WORDS).of({"n": 2**40})


def test_at_is_refused_where_nobody_asks() -> None:
    with refused(Invalid, "age", "at()"):
        Derivation({"age": at() - col("last_paid_all")}, WORDS, asked=False)


@pytest.mark.parametrize("digits", ["0" * 5000 + "7", "9" * 5000, "-" + "9" * 5000])
def test_a_number_of_more_digits_than_python_reads_is_no_error(digits: str) -> None:
    made = Derivation({"n": col("kind").cast("Int64")}, WORDS).of({"kind": digits})
    assert made == {"n": 7 if digits.endswith("7") else None}


def test_what_is_beyond_any_float_is_infinite() -> None:
    columns = {"e": col("amount").exp(), "p": col("amount").pow(3), "odd": (-col("amount")).pow(301)}
    assert Derivation(columns, WORDS).of({"amount": 1e200}) == {"e": math.inf, "p": math.inf, "odd": -math.inf}


def test_nan_is_the_greatest_number() -> None:
    columns = {"g": greatest(col("amount"), 1), "l": least(col("amount"), 1), "is": col("amount") > 1}
    made = Derivation(columns, WORDS).of({"amount": math.nan})
    assert math.isnan(made["g"])
    assert (made["l"], made["is"]) == (1.0, True)


def by_hand(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The five columns as a function that knows them."""
    amount, mean, count = row.get("amount"), row.get("mean_30d"), row.get("count_7d")
    paid, kind = row.get("last_paid_all"), row.get("kind")
    size = "large" if (amount or 0) > 100 else "medium" if (amount or 0) > 10 else "small"
    return {
        "ratio": None if amount is None or mean is None else amount / mean,
        "days_since": None if paid is None else (now - paid) / timedelta(days=1),
        "size": size,
        "logged": math.log((count or 0) + 1),
        "is_refund": None if kind is None else kind.strip().lower() == "refund",
    }


@pytest.mark.no_cover
@pytest.mark.parametrize("rows", [1, 100])
def test_five_columns_cost_a_request_next_to_nothing(rows: int) -> None:
    """By hand 100 rows take 0.1 ms, so that 10 × is the millisecond which they may take, on a machine of any speed."""
    derivation, asked = Derivation(COLUMNS, WORDS), [ROW] * rows
    assert derivation.of_each(asked, NOON) == [by_hand(row, NOON) for row in asked]

    def cpu(work: Callable[[], object]) -> float:
        began = thread_time()
        work()
        return thread_time() - began

    pairs = [
        (cpu(lambda: derivation.of_each(asked, NOON)), cpu(lambda: [by_hand(row, NOON) for row in asked]))
        for _ in range(300)
    ]
    assert min(ours for ours, _ in pairs) < 10 * min(theirs for _, theirs in pairs)
