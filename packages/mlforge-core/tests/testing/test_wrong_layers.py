"""The kit notices engines that narrow rows, or read the layers of a version, wrong in one rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from mlforge.model.meta import Layer
from mlforge.model.span import Span
from mlforge.plugin import Extent
from mlforge.testing.reference import Table, layering, narrowing
from mlforge.testing.reference.shaping import key_of

SPAN = "the_rows_of_a_span_are_those_whose_time_lies_in_it_or_is_null"
MATCHED = "rows_are_matched_by_their_keys_and_never_by_a_null"
EXTENT = "the_extent_is_the_number_of_rows_and_their_first_and_last_time"
LAYERS = "layers_are_read_as_one"
within, matching, extent, overlaid = narrowing.within, narrowing.matching, narrowing.extent, layering.overlaid
Layers = list[Layer]


def with_the_end(table: Table, timestamp: Any, span: Span) -> Table:
    return within(table, timestamp, Span(span.since, None if span.until is None else span.until + 1))


def without_the_beginning(table: Table, timestamp: Any, span: Span) -> Table:
    return within(table, timestamp, Span(None if span.since is None else span.since + 1, span.until))


def without_nulls(table: Table, timestamp: Any, span: Span) -> Table:
    return within(table, timestamp, span).where(lambda row: row[timestamp.column] is not None)


def by_nulls_too(table: Table, others: Sequence[Table], columns: Sequence[str], absent: bool) -> Table:
    found = {key_of(row, columns) for other in others for row in other.rows}
    return table.where(lambda row: (key_of(row, columns) in found) is not absent)


def by_the_first_frame(table: Table, others: Sequence[Table], columns: Sequence[str], absent: bool) -> Table:
    return matching(table, others[:1], columns, absent)


def always_present(table: Table, others: Sequence[Table], columns: Sequence[str], absent: bool) -> Table:
    return matching(table, others, columns, absent=False)


def once_each(table: Table, others: Sequence[Table], columns: Sequence[str], absent: bool) -> Table:
    found = matching(table, others, columns, absent)
    return Table(found.schema, list({key_of(row, columns): row for row in found.rows}.values()))


def timed_rows_only(table: Table, timestamp: Any) -> Extent:
    found = extent(table, timestamp)
    return msgspec.structs.replace(found, rows=found.rows and found.rows - 1)


def oldest_first(table: Table, layers: Layers, identity: tuple[str, ...]) -> Table:
    return overlaid(table, layers[::-1], identity)


def nothing_goes(table: Table, layers: Layers, identity: tuple[str, ...]) -> Table:
    return overlaid(table, [Layer(layer.rows) for layer in layers], identity)


def what_goes_goes_last(table: Table, layers: Layers, identity: tuple[str, ...]) -> Table:
    rows = [Layer(layer.rows) for layer in layers]
    return overlaid(table, [*rows, *(Layer((), layer.gone) for layer in layers)], identity)


def unsorted(table: Table, layers: Layers, identity: tuple[str, ...]) -> Table:
    found = overlaid(table, layers, identity)
    return Table(found.schema, found.rows[::-1])


WRONG: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "the end of a span lies in it": (narrowing, "within", with_the_end, SPAN),
    "the beginning of a span does not": (narrowing, "within", without_the_beginning, SPAN),
    "rows without a time are left out": (narrowing, "within", without_nulls, SPAN),
    "a null matches a null": (narrowing, "matching", by_nulls_too, MATCHED),
    "only one other frame is looked into": (narrowing, "matching", by_the_first_frame, MATCHED),
    "absent means present": (narrowing, "matching", always_present, MATCHED),
    "rows of one key are one": (narrowing, "matching", once_each, "a_row_that_is_there_twice_stays_twice"),
    "the extent misses a row": (narrowing, "extent", timed_rows_only, EXTENT),
    "earlier layers win": (layering, "overlaid", oldest_first, LAYERS),
    "what went is still there": (layering, "overlaid", nothing_goes, LAYERS),
    "what came back stays away": (layering, "overlaid", what_goes_goes_last, "a_row_that_went_may_come_back"),
    "layered rows are not sorted": (layering, "overlaid", unsorted, LAYERS),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
