"""Polars' types have mlforge's words, or are refused with the column and the way out."""

from __future__ import annotations

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge_csv import dtype_of
from mlforge_polars.types import word


@pytest.mark.parametrize(
    "text",
    [
        *("Boolean", "Int8", "UInt64", "Float32", "String", "Binary", "Date", "Datetime", "Time", "Duration"),
        *("Decimal(10, 2)", "List(Int64)", "List(List(Datetime))"),
    ],
)
def test_every_word_has_a_type_and_back(text) -> None:
    assert word(dtype_of(text), "x") == text


@pytest.mark.parametrize(
    ("dtype", "way_out"),
    [
        (pl.Null(), "give it a type"),
        (pl.Struct({"a": pl.Int64}), "unnest"),
        (pl.Object(), "numbers or strings"),
        (pl.Int128(), "Int64"),
        (pl.List(pl.Null), "give it a type"),
    ],
    ids=str,
)
def test_a_type_without_a_word_is_refused_with_the_column_and_the_way_out(dtype, way_out) -> None:
    with pytest.raises(Invalid, match=f"'payload'.*{way_out}"):
        word(dtype, "payload")
