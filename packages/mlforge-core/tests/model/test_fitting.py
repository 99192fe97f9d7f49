"""Values of a kind that no signature names are answered in mlforge's words."""

from __future__ import annotations

import inspect
from datetime import date
from pathlib import Path

import pytest

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError
from mlforge.model.expr import Expr

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
