"""The kit notices engines whose expressions are wrong in one rule."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from mlforge.model.expr import Expr
from mlforge.testing.reference import Table, dtypes, expressions, scalars
from mlforge.testing.reference.dtypes import kind_of
from mlforge.testing.reference.expressions import RULES

MIXED = "expressions_of_any_kinds_are_refused_where_the_reference_refuses_them"
GENERATED = "expressions_mean_what_the_reference_says"
CHECKED = "validators_find_what_the_reference_finds"
HAND = "expressions_mean_what_was_worked_out_by_hand"
BY_HAND = "columns_are_what_was_worked_out_by_hand"
BEGINS = "a_date_compares_with_an_instant_as_the_one_its_day_begins_at"
KEPT = "the_rows_for_which_a_condition_is_true_are_kept_in_order"
LETTERS = "letters_that_have_one_counterpart_change_their_case"
DERIVED = "a_request_is_answered_with_what_the_engine_derives"
as_integer, part = scalars.as_integer, scalars.part
column, count, where = expressions.column, expressions.count_values, expressions.where


def two_valued(*args: bool | None) -> bool:
    return all(args)


def strict_or(*args: bool | None) -> bool | None:
    return None if None in args else any(args)


def infinite(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else math.inf if b == 0 else a / b


def floored(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b or math.isnan(a / b) or math.isinf(a / b) else a // b


def bytes_long(text: str | None) -> int | None:
    return None if text is None else len(text.encode())


def unknown_is_null(condition: bool | None, a: Any, b: Any) -> Any:
    return None if condition is None else a if condition else b


def null_is_true(condition: bool | None, a: Any, b: Any) -> Any:
    return b if condition is False else a


def whole_text(text: str | None, pattern: str) -> bool | None:
    return None if text is None else re.fullmatch(pattern, text) is not None


def null_is_out(value: Any, values: Iterable[Any]) -> bool:
    return value in tuple(values)


def null_breaks(expr: Expr, table: Table) -> list[Any]:
    return [v is not False for v in column(expr, table)]


def repeats_after_the_first(duplicated: Any, table: Table) -> Any:
    return count(duplicated, table) - count(duplicated, Table(table.schema, table.rows[:1]))


def where_not_false(table: Table, condition: Expr, seen: Table) -> Table:
    verdicts = column(condition, seen)
    return Table(table.schema, [row for row, verdict in zip(table.rows, verdicts, strict=True) if verdict is not False])


def where_turned_round(table: Table, condition: Expr, seen: Table) -> Table:
    return Table(table.schema, where(table, condition, seen).rows[::-1])


def boolean_is_number(dtype: str) -> str:
    return "number" if dtype == "Boolean" else kind_of(dtype)


def least_known(*args: Any) -> Any:
    return min((a for a in args if a is not None), key=expressions.rank, default=None)


def nan_root(value: float) -> float:
    return math.nan if value < 0 else math.sqrt(value)


def log10(value: float | None) -> float | None:
    return None if value is None or value <= 0 else math.log10(value)


def rounding_cast(value: Any, least: int, greatest: int) -> int | None:
    return as_integer(round(value) if isinstance(value, float) and math.isfinite(value) else value, least, greatest)


def sundays(value: Any, name: str, zone: str | None) -> int | None:
    found = part(value, name, zone)
    return found % 7 + 1 if found is not None and name == "weekday" else found


WRONG: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "and is two-valued": (RULES, "and", two_valued, GENERATED),
    "or is strict": (RULES, "or", strict_or, GENERATED),
    "not of unknown is true": (RULES, "not", lambda a: not a, GENERATED),
    "a division by zero is infinite": (RULES, "div", infinite, GENERATED),
    "integers are divided whole": (RULES, "div", floored, HAND + "[a division of integers is no integer]"),
    "NaN is unlike itself": (expressions, "rank", lambda v: (False, v), GENERATED),
    "length counts bytes": (RULES, "length", bytes_long, GENERATED),
    "an unknown condition gives null": (RULES, "if", unknown_is_null, GENERATED),
    "an unknown condition is true": (RULES, "if", null_is_true, HAND + "[an unknown condition is not true]"),
    "patterns match whole texts": (expressions, "matches", whole_text, GENERATED),
    "a dollar sign stands before a line break": (
        expressions,
        "plain_pattern",
        str,
        HAND + "[anchors bind to the ends]",
    ),
    "a remainder has the sign of the divisor": (RULES, "mod", lambda a, b: a % b if b else None, GENERATED),
    "a half is rounded to the even": (RULES, "round", lambda a: round(a) if math.isfinite(a) else a, GENERATED),
    "the least leaves nulls out": (RULES, "least", least_known, GENERATED),
    "NaN has a sign": (RULES, "sign", expressions.strict(lambda a: (a > 0) - (a < 0)), DERIVED),
    "the root of what is below 0 is NaN": (RULES, "sqrt", expressions.strict(nan_root), GENERATED),
    "a cast rounds": (scalars, "as_integer", rounding_cast, DERIVED),
    "a cast takes what does not fit": (scalars, "as_integer", lambda value, *_: int(float(value)), GENERATED),
    "lower is of any letters": (RULES, "lower", expressions.strict(str.lower), LETTERS),
    "upper makes two letters of one": (RULES, "upper", expressions.strict(str.upper), LETTERS),
    "strip takes spaces alone": (RULES, "strip", expressions.strict(lambda text: text.strip(" ")), DERIVED),
    "a week begins on Sunday": (scalars, "part", sundays, DERIVED),
    "the logarithm is of base 10": (RULES, "log", log10, DERIVED),
    "a time is moved by seconds": (scalars, "moment", lambda micros: scalars.EPOCH, DERIVED),
    "a sum in a column leaves nulls out": (
        RULES,
        "add",
        lambda a, b: a if b is None else b if a is None else a + b,
        BY_HAND + "[a null in integer arithmetic is null at once]",
    ),
    "null is in no set": (expressions, "is_in", null_is_out, GENERATED),
    "a date is unlike every instant": (expressions, "comparable", lambda *pair: tuple(map(str, pair)), BEGINS),
    "null is not null": (RULES, "is_null", lambda a: False, CHECKED),
    "less is less or equal": (RULES, "lt", RULES["le"], CHECKED),
    "nulls break every promise": (expressions, "column", null_breaks, CHECKED),
    "the first of a repeated value is not repeated": (expressions, "count_values", repeats_after_the_first, CHECKED),
    "a boolean is a number": (dtypes, "kind_of", boolean_is_number, MIXED),
    "a boolean is a number in a metric": (
        dtypes,
        "kind_of",
        boolean_is_number,
        "a_boolean_is_not_compared_with_a_number_in_a_metric[sum]",
    ),
    "a number is a condition": (dtypes, "need_each", lambda given, dtype, gives: gives, MIXED),
    "rows of which nothing is known are kept": (expressions, "where", where_not_false, KEPT),
    "rows that are kept are turned round": (expressions, "where", where_turned_round, KEPT),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
