"""A pattern finds the same in training, on every engine, and in what is served: each has its own language for it."""

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.model.schema import Schema
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.plugin.engine.patterns import spelled_out
from toy_engine.plugin import ToyEngine

ENGINES = {"polars": mlf.PolarsEngine, "duckdb": mlf.DuckDBEngine, "toy": ToyEngine}
TEXTS = [
    "a",
    "ä",
    "3",
    "\u0663",
    " ",
    "\u00a0",
    "\v",
    "-",
    "_",
    "I",
    "\u0131",
    "[",
    "{",
    "a b",
    "a\n",
    "a\nb",
    "<a>",
    "aab",
]
FOUND = {
    r"\d": {"3"},
    r"^\D$": {"a", "ä", "\u0663", " ", "\u00a0", "\v", "-", "_", "I", "\u0131", "[", "{"},
    r"^\w$": {"a", "3", "_", "I"},
    r"^[\W]$": {"ä", "\u0663", " ", "\u00a0", "\v", "-", "\u0131", "[", "{"},
    r"\s": {" ", "a b", "a\n", "a\nb"},
    r"^[\S]$": {"a", "ä", "3", "\u0663", "\u00a0", "\v", "-", "_", "I", "\u0131", "[", "{"},
    r"^[\w-]$": {"a", "3", "_", "I", "-"},
    r"\bb": {"a b", "a\nb"},
    r"b\b": {"a b", "a\nb", "aab"},
    r"\bä": set(),
    "(?i)^i$": {"I"},
    "(?i)^\u0131$": {"\u0131"},
    "(?i)^Ä$": {"ä"},
    "(?m)^a$": {"a", "a\n", "a\nb"},
    "(?s)^a.b$": {"a b", "a\nb", "aab"},
    "^a.b$": {"a b", "aab"},
    r"^a\Z": {"a"},
    r"[\[a]$": {"a", "["},
    "{": {"{"},
    "^a{,2}b": {"aab"},
    r"\<a\>": {"<a>"},
    r"\x61\x62": {"aab"},
    r"[\s\S]b": {"a b", "a\nb", "aab"},
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pattern_finds_the_same_on_every_engine(engine):
    columns = {str(number): mlf.col("t").matches(pattern) for number, pattern in enumerate(FOUND)}
    with ENGINES[engine]().open() as live:
        made = live.derive(live.from_rows([{"t": text} for text in TEXTS], Schema.of(t="String")), columns)
        with live.to_arrow(made) as stream:
            rows = pl.DataFrame(stream)
    assert {p: set(rows.filter(str(n))["t"]) for n, p in enumerate(FOUND)} == FOUND


@pytest.mark.parametrize("pattern", FOUND)
def test_a_pattern_finds_the_same_in_what_is_served(pattern):
    served = Derivation({"found": mlf.col("t").matches(pattern)}, {"t": "String"})
    assert {text for text in TEXTS if served.of({"t": text})["found"]} == FOUND[pattern]


@pytest.mark.parametrize(
    "pattern", [r"\u0061", "(?x) a", "(?#b)a", "(?a)a", "a++", "(?m:a$)", r"\B", r"[\b]", "a{1001}", r"\0"]
)
def test_a_pattern_that_engines_take_for_different_things_is_refused(pattern):
    with pytest.raises(Invalid, match="does not mean the same to every engine") as refused:
        Derivation({"found": mlf.col("t").matches(pattern)}, {"t": "String"})
    assert "[A-Za-z]" in refused.value.hint


@pytest.mark.parametrize(
    ("pattern", "spelled"),
    [("[[a]", r"[\[a]"), ("[]&&[]", r"[\]\&\&\[]"), ("[~~]", r"[\~\~]"), (r"[\]\d]", r"[\]0-9]")],
)
def test_a_bracket_in_a_class_begins_none(pattern, spelled):
    assert spelled_out(pattern) == spelled


def test_a_class_that_only_some_engines_know_by_name_is_refused():
    with pytest.raises(Invalid, match=r"has '\[:'"):
        spelled_out("[[:alpha:]]")
