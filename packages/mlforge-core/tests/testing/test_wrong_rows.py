"""The kit notices engines that hold, settle, key or hand over rows wrongly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mlforge.model.feature import Shape
from mlforge.model.keys import surrogate_key
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Conformed
from mlforge.testing.reference import Table, delimited, formats, joining, shaping, table, times
from mlforge.testing.reference.expressions import rank
from mlforge.testing.reference.table import Row

SORTED = "rows_come_sorted_by_keys_and_stamp_without_null_keys"
TIES = "the_greatest_value_wins_a_tie"
TIED = "rows_equal_in_the_tie_break_are_settled_by_the_other_columns"
TIMES = "times_in_any_writing_become_instants_in_utc"
TEXTS = "text_is_a_time_only_where_all_of_it_fits_one_form"
KEYS, GOLDEN = "keys_equal_those_of_surrogate_key", "keys_equal_the_golden_table"
GIVEN = "rows_come_back_as_they_went_in"
day_of, standing = formats.day_of, shaping.standing
hold, read, read_times, plain = shaping.conform, times.read_text, shaping.read_times, table.plain
located, LOCAL = times.located, "local_times_are_read_where_the_reference_reads_them"
Read = Callable[[str], datetime]


def without_null_keys(frame: Table, shape: Shape) -> Conformed:
    held = hold(frame, shape)
    kept = shaping.without_null_keys(held.frame, shape)
    return msgspec.structs.replace(held, frame=kept, rows=len(kept.rows))


def null_for_a_bad_text(text: str, as_time: Read, column: str, row: int) -> datetime | None:
    try:
        return times.as_utc(as_time(text))
    except ValueError:
        return None


def epoch_for_null(values: Sequence[Any], dtype: str, timestamp: Timestamp, *, local: bool) -> list[Any]:
    return [t or times.EPOCH for t in read_times(values, dtype, timestamp, local=local)]


def second_of_two(given: Sequence[Any], timestamp: Timestamp, *, local: bool) -> list[Any]:
    zone = ZoneInfo(timestamp.timezone or "")
    return [
        t and t.replace(tzinfo=zone, fold=1).astimezone(UTC) for t in located(given, timestamp, local=local) and given
    ]


def zone_is_not_asked(given: Sequence[Any], timestamp: Timestamp, *, local: bool) -> list[Any]:
    return located(given, timestamp, local=True)


def skipped_times_pass(given: Sequence[Any], timestamp: Timestamp, *, local: bool) -> list[Any]:
    return located(given, msgspec.structs.replace(timestamp, nonexistent="forward"), local=local)


def local_is_utc(given: Sequence[Any], timestamp: Timestamp, *, local: bool) -> list[Any]:
    return located(given, timestamp, local=local) and list(given)


def rows_from_one(text: str, as_time: Read, column: str, row: int) -> datetime:
    return read(text, as_time, column, row + 1)


def clock_time(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def least(rows: Sequence[Row], tie_break: str) -> Row:
    valued = [row for row in rows if row[tie_break] is not None]
    return min(valued, key=lambda row: rank(row[tie_break]), default=rows[0])


def made_up(rows: Sequence[Row], tie_break: str) -> Row:
    """The greatest value of each column, whichever row has it."""
    return {n: greatest([row[n] for row in rows]) for n in rows[0]}


def greatest(values: Sequence[Any]) -> Any:
    return max((v for v in values if v is not None), key=rank, default=None)


def in_the_tie_break_alone(row: Row, tie_break: str) -> list[Any]:
    return [standing(row[tie_break])]


def nulls_above_all(value: Any) -> tuple[bool, Any]:
    return (True, [nulls_above_all(v) for v in value]) if isinstance(value, list) else (value is None, rank(value or 0))


def whatever_the_weekday(found: dict[str, Any]) -> Any:
    return day_of({piece: value for piece, value in found.items() if piece != "%a"})


def key_of_texts(*values: Any) -> str:
    return surrogate_key(*map(str, values))


def key_without_empty_texts(*values: Any) -> str:
    return surrogate_key(*(None if v == "" else v for v in values))


def through_floats(value: Any, dtype: str) -> Any:
    return int(float(value)) if isinstance(value, int) and not isinstance(value, bool) else plain(value, dtype)


def nan_is_null(value: Any, dtype: str) -> Any:
    return None if value != value else plain(value, dtype)


WRONG: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "rows with null keys are dropped in silence": (
        shaping,
        "conform",
        without_null_keys,
        "rows_without_a_key_are_kept_and_counted",
    ),
    "any name goes for a result": (
        shaping,
        "refuse_names",
        lambda *_: None,
        "a_function_result_has_columns_that_can_be_told_apart[in case alone]",
    ),
    "letters that control are held": (
        shaping,
        "refuse_controls",
        lambda *_: None,
        "a_function_result_has_columns_that_can_be_told_apart[a tab]",
    ),
    "any name goes for a spine": (
        joining,
        "refuse_names",
        lambda *_: None,
        "a_spine_has_columns_that_can_be_told_apart[nameless]",
    ),
    "any name goes for a join": (
        joining,
        "refuse_names",
        lambda *_: None,
        "two_features_bring_columns_that_can_be_told_apart",
    ),
    "any name goes for a source": (
        delimited,
        "refuse_names",
        lambda *_: None,
        "a_source_has_columns_that_can_be_told_apart[k,a,A]",
    ),
    "zones are cut off": (times, "as_utc", clock_time, TEXTS + "[zones are converted]"),
    "zones are cut off everywhere": (table, "as_utc", clock_time, TIMES),
    "text that is no time becomes null": (times, "read_text", null_for_a_bad_text, TEXTS + "[a word]"),
    "rows are counted from one": (times, "read_text", rows_from_one, TEXTS + "[the first bad value is shown]"),
    "forms of text are mixed": (times, "read_iso", lambda v: datetime.fromisoformat, TEXTS + "[dates among times]"),
    "a local time that exists twice is the later one": (times, "located", second_of_two, LOCAL),
    "a local time is in UTC": (times, "located", local_is_utc, LOCAL),
    "a local time that does not exist passes": (times, "located", skipped_times_pass, LOCAL),
    "a zone of its own is passed over": (
        times,
        "located",
        zone_is_not_asked,
        "a_zone_beside_that_of_the_times_is_refused[Datetime]",
    ),
    "null times become the epoch": (shaping, "read_times", epoch_for_null, "null_times_are_refused_and_counted"),
    "repeated rows are let through": (
        shaping,
        "refuse_duplicates",
        lambda *_: None,
        "repeated_rows_are_refused_counted_and_shown",
    ),
    "the first of tied rows wins": (shaping, "winner", lambda rows, tie: rows[0], TIES),
    "the least of tied rows wins": (shaping, "winner", least, TIES),
    "the winner of a tie is made up": (shaping, "winner", made_up, TIES),
    "of rows equal in the tie-break the first wins": (shaping, "strength", in_the_tie_break_alone, TIED),
    "a null in a list wins": (shaping, "standing", nulls_above_all, "a_null_in_a_list_loses_to_any_element"),
    "a weekday may contradict its date": (
        formats,
        "day_of",
        whatever_the_weekday,
        TEXTS + "[a weekday that is not the day's own]",
    ),
    "numbers side by side may lack digits": (
        formats,
        "whole",
        lambda *_: False,
        TEXTS + "[numbers that cannot be told apart]",
    ),
    "texts in a format are not looked at": (
        formats,
        "read",
        lambda text, pieces: times.EPOCH,
        "text_fits_a_form_where_the_reference_reads_it",
    ),
    "settled rows stay unsorted": (shaping, "sort_key", lambda row, names: 0, SORTED),
    "settled rows keep null keys": (shaping, "has_null_key", lambda row, names: False, SORTED),
    "a key of null is a key of the text None": (shaping, "surrogate_key", key_of_texts, KEYS),
    "a key of integers is a key of text": (shaping, "surrogate_key", key_of_texts, GOLDEN + "[one]"),
    "an empty text is null in a key": (shaping, "surrogate_key", key_without_empty_texts, GOLDEN + "[an empty text]"),
    "integers pass through floats": (table, "plain", through_floats, GIVEN),
    "NaN becomes null": (table, "plain", nan_is_null, GIVEN),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
