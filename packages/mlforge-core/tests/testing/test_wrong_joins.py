"""The kit notices engines whose joins, publications or files are wrong in one rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import eq
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.testing.reference import Table, files, joining
from mlforge.testing.reference.table import Row
from mlforge.testing.reference.times import micros

JOINED = "each_row_gets_what_was_known_then"
AGED = "values_older_than_the_greatest_age_are_null"
WHOLE = "all_rows_come_out_once_in_their_order_with_all_their_columns"
PUBLISHED = "the_valid_row_and_the_change_points_after_it_are_published"
WRITTEN = "what_is_written_is_read_equal_by_every_engine"
TYPES = "each_type_is_read_equal_by_every_engine"
asof, newest, read_times, write = joining.asof, joining.newest, joining.read_times, files.write
Rows = Sequence[Row]


def inner(spine: Table, *args: Any) -> Table:
    answer = asof(spine, *args)
    added = [n for n in answer.names if n not in spine.schema]
    return answer.where(lambda row: not added or any(row[n] is not None for n in added))


def sorted_spine(spine: Table, *args: Any) -> Table:
    answer = asof(spine, *args)
    return Table(answer.schema, sorted(answer.rows, key=lambda row: repr(next(iter(row.values())))))


def distinct_spine(spine: Table, *args: Any) -> Table:
    answer = asof(spine, *args)
    return Table(answer.schema, list({repr(row): row for row in answer.rows}.values()))


def spine_without_its_last_column(spine: Table, *args: Any) -> Table:
    return asof(spine, *args).without(spine.names[-1:])


def columns_first(spine: Table, *args: Any) -> Table:
    answer = asof(spine, *args)
    return answer.select([*(n for n in answer.names if n not in spine.schema), *spine.names])


def nearest(rows: Rows, stamp: str, label: int, max_age: int | None) -> Row | None:
    return min(rows, key=lambda row: abs(micros(row[stamp]) - label), default=None)


def before(rows: Rows, stamp: str, label: int, max_age: int | None) -> Row | None:
    return newest(rows, stamp, label - 1, max_age)


def oldest(rows: Rows, stamp: str, label: int, max_age: int | None) -> Row | None:
    return next((row for row in rows if micros(row[stamp]) <= label), None)


def null_is_a_key(row: Row, names: Sequence[str]) -> bool:
    return False


def times_or_null(values: Sequence[Any], *args: Any, **options: Any) -> list[datetime | None]:
    try:
        return read_times(values, *args, **options)
    except Invalid:
        return [None] * len(values)


def until_the_horizon(rows: Rows, stamp: str, as_of: int, until: int) -> list[Row]:
    return valid_only(rows, stamp, as_of, until) + [r for r in rows if as_of < micros(r[stamp]) < until]


def later_only(rows: Rows, stamp: str, as_of: int, until: int) -> list[Row]:
    return [r for r in rows if as_of < micros(r[stamp]) <= until]


def valid_only(rows: Rows, stamp: str, as_of: int, until: int) -> list[Row]:
    return [r for r in [newest(rows, stamp, as_of, None)] if r is not None]


def without_the_last_row(table: Table, uri: str) -> None:
    write(Table(table.schema, table.rows[:-1]), uri)


def backwards(table: Table, uri: str) -> None:
    write(Table(table.schema, table.rows[::-1]), uri)


WRONG: dict[str, tuple[Any, Any, Callable[..., Any], str]] = {
    "rows without an answer are lost": (joining, "asof", inner, JOINED),
    "the spine is sorted": (joining, "asof", sorted_spine, JOINED),
    "repeated rows of the spine are lost": (joining, "asof", distinct_spine, WHOLE),
    "a column of the spine is lost": (joining, "asof", spine_without_its_last_column, JOINED),
    "the spine's columns come last": (joining, "asof", columns_first, JOINED),
    "the nearest row is joined, even a later one": (joining, "newest", nearest, JOINED),
    "a row stamped at the label time is not seen": (joining, "newest", before, JOINED),
    "the oldest row is joined": (joining, "newest", oldest, JOINED),
    "a value exactly as old as allowed is null": (
        joining,
        "too_old",
        lambda s, t, m: m is not None and t - s >= m,
        AGED,
    ),
    "values never grow old": (joining, "too_old", lambda s, t, m: False, AGED),
    "keys of any types are compared": (joining, "need_same_types", lambda *_: None, "a_key_of_another_type_is_refused"),
    "integers of other widths are refused": (
        joining,
        "same_key_type",
        eq,
        "integers_of_any_width_join_each_other[Int8]",
    ),
    "a feature that changes with time needs no label time": (
        joining,
        "need_label",
        lambda _: None,
        "a_feature_with_a_stamp_needs_a_label_time",
    ),
    "a label time that is no time is null": (
        joining,
        "read_times",
        times_or_null,
        "a_label_time_that_is_no_time_is_shown_with_its_row",
    ),
    "a path with brackets is a pattern": (
        files,
        "paths",
        lambda uri: sorted(files.local(uri).parent.glob(files.local(uri).name)),
        "an_address_with_brackets_is_a_file_where_there_is_one[csv]",
    ),
    "keys are made of columns of any type": (
        joining,
        "missing_keys",
        lambda *_: [],
        "a_surrogate_key_of_columns_of_other_types_is_refused",
    ),
    "the change point at the horizon is left out": (joining, "published", until_the_horizon, PUBLISHED),
    "the valid row is not published": (joining, "published", later_only, PUBLISHED),
    "change points are not published": (joining, "published", valid_only, PUBLISHED),
    "the last row is not written": (files, "write", without_the_last_row, WRITTEN),
    "rows are written in another order": (files, "write", backwards, WRITTEN),
    "times are written in milliseconds": (files.ENCODE, datetime, lambda v: micros(v) // 1000 * 1000, WRITTEN),
    "bytes are written as text": (
        files.ENCODE,
        bytes,
        lambda v: v.decode(errors="ignore").encode().hex(),
        TYPES + "[Binary]",
    ),
    "only the first part is read": (files, "concat", lambda t: t[0], "the_parts_of_a_version_are_joined_as_one"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
