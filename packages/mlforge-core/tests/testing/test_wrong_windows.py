"""The kit notices engines whose windows are wrong in one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.metric import WindowPlan
from mlforge.model.window import Window
from mlforge.testing.reference import Table, windows
from mlforge.testing.reference.times import LAST
from mlforge.testing.reference.windows import Event

WITH = "windows_with_an_interval_are_those_of_the_reference"
WITHOUT = "windows_without_an_interval_are_those_of_the_reference"
DEFINITION = "the_value_at_every_instant_is_the_definition"
CAUSAL = "events_known_later_never_change_an_answer"
UNION = "the_aggregate_of_a_union_follows_from_its_parts"
ORDER = "the_order_of_the_events_does_not_matter"
DRAWN = "change_points_are_those_drawn_by_hand"
holds, change_points, events_of = windows.holds, windows.change_points, windows.events_of


def bucket_start(time: int, interval: Duration | None) -> int:
    return time if interval is None else windows.bucket(time, interval)


def sees_the_next_bucket(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp + (interval.micros if interval else 1_000_000), window, interval)


def closed_at_its_start(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp, window, interval) or time == stamp - (window.leaves or 0)


def closed_at_its_end(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp, window, interval) or time == stamp - window.enters


def open_at_its_end(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp, window, interval) and time != stamp - window.enters


def never_leaving(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp, Window("all", window.offset), interval)


def without_offset(time: int, stamp: int, window: Window, interval: Duration | None) -> bool:
    return holds(time, stamp, Window(window.length), interval)


def entries_only(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    return sorted({windows.known(e.time, plan.interval) for e in events})


def exits_of_the_shortest(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    shortest = tuple(c for c in plan.columns if plan.windows[0] in c.windows)
    return change_points(events, msgspec.structs.replace(plan, columns=shortest))


def exits_a_microsecond_late(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    given = list(events)
    entered = entries_only(given, plan)
    return sorted({*entered, *(p + 1 for p in change_points(given, plan) if p not in entered and p < LAST)})


def exits_of_all(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    everywhere = frozenset(a.where for c in plan.columns for a in c.aggs if a.where is not None)
    return change_points([msgspec.structs.replace(e, passed=everywhere) for e in events], plan)


def repeated(events: Iterable[Event], plan: WindowPlan) -> list[int]:
    points = change_points(events, plan)
    return sorted(points + points[:1])


def weeks_from_thursday(time: int, interval: Duration) -> int:
    return time // interval.micros * interval.micros


def rounded_to_the_epoch(time: int, interval: Duration) -> int:
    return int((time - interval.origin) / interval.micros) * interval.micros + interval.origin


def without_ties(table: Table, shape: Shape, plan: WindowPlan) -> list[windows.Event]:
    return list({e.time: e for e in events_of(table, shape, plan)}.values())


def unbroken_runs(table: Table, shape: Shape, plan: WindowPlan) -> list[windows.Event]:
    """Events only until time turns back."""
    kept: list[windows.Event] = []
    for event in events_of(table, shape, plan):
        if not kept or event.time >= kept[-1].time:
            kept.append(event)
    return kept


def zeros_for_nulls(values: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    return [(t, 0 if v is None else v) for t, v in values]


def with_null_keys(table: Table, shape: Shape) -> Table:
    return table


WRONG: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "rows are stamped at the start of their bucket": (windows, "known", bucket_start, WITH),
    "rows stamped at the start of their bucket change the value": (windows, "known", bucket_start, DEFINITION),
    "a window sees events before they are known": (windows, "holds", sees_the_next_bucket, CAUSAL),
    "a window sees events before they are known, by definition": (windows, "holds", sees_the_next_bucket, DEFINITION),
    "a window is closed at its start": (windows, "holds", closed_at_its_start, WITHOUT),
    "a window is closed at its start, drawn": (
        windows,
        "holds",
        closed_at_its_start,
        DRAWN + "[the window without an interval is open before and closed after]",
    ),
    "a window with an interval is closed at its end": (windows, "holds", closed_at_its_end, WITH),
    "a window without an interval is open at its end": (windows, "holds", open_at_its_end, WITHOUT),
    "events never leave": (windows, "holds", never_leaving, DEFINITION),
    "a window ends at the instant, whatever its offset": (windows, "holds", without_offset, WITH),
    "a condition is ignored": (windows, "is_in", lambda event, agg: True, WITHOUT),
    "what never entered leaves": (windows, "change_points", exits_of_all, WITHOUT),
    "ties come in the order of the rows": (windows, "rank", lambda value: 0, "ties_are_settled_by_value[last]"),
    "expired values are kept": (windows, "change_points", entries_only, WITH),
    "expired values are kept, by definition": (windows, "change_points", entries_only, DEFINITION),
    "only the shortest window expires": (windows, "change_points", exits_of_the_shortest, DEFINITION),
    "values expire a microsecond late": (windows, "change_points", exits_a_microsecond_late, DEFINITION),
    "a change point stands twice": (windows, "change_points", repeated, WITHOUT),
    "weeks begin on Thursday": (windows, "bucket", weeks_from_thursday, WITH),
    "weeks begin on Thursday, drawn": (windows, "bucket", weeks_from_thursday, DRAWN + "[weeks begin on Monday]"),
    "buckets before the epoch are rounded up": (windows, "bucket", rounded_to_the_epoch, WITH),
    "ties are dropped": (windows, "events_of", without_ties, WITHOUT),
    "ties are dropped from a union": (windows, "events_of", without_ties, UNION),
    "ties are dropped, drawn": (
        windows,
        "events_of",
        without_ties,
        DRAWN + "[tied events all count and stand in one row]",
    ),
    "events must come in order": (windows, "events_of", unbroken_runs, ORDER),
    "nulls are counted as zeros": (windows, "present", zeros_for_nulls, WITHOUT),
    "nulls are counted as zeros, drawn": (
        windows,
        "present",
        zeros_for_nulls,
        DRAWN + "[nulls are no values but their events count]",
    ),
    "a null key is an entity": (windows, "without_null_keys", with_null_keys, WITHOUT),
    "rows come out unsorted": (windows, "sort_key", lambda row, names: 0, WITHOUT),
    "rows come out sorted as text": (windows, "sort_key", lambda row, names: repr([row[n] for n in names]), WITH),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)
