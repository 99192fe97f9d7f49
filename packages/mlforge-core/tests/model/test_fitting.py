"""Values of a kind that no signature names are answered in mlforge's words."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError
from mlforge.model.expr import Expr, IsIn, Lit
from mlforge.model.plain import expression, plain

STRANGE = [
    ["a", "b"], [], [["a"]], [None], "", 7, -1, 1.5, float("nan"), None, True, b"ab", {"a": 1}, {}, {"a"}, date.min,
    Path("x"), int, object(), mlf.col("x"),
]  # fmt: skip
CALLS = {
    mlf.Aggregate: {"column": "a", "function": "sum", "windows": "7d"},
    mlf.Sum: {"column": "a", "windows": "7d"},
    mlf.FirstN: {"column": "a", "n": 3, "windows": "7d"},
    mlf.Percentile: {"column": "a", "q": 0.5, "windows": "7d"},
    mlf.Ratio: {"numerator": "a", "denominator": "b", "windows": "7d"},
    mlf.Formula: {"name": "n", "expr": mlf.agg("sum", "a", "7d")},
    mlf.Window: {"length": "7d"},
    mlf.agg: {"word": "sum", "column": "a"},
    mlf.col: {"name": "a"},
    mlf.when: {"condition": mlf.col("x") > 1},
    mlf.Entity: {"name": "user", "join_key": "user_id"},
    mlf.Field: {"name": "a"},
    mlf.FeatureSpec: {"name": "a"},
    mlf.FeatureSet: {"name": "a", "features": ["b"]},
    mlf.Timestamp: {"column": "a"},
    mlf.Source: {"path": "a.parquet"},
    mlf.CSVFormat: {},
    mlf.DeltaFormat: {},
    mlf.LocalStore: {},
    mlf.SQLiteOnlineStore: {},
    mlf.validators.greater_than: {"value": 1},
    mlf.validators.matches_regex: {"pattern": "a"},
    mlf.validators.null_rate_below: {"rate": 0.1},
}


def answer(call, given):
    """The error of mlforge that a call raises, None where it is taken; anything else comes through."""
    try:
        hash(call(**given))
    except MlforgeError as error:
        return error
    return None


def refused_in_words(call, given):
    error = answer(call, given)
    assert error is None or error.hint


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_value_of_a_wrong_kind_is_answered_in_words(call):
    places = [p.name for p in inspect.signature(call).parameters.values() if p.kind is not p.VAR_KEYWORD]
    assert answer(call, CALLS[call]) is None
    for place in places:
        for value in STRANGE:
            refused_in_words(call, CALLS[call] | {place: value})


@pytest.mark.parametrize("place", ["keys", "timestamp", "metrics", "fields", "tags", "description", "interval", "name"])
def test_a_decorator_answers_in_words(place):
    def spend(rows):
        return rows

    given = {"source": "a.parquet", "keys": "user_id", "name": "spend"}
    for value in STRANGE:
        refused_in_words(lambda **words: mlf.feature(**words)(spend), given | {place: value})


def test_several_aggregations_where_one_is_taken_are_told_with_the_place():
    with pytest.raises(Invalid) as caught:
        mlf.Aggregate("amount", ["sum", "last"], ["1h"])

    assert "function=['sum', 'last']" in caught.value.message
    assert caught.value.hint == "Give text for function=."


@pytest.mark.parametrize("value", [["a"], {"a": 1}, {1}])
def test_an_expression_computes_with_single_values_only(value):
    for compute in (Expr.__add__, Expr.__lt__, Expr.eq):
        with pytest.raises(Invalid):
            compute(mlf.col("x"), value)


LIKE = [
    (np.int64(3), 3),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.array(3), 3),
    (np.datetime64("2026-01-05T12:00"), datetime(2026, 1, 5, 12)),
    (np.datetime64("2026-01-05T12:00", "ns"), datetime(2026, 1, 5, 12)),
    (np.datetime64("2026-01-05"), date(2026, 1, 5)),
    (np.timedelta64(90, "m"), timedelta(minutes=90)),
    (pd.Timestamp("2026-01-05T12:00", tz="UTC"), datetime(2026, 1, 5, 12, tzinfo=UTC)),
    (pd.Timedelta("90min"), timedelta(minutes=90)),
    (pd.Series([1.5]).quantile(0.9), 1.5),
    (IntEnum("Level", "low high").high, 2),
    (StrEnum("Kind", {"REFUND": "refund"}).REFUND, "refund"),
    (Enum("Kind", {"REFUND": "refund"}, type=str).REFUND, "refund"),
]


@pytest.mark.parametrize(("given", "meant"), LIKE, ids=lambda value: f"{type(value).__name__} {value}")
def test_a_value_of_another_library_is_what_it_stands_for(given, meant):
    for expr in (mlf.col("x") > given, mlf.col("x").is_in([given]), mlf.validators.greater_than(given).violation):
        (held,) = [e for e in expr.walk() if isinstance(e, IsIn | Lit)]
        found = held.values[0] if isinstance(held, IsIn) else held.value
        assert (found, type(found)) == (meant, type(meant))
        assert expression(msgspec.json.decode(msgspec.json.encode(plain(expr)))) == expr


def test_a_number_of_another_library_is_one_in_every_call():
    assert mlf.FirstN("a", np.int64(3), windows="7d") == mlf.FirstN("a", 3, windows="7d")
    assert mlf.Percentile("a", np.float32(0.5), windows="7d") == mlf.Percentile("a", 0.5, windows="7d")
    assert mlf.days(np.int16(2)) == mlf.days(2)
    assert mlf.validators.in_range(np.int64(0), np.float32(1)) == mlf.validators.in_range(0, 1.0)
    with pytest.raises(Invalid, match="whole number|FirstN of"):
        mlf.FirstN("a", np.float64(3), windows="7d")


NO_CONSTANTS = {
    "a decimal": Decimal("0.1"),
    "a time of day": time(12),
    "an object": object(),
    "a complex number": 3 + 2j,
    "a type": int,
    "a function": len,
    "no time of pandas": pd.NaT,
    "no value of pandas": pd.NA,
    "no time of numpy": np.datetime64("NaT"),
    "months": np.timedelta64(3, "M"),
    "a nanosecond of pandas": pd.Timestamp(1),
    "a nanosecond of numpy": np.datetime64(1, "ns"),
    "as long as a nanosecond": pd.Timedelta(1),
    "what is masked": np.ma.masked,
    "the year 20000 of numpy": np.datetime64("20000-01-01", "s"),
    "the year 20000 of pandas": pd.Timestamp(np.datetime64("20000-01-01", "s")),
    "a length beyond 64 bits": np.timedelta64(2**62, "D"),
}


@pytest.mark.parametrize("value", NO_CONSTANTS.values(), ids=NO_CONSTANTS)
def test_what_no_expression_computes_with_is_refused_where_it_is_written(value):
    for compute in (mlf.col("x").eq, mlf.col("x").__gt__, lambda v: mlf.col("x").is_in([v])):
        with pytest.raises(Invalid) as caught:
            compute(value)
        assert caught.value.hint
