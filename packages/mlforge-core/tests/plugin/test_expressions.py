"""What an expression means is decided once: which types it has, what is converted, and what does not go together."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from mlforge.errors import Invalid
from mlforge.model.expr import OPERATIONS, Agg, At, Call, Col, IsIn, It, Lit, Matches, lift
from mlforge.model.terms import greatest, hours, least
from mlforge.plugin.engine.expressions import Cast, Constant, OneOf, Operation, Part, Read, condition, derived, typed
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
    "the difference of times": (
        Col("at") - Col("day"),
        Cast(
            Operation("sub", (Cast(read("at"), "Int64"), Cast(Cast(read("day"), "Datetime"), "Int64")), "Int64"),
            "Duration",
        ),
    ),
    "hours between times": (
        (Col("at") - Col("at")) / hours(1),
        Operation(
            "div",
            (
                Cast(Operation("sub", (Cast(read("at"), "Int64"),) * 2, "Int64"), "Float64"),
                Constant(3.6e9, "Float64"),
            ),
            "Float64",
        ),
    ),
    "a whole power": (
        Col("f").pow(2),
        Operation("pow", (read("f"), Constant(2.0, "Float64")), "Float64"),
    ),
    "a logarithm": (
        Col("f").log(),
        Operation(
            "log",
            (
                Operation(
                    "if",
                    (
                        Operation("gt", (read("f"), Constant(0.0, "Float64")), "Boolean"),
                        read("f"),
                        Constant(None, "Float64"),
                    ),
                    "Float64",
                ),
            ),
            "Float64",
        ),
    ),
    "an integer is whole": (Col("i8").floor(), read("i8")),
    "a part of a time": (Col("day").year(), Part(Cast(read("day"), "Datetime"), "year", None)),
    "a cast to its own type": (Col("i").cast("Int64"), read("i")),
    "a decimal as an integer": (Col("dec").cast("Int8"), Cast(Cast(read("dec"), "Float64"), "Int8")),
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
    "arithmetic with instants": (Col("at") + Col("at"), "add needs numbers, not Datetime", "days(1)"),
    "division of dates": (Col("day") / 2, "div needs numbers, not Date", "days(1)"),
    "a remainder of floats": (Col("f").mod(2), "mod needs integers, not Float64", '.cast("Int64")'),
    "the least of lists": (least(Col("l"), Col("l")), "least needs values with an order, not List(Int64)", "elements"),
    "the greatest of two kinds": (greatest(Col("s"), 1), "greatest mixes text and a number", "one kind"),
    "a number in text": (Col("s").contains(1), "contains needs text, not Int64", "one of them"),
    "a float as text": (Col("f").cast("String"), "A float is not cast to String", "round()"),
    "a number as a boolean": (Col("i").cast("Boolean"), "A number is not cast to Boolean", ".ne(0)"),
    "an instant as a number": (Col("at").cast("Int64"), "An instant is not cast to Int64", "days(1)"),
    "a date as a number": (Col("day").cast("Int64"), "A date is not cast to Int64", "year()"),
    "text as a date": (Col("s").cast("Date"), "Text is not cast to Date", "in the function"),
    "the hour of a date": (Col("day").hour(), "A date has no hour", 'cast("Datetime")'),
    "the year of a date in a zone": (Col("day").year("Europe/Zurich"), "A date has no zone", 'cast("Datetime")'),
    "the month of a number": (Col("i").month(), "month needs a time, not Int64", "an instant or a date"),
    "at() of stored rows": (At() - Col("at"), "nobody asks about stored rows", "when it is asked for"),
    "a length beyond 64 bits": (Col("long") < timedelta.max, "does not fit 64 bits", "days(7)"),
    "length of a list": (Col("l").length(), "length needs text, not List(Int64)", "'l'"),
    "a pattern in bytes": (Col("x").matches("a"), "matches needs text, not Binary", "'x'"),
    "not of a number": (~Col("i"), "not needs a boolean, not Int64", "> 0"),
    "and of numbers": (Col("b") & Col("i"), "and needs a boolean, not Int64", "> 0"),
    "a number as a condition": (Call("if", (Col("i"), Col("i"), Col("i"))), "if needs a boolean, not Int64", "> 0"),
    "a choice of two kinds": (choice(Col("b"), 0), "if mixes a boolean and a number", "one kind"),
    "a choice of date and instant": (first(Col("day"), Col("at")), "coalesce mixes a date and an instant", "one kind"),
    "a time of day": (Lit(time(12)), "is no constant", "Constants are"),
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
    texts = ("length", "contains", "starts_with", "ends_with", "lower", "upper", "strip")
    arguments = {"not": "b", "and": "b", "or": "b", **dict.fromkeys(texts, "s")}
    for op, arity in OPERATIONS.items():
        args = [Col(arguments.get(op, "i"))] * (arity or 2)
        made = typed(Call(op, (Col("b"), *args[1:]) if op == "if" else tuple(args)), WORDS)
        assert made.word in ("Boolean", "Int64", "Float64", "String")


def test_a_bare_null_is_never_left_without_a_type():
    null = Lit(None)
    for op, arity in OPERATIONS.items():
        if op != "duplicated":
            assert "'Null'" not in repr(typed(Call(op, (null,) * (arity or 2)), WORDS))
    assert "'Null'" not in repr([typed(IsIn(null, (None, 1)), WORDS), typed(Matches(null, "a"), WORDS)])


def test_at_is_a_column_of_instants_where_somebody_asks():
    assert derived(At(), WORDS, "label") == Read("label", "Datetime")
    with refused(Invalid, "nobody asks"):
        derived(At(), WORDS, None)


def test_what_is_derived_of_one_row_has_no_duplicates():
    with refused(Invalid, "duplicated is about all rows", "metric"):
        derived(Col("i").duplicated(), WORDS, "label")
