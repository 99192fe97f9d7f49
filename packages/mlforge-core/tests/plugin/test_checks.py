"""Promises compare like with like."""

from datetime import UTC, date, datetime

import pytest

import mlforge.validators as v
from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.expr import Call, col, it, lift
from mlforge.plugin.engine.checks import violations
from mlforge.testing.refusals import refused

WORDS = {
    "day": "Date", "at": "Datetime", "n": "UInt8", "f": "Float32", "m": "Decimal(9, 2)", "s": "String", "b": "Boolean",
    "x": "Binary", "long": "Duration", "l": "List(Int64)",
}  # fmt: skip
DAY, AT = date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC)
ALIKE = [
    ("day", v.greater_than(DAY)), ("day", v.less_than(AT)), ("at", v.in_range(AT, AT)), ("at", v.is_in([DAY])),
    ("n", v.greater_than(0.5)), ("f", v.is_in([1, 2.5])), ("m", v.less_than_or_equal(1)), ("s", v.is_in(["a"])),
    ("b", v.is_in([True])), ("x", v.is_in([b"a"])), ("day", v.not_null()), ("l", v.unique()),
    ("s", v.matches_regex("a")),
    ("f", Validator("few", ~it().is_in([1, 2.5, None]))),
    ("s", Validator("short", it().length() > 3)), ("n", Validator("less than f", it() > col("f"))),
    ("day", Validator("known", Call("coalesce", (it(), lift(DAY))) > AT)),
]  # fmt: skip
OTHER = [
    ("day", v.greater_than(0), "Date", "a date with a number", "datetime.date("),
    ("at", v.in_range(0, 1), "Datetime", "an instant with a number", "datetime.datetime("),
    ("n", v.less_than(DAY), "UInt8", "a number with a date", "such as 0"),
    ("s", v.greater_than(1), "String", "text with a number", '"a"'),
    ("b", v.is_in([0, 1]), "Boolean", "a boolean with a number", "True"),
    ("n", v.is_in([1, "2"]), "UInt8", "a number with text", "such as 0"),
    ("long", v.less_than(5), "Duration", "a length of time with a number", "Cast 'long'"),
    (
        "day",
        Validator("p", Call("if", (it().is_null(), lift(None), it())) < 1),
        "Date",
        "a date with a number",
        "date(",
    ),
    ("n", Validator("p", it().is_null() | (col("s") > it())), "UInt8", "text with a number", '"a"'),
]


@pytest.mark.parametrize("ends", [(0, DAY), (DAY, AT), ("a", 1), (AT.replace(tzinfo=None), AT)], ids=str)
def test_a_range_has_ends_of_one_kind(ends):
    with refused(Invalid, "in_range", *map(repr, ends)):
        v.in_range(*ends)


@pytest.mark.parametrize(("column", "validator"), ALIKE, ids=str)
def test_what_has_an_order_is_compared(column, validator):
    assert violations([validator.on(column)], WORDS)[0].word == "Boolean"


@pytest.mark.parametrize(("column", "validator", "dtype", "says", "hint"), OTHER, ids=str)
def test_what_has_none_is_refused(column, validator, dtype, says, hint):
    check = validator.on(column)
    with refused(Invalid, repr(column), check.label, dtype, says, hint):
        violations([check], WORDS)


@pytest.mark.parametrize("check", [v.not_null().on("z"), Validator("p", it() > col("z")).on("n")], ids=["own", "other"])
def test_a_column_that_is_not_there_is_named(check):
    with refused(Invalid, check.label, "no column 'z'", "Columns: day"):
        violations([check], WORDS)
