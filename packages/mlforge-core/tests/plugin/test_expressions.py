"""What an expression means is decided once: which types it has, what is converted, and what does not go together."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mlforge.errors import Invalid
from mlforge.model.expr import OPERATIONS, Agg, Call, Col, IsIn, It, Lit, Matches, lift
from mlforge.plugin.engine.expressions import Cast, Constant, OneOf, Operation, Read, condition, typed
from mlforge.testing.refusals import refused

WORDS = {
    "i8": "Int8", "i": "Int64", "u": "UInt64", "f": "Float64", "f32": "Float32", "dec": "Decimal(9, 2)", "s": "String",
    "b": "Boolean", "x": "Binary", "day": "Date", "at": "Datetime", "clock": "Time", "long": "Duration",
    "l": "List(Int64)", "ls": "List(String)",
}  # fmt: skip
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
MIDNIGHT = datetime(2024, 2, 29, tzinfo=UTC)


def read(name: str) -> Read:
    return Read(name, WORDS[name])


def choice(*args: object) -> Call:
    return Call("if", (Col("b"), *map(lift, args)))


def first(*args: object) -> Call:
    return Call("coalesce", tuple(map(lift, args)))


GIVEN = {
    "a column by itself": (Col("dec"), read("dec")),
    "a null by itself": (Lit(None), Constant(None, "Int64")),
    "integers of any width": (Col("i8") < Col("u"), Operation("lt", (read("i8"), read("u")), "Boolean")),
    "a null beside text": (Col("s").eq(None), Operation("eq", (read("s"), Constant(None, "String")), "Boolean")),
    "a whole float beside an integer": (Col("i") > 2.0, Operation("gt", (read("i"), Constant(2, "Int64")), "Boolean")),
    "a float beside an integer": (
        Col("i") > 2.5,
        Operation("gt", (Cast(read("i"), "Float64"), Constant(2.5, "Float64")), "Boolean"),
    ),
    "an integer beside a single": (
        Col("f32") > 2,
        Operation("gt", (Cast(read("f32"), "Float64"), Constant(2.0, "Float64")), "Boolean"),
    ),
    "a date beside an instant": (
        Col("day") < NOON,
        Operation("lt", (Cast(read("day"), "Datetime"), Constant(NOON, "Datetime")), "Boolean"),
    ),
    "a constant date beside an instant": (
        Col("at").eq(date(2024, 2, 29)),
        Operation("eq", (read("at"), Constant(MIDNIGHT, "Datetime")), "Boolean"),
    ),
    "integers computed": (Col("i8") + Col("u"), Operation("add", (read("i8"), read("u")), "Int64")),
    "a decimal computed": (-Col("dec"), Operation("neg", (Cast(read("dec"), "Float64"),), "Float64")),
    "a null computed": (Col("i") * None, Operation("mul", (read("i"), Constant(None, "Int64")), "Int64")),
    "a division of integers": (
        Col("i") / 2,
        Operation("div", (Cast(read("i"), "Float64"), Constant(2.0, "Float64")), "Float64"),
    ),
    "a choice of integers": (
        choice(Col("i8"), 0),
        Operation("if", (read("b"), Cast(read("i8"), "Int64"), Constant(0, "Int64")), "Int64"),
    ),
    "a choice of one type": (
        choice(Col("i8"), None),
        Operation("if", (read("b"), read("i8"), Constant(None, "Int8")), "Int8"),
    ),
    "a choice of singles": (
        first(Col("f32"), Col("f32")),
        Operation("coalesce", (Cast(read("f32"), "Float64"), Cast(read("f32"), "Float64")), "Float64"),
    ),
    "a choice of nulls": (first(None), Operation("coalesce", (Constant(None, "Int64"),), "Int64")),
    "whether a float is NaN": (Col("f").is_nan(), Operation("is_nan", (read("f"),), "Boolean")),
    "whether text is NaN": (
        Col("s").is_nan(),
        Operation(
            "if",
            (Operation("is_null", (read("s"),), "Boolean"), Constant(None, "Boolean"), Constant(False, "Boolean")),
            "Boolean",
        ),
    ),
    "numbers an integer can be": (
        Col("i").is_in([1, 2.0, 2.5, math.nan, 1e300, None]),
        OneOf(read("i"), (Constant(1, "Int64"), Constant(2, "Int64")), unknown=True),
    ),
    "numbers a float can be": (
        Col("f").is_in([1, 2**53 + 1, 0.5]),
        OneOf(read("f"), (Constant(1.0, "Float64"), Constant(0.5, "Float64")), unknown=False),
    ),
    "dates among instants": (
        Col("day").is_in([date(2024, 2, 29), NOON]),
        OneOf(
            Cast(read("day"), "Datetime"), (Constant(MIDNIGHT, "Datetime"), Constant(NOON, "Datetime")), unknown=False
        ),
    ),
    "a null among anything": (Lit(None).is_in([1, "a"]), OneOf(Constant(None, "Boolean"), (), unknown=False)),
    "a time without a zone": (Lit(NOON.replace(tzinfo=None)), Constant(NOON, "Datetime")),
    "a time in another zone": (Lit(NOON.astimezone(timezone(timedelta(hours=5)))), Constant(NOON, "Datetime")),
    "a large unsigned number": (Lit(2**64 - 1), Constant(2**64 - 1, "UInt64")),
}  # fmt: skip
REFUSED = {
    "text and number": (Col("s") > 1, "gt compares text with a number", '"a"'),
    "text among numbers": (Col("s").is_in([1]), "is_in compares text with a number", "'s'"),
    "boolean and number": (Col("b").eq(1), "eq compares a boolean with a number", "True"),
    "number and boolean": (Col("i").eq(True), "eq compares a number with a boolean", "such as 0"),
    "date and number": (Col("day") < 0, "lt compares a date with a number", "datetime.date("),
    "time of day and length": (Col("clock").eq(Col("long")), "a time of day with a length of time", "Cast 'clock'"),
    "lists of two kinds": (Col("l").eq(Col("ls")), "a List(Int64) with a List(String)", "Cast 'l'"),
    "lists have no order": (Col("l") < Col("l"), "lt needs values with an order, not List(Int64)", "elements"),
    "arithmetic with text": (Col("s") + 1, "add needs numbers, not String", "integers and floats"),
    "arithmetic with booleans": (Col("b") * 2, "mul needs numbers, not Boolean", "integers and floats"),
    "arithmetic with instants": (Col("at") - Col("at"), "sub needs numbers, not Datetime", "integers and floats"),
    "division of dates": (Col("day") / 2, "div needs numbers, not Date", "integers and floats"),
    "length of a list": (Col("l").length(), "length needs text, not List(Int64)", "'l'"),
    "a pattern in bytes": (Col("x").matches("a"), "matches needs text, not Binary", "'x'"),
    "not of a number": (~Col("i"), "not needs a boolean, not Int64", "> 0"),
    "and of numbers": (Col("b") & Col("i"), "and needs a boolean, not Int64", "> 0"),
    "a number as a condition": (Call("if", (Col("i"), Col("i"), Col("i"))), "if needs a boolean, not Int64", "> 0"),
    "a choice of two kinds": (choice(Col("b"), 0), "if mixes a boolean and a number", "one kind"),
    "a choice of date and instant": (first(Col("day"), Col("at")), "coalesce mixes a date and an instant", "one kind"),
    "a length of time": (Lit(timedelta(1)), "is no constant", "Constants are"),
    "too large a number": (Col("u") < 2**64, "does not fit 64 bits", "float"),
    "a number beyond any float": (Col("u") < 10**400, "does not fit 64 bits", "float"),
    "a number of more digits than Python writes": (Col("u").is_in([10**5000]), "does not fit 64 bits", "float"),
    "an instant before the year 1": (
        Lit(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))), "years 1 to 9999", "UTC",
    ),
    "duplicates of a constant": (Lit(1).duplicated(), "duplicated needs a column", "col("),
    "it": (It() > 0, "it() stands for a validator's column", "col("),
    "an aggregation": (Agg("sum", Col("i")) > 0, "Agg is no expression over rows", "metric"),
    "a misspelt column": (Col("clok").is_null(), "The frame has no column 'clok'", "'clock'"),
}  # fmt: skip


@pytest.mark.parametrize(("expr", "expected"), GIVEN.values(), ids=GIVEN)
def test_an_expression_has_its_types_and_conversions(expr, expected):
    assert typed(expr, WORDS) == expected


@pytest.mark.parametrize(("expr", "says", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_go_together_is_refused(expr, says, hint):
    with refused(Invalid, says, hint):
        typed(expr, WORDS)


@pytest.mark.parametrize("name", [n for n in WORDS if n != "b"])
def test_a_condition_is_true_or_false(name):
    with refused(Invalid, "The condition needs a boolean", WORDS[name]):
        condition(Col(name), WORDS)


def test_an_unknown_condition_may_stand_for_itself():
    assert condition(Lit(None), WORDS) == Constant(None, "Boolean")


def test_every_operation_has_a_type():
    arguments = {"not": "b", "and": "b", "or": "b", "length": "s"}
    for op, arity in OPERATIONS.items():
        args = [Col(arguments.get(op, "i"))] * (arity or 2)
        made = typed(Call(op, (Col("b"), *args[1:]) if op == "if" else tuple(args)), WORDS)
        assert made.word in ("Boolean", "Int64", "Float64")


def test_a_bare_null_is_never_left_without_a_type():
    null = Lit(None)
    for op, arity in OPERATIONS.items():
        if op != "duplicated":
            assert "'Null'" not in repr(typed(Call(op, (null,) * (arity or 2)), WORDS))
    assert "'Null'" not in repr([typed(IsIn(null, (None, 1)), WORDS), typed(Matches(null, "a"), WORDS)])
