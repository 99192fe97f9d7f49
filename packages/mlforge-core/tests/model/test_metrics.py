"""Metrics as they are written: what their columns are called, what is refused at once, and what they are known by."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.flow.versions.fingerprints import digest, recipe_of
from mlforge.model.aggregation import AGGREGATIONS, MOST_LISTED, aggregation, word_of
from mlforge.model.expr import Agg
from mlforge.model.metric import Metric
from mlforge.plugin.engine.aggregations import windowed

col, agg, Window = mlf.col, mlf.agg, mlf.Window
REFUND = col("kind").eq("refund")
WORDS = {"amount": "Int64", "kind": "String", "late": "Boolean"}
BEFORE = "d881bd139d9cbce4010f6fd0562dfc91"  # of `spend`, when windows were lengths of time and nothing else


def feature(*metrics: Metric, interval: str | None = "1d") -> Any:
    made = mlf.feature(source="e.parquet", keys="user", timestamp="at", interval=interval, name="f", metrics=metrics)
    return made(lambda df: df)


def names(metric: Metric) -> list[str]:
    return [column.name for column in metric.columns()]


ONE_SENTENCE = re.compile(r"[^\n]+[^.]\.")
REFUSED: dict[str, tuple[Any, str]] = {
    "a percentile of 90": (lambda: mlf.Percentile("amount", 90, "7d"), "no percentile 90"),
    "a percentile below 0": (lambda: mlf.Percentile("amount", [0.5, -0.1], "7d"), r"no percentile -0\.1"),
    "a percentile of no number": (lambda: mlf.Percentile("amount", float("nan"), "7d"), "no percentile nan"),
    "no percentile": (lambda: mlf.Percentile("amount", [], "7d"), "no part"),
    "a list of none": (lambda: mlf.LastN("kind", 0, "7d"), "LastN of 0 values"),
    "a list of ten million": (lambda: mlf.FirstN("kind", 10_000_000, "7d"), "FirstN of 10000000 values"),
    "a list of more than any": (lambda: mlf.TopK("kind", MOST_LISTED + 1, "7d"), "TopK of 10001 values"),
    "a list of some": (lambda: mlf.LastN("kind", True, "7d"), "LastN of True values"),
    "a word for ten million": (lambda: agg("last_10000000", "kind", "7d"), "last of 10000000 values"),
    "a word for more than all": (lambda: agg("p101", "amount", "7d"), r"no percentile 1\.01"),
    "a word that does not say": (lambda: agg("last_n", "kind", "7d"), "does not say of how many"),
    "a word that nobody knows": (lambda: agg("averge", "amount", "7d"), "no aggregation 'averge'"),
    "several columns": (lambda: mlf.Sum(["amount", "fee"], "7d"), "Give each a metric of its own"),
    "several columns of agg": (lambda: agg("sum", ("amount", "fee"), "7d"), "Give each a metric of its own"),
    "a where that is a text": (lambda: mlf.Sum("amount", "7d", where="kind = 'refund'", name="r"), "no condition"),
    "a where that Python has compared": (lambda: mlf.Sum("amount", "7d", where=(1 == 1), name="r"), "no condition"),
    "a where of agg": (lambda: agg("sum", "amount", "7d", where="kind"), "no condition"),
    "a where without a name": (lambda: mlf.Sum("amount", "7d", where=REFUND), "needs a name"),
    "a ratio's where without a name": (lambda: mlf.Ratio("amount", "fee", "7d", where=REFUND), "needs a name"),
    "an expression without a name": (lambda: mlf.Last(col("amount") * 2, "7d"), "needs a name"),
    "a ratio of an expression": (lambda: mlf.Ratio(col("amount") * 2, "amount", "7d"), "needs a name"),
    "two windows the same": (lambda: mlf.Sum("amount", ["1d", "24h"]), "given twice"),
    "all windows twice": (lambda: mlf.Sum("amount", ["all", Window("all")]), "given twice"),
    "two offsets the same": (
        lambda: mlf.Sum("amount", [Window("7d", "24h"), "7d_offset_1d"]), "given twice",
    ),
    "no window": (lambda: mlf.CountDistinct("kind"), "at least one window"),
    "an offset that is none": (lambda: Window("7d", offset="soon"), "'soon' is not a window's offset"),
    "an offset of nothing": (lambda: Window("7d", offset="0d"), "'0d' is not a window's offset"),
    "an offset beside the interval": (
        lambda: feature(mlf.Sum("amount", Window("7d", "12h"))), "7d_offset_12h of .* is not a whole multiple",
    ),
    "a formula's offset beside the interval": (
        lambda: feature(mlf.Formula("m", agg("sum", "amount", Window("7d", "12h")))), "is not a whole multiple",
    ),
    "a where that aggregates": (
        lambda: mlf.Sum("amount", "7d", where=agg("count", None, "7d") > 1, name="r").columns(), "asked of one event",
    ),
    "an aggregation of one": (
        lambda: mlf.Formula("m", agg("sum", agg("sum", "amount", "1d"), "7d")).columns(), "no value of an event",
    ),
    "a formula of no window": (lambda: mlf.Formula("m", agg("sum", "amount")), "has no window"),
    "a formula of a column": (lambda: mlf.Formula("m", col("amount")), "aggregates nothing"),
    "a formula of a number": (lambda: mlf.Formula("m", 3), "is no expression"),
    "a formula without a name": (lambda: mlf.Formula("", agg("sum", "amount", "7d")), "cannot be a metric's name"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_metric_can_be_is_refused_where_it_is_written(case: str) -> None:
    write, says = REFUSED[case]
    with pytest.raises(Invalid, match=says) as caught:
        write()
    assert ONE_SENTENCE.fullmatch(caught.value.message), caught.value.message
    assert caught.value.hint


OF_TYPES: dict[str, tuple[Metric, str]] = {
    "a where that is a number": (
        mlf.Sum("amount", "7d", where=col("amount"), name="r"),
        "no condition",
    ),
    "whether one of some numbers": (mlf.Any("amount", "7d"), "any needs a boolean"),
    "a skewness of text": (mlf.Skew("kind", "7d"), "skew needs a number"),
}


@pytest.mark.parametrize("case", OF_TYPES)
def test_what_the_types_do_not_allow_is_refused_with_the_columns_name(case: str) -> None:
    metric, says = OF_TYPES[case]
    with pytest.raises(Invalid, match=says) as caught:
        windowed(feature(metric).plan, WORDS, "CAST({} AS DOUBLE)")
    assert caught.value.hint


def test_columns_are_called_by_their_words() -> None:
    assert names(mlf.Percentile("amount", [0.9, 0.999, 1], "7d")) == [
        "amount__p90__7d", "amount__p99_9__7d", "amount__p100__7d",
    ]  # fmt: skip
    assert names(mlf.Percentile("amount", [0.5, 0.9], "7d", name="paid")) == ["paid_p50_7d", "paid_p90_7d"]
    assert names(mlf.LastN("kind", 5, ["7d", "all"])) == ["kind__last_5__7d", "kind__last_5__all"]
    assert names(mlf.FirstN("kind", 2, "7d", distinct=True)) == ["kind__first_2_distinct__7d"]
    assert names(mlf.TopK("kind", 3, "all", name="kinds")) == ["kinds_all"]
    assert names(mlf.Count(windows=[Window("7d", offset="7d"), Window("all", offset="1d")], name="payments")) == [
        "payments_7d_offset_7d", "payments_all_offset_1d",
    ]  # fmt: skip
    assert names(mlf.Ratio("won", "played", "7d")) == ["won__per__played__7d"]
    assert names(mlf.Formula("trend", agg("p90", "amount", "7d") / agg("max", "amount", "all"))) == ["trend"]


@pytest.mark.parametrize("word", [w for w in AGGREGATIONS if w not in ("percentile", "first_n", "last_n", "top_k")])
def test_an_aggregation_without_options_is_its_own_word(word: str) -> None:
    assert aggregation(word_of(word)) == (word, ())


lists = st.tuples(st.sampled_from(["first_n", "last_n"]), st.tuples(st.integers(1, MOST_LISTED), st.booleans()))
tops = st.tuples(st.just("top_k"), st.tuples(st.integers(1, MOST_LISTED)))
percentiles = st.tuples(st.just("percentile"), st.tuples(st.floats(0, 1)))


@given(st.one_of(lists, tops, percentiles))
def test_a_word_says_all_of_an_aggregation(described: tuple[str, Any]) -> None:
    word = word_of(*described)
    assert aggregation(word) == described
    assert word.isidentifier()


@given(st.sampled_from(["7d", "24h", "1w", "all"]), st.sampled_from([None, "1d", "90s", "2w"]))
def test_a_window_is_read_back_from_its_text_and_from_metadata(length: str, offset: str | None) -> None:
    window = Window(length, offset)
    assert Window.parse(str(window)) == window
    assert msgspec.json.decode(msgspec.json.encode(window), type=Window) == window
    term = agg("count", window=window)
    assert msgspec.json.decode(msgspec.json.encode(term), type=Agg) == term


def spend(*windows: str) -> Any:
    twice = mlf.Median(col("amount") * 2, windows="30d", name="twice")
    return feature(mlf.Sum("amount", windows=windows, name="spend"), twice, mlf.Count(windows="30d"))


def test_a_definition_with_plain_windows_is_known_by_the_hash_it_always_had() -> None:
    assert digest(recipe_of(spend("1d", "7d"))) == BEFORE


def test_a_window_is_the_same_however_it_is_spelled() -> None:
    def known(day: str, week: str) -> str:
        both = agg("sum", "amount", day) / agg("sum", "amount", Window(week, offset=day), where=REFUND)
        return digest(recipe_of(feature(mlf.Formula("trend", both), interval=day)))

    assert known("24h", "1w") == known("1d", "7d") != known("1d", "14d")


def test_what_changes_values_changes_the_hash() -> None:
    metrics = [
        mlf.Formula("m", agg(word, "amount", window, where=where))
        for word in ("last_2", "last_3", "last_2_distinct", "p90", "p91")
        for window in ("7d", "all", Window("7d", "1d"), Window("all", "1d"))
        for where in (None, REFUND, ~REFUND)
    ]
    assert len({digest(recipe_of(feature(m))) for m in metrics}) == len(metrics)
