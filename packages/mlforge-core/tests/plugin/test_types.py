"""Words for types are read once, and refused in one way."""

from __future__ import annotations

import pytest

from mlforge.errors import Invalid
from mlforge.plugin.engine.types import Words, cannot_hold, translated
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.values import DTYPES


@pytest.mark.parametrize("word", [*DTYPES, "List(List(Decimal(38, 0)))", "Decimal(4,2)"])
def test_every_word_is_translated_part_by_part(word):
    simple = {w: w for w in DTYPES if "(" not in w}
    assert translated(word, simple, "Decimal({}, {})".format, "List({})".format) == word.replace("4,2", "4, 2")


@pytest.mark.parametrize("word", ["int64", "Decimal(2)", "List()", "List(int64)", "", "Int64 ", "Decimal(a, b)"])
def test_another_is_no_type(word):
    with refused(Invalid, "is not a type", "Types: Int64, Decimal(p, s) and List(T)"):
        translated(word, {"Int64": "Int64"}, "Decimal({}, {})".format, "List({})".format)


def test_a_type_without_a_word_is_refused_where_its_column_is_looked_at():
    def word(dtype: str, column: str) -> str:
        raise cannot_hold(column, dtype, None)

    words = Words({"payload": "STRUCT"}, word)
    assert "payload" in words
    assert "n" not in words
    assert (list(words), len(words)) == (["payload"], 1)
    with refused(Invalid, "'payload' is STRUCT", "cast it to another type"):
        words["payload"]
