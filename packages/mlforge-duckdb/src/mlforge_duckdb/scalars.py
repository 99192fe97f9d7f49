"""Functions of one value in SQL: casts, parts of times, letters, the least and the greatest."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.model.schema import is_float, is_integer
from mlforge.plugin.engine.letters import BLANK, LOWER, UPPER
from mlforge.plugin.engine.times import FIRST, LAST
from mlforge_duckdb.types import sql_of, text

_CASES = {"lower": LOWER, "upper": UPPER}


def cast(value: str, word: str, to: str) -> str:
    """A value of one type as one of another; null where that does not hold it."""
    match word, to:
        case "Datetime" | "Duration", "Int64":
            return f"epoch_us({value})"
        case "Datetime", "Date":
            return f"CAST({_local(value, None)} AS DATE)"
        case "Int64", "Datetime":
            return f"make_timestamptz(CASE WHEN {value} BETWEEN {FIRST} AND {LAST} THEN {value} END)"
        case "Date", "Datetime":  # whatever the zone of the connection is
            return f"make_timestamptz(epoch_us(CAST({value} AS TIMESTAMP)))"
        case "Int64", "Duration":
            return f"to_microseconds({value})"
        case _ if is_integer(to) and is_float(word):
            return f"TRY_CAST(trunc({value}) AS {sql_of(to)})"
        case _ if is_integer(to) or word == "String":
            return f"TRY_CAST({value} AS {sql_of(to)})"
        case _:
            return f"CAST({value} AS {sql_of(to)})"


def part_of(value: str, part: str, zone: str | None) -> str:
    """A part of an instant, as the clocks of a zone show it."""
    return f"{'isodow' if part == 'weekday' else part}({_local(value, zone)})"


def _local(value: str, zone: str | None) -> str:
    return f"make_timestamp(epoch_us({value}))" if zone is None else f"timezone({text(zone)}, {value})"


def extreme(function: str) -> Callable[..., str]:
    """`least` or `greatest`, null where a value is: DuckDB's own leave nulls out."""
    return lambda *args: (
        f"CASE WHEN {' OR '.join(f'({a}) IS NULL' for a in args)} THEN NULL ELSE {function}({', '.join(args)}) END"
    )


def in_case(function: str) -> Callable[[str], str]:
    """`lower` or `upper`: of ASCII DuckDB's own, of other letters those that every engine changes."""
    letters = _CASES[function]
    given, wanted = text("".join(letters)), text("".join(letters.values()))
    return lambda a: (
        f"CASE WHEN strlen({a}) = length({a}) THEN {function}({a}) ELSE translate({a}, {given}, {wanted}) END"
    )


def strip(value: str) -> str:
    """Text without blanks at its ends."""
    return f"trim({value}, {text(BLANK)})"
