"""What an increment reads, writes and takes away, and which it refuses: its rows are always those of a whole build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import mlforge as mlf
from mlforge.errors import CheckFailed, Invalid, PluginFailed
from mlforge.model.span import micros_of
from mlforge.testing.reference.engine import Reference
from mlforge.testing.refusals import refused

FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
DAILY = [(1, n, n + 1) for n in range(10)]


def day(number):
    return FIRST + timedelta(days=number)


def micros(number):
    return micros_of(day(number))


class Watched(Reference):
    """Keeps which days a function is handed, in order, and joins no columns of other types, as engines do."""

    def __init__(self, config=None):
        super().__init__(config)
        self.handed = []

    def apply(self, function, frame):
        self.handed.append(sorted(row["at"][:10] if isinstance(row["at"], str) else row["at"].date().isoformat()
                                  for row in frame.rows))  # fmt: skip
        return super().apply(function, frame)

    def semi_join(self, frame, others, columns):
        return super().semi_join(frame, alike(frame, others, columns), columns)

    def anti_join(self, frame, others, columns):
        return super().anti_join(frame, alike(frame, others, columns), columns)


def alike(frame, others, columns):
    for other in others:
        if any(other.schema.dtype(name) != frame.schema.dtype(name) for name in columns):
            raise PluginFailed("Columns of other types cannot be joined.", hint="Cast them.")
    return others


class Lazy(Watched):
    """Reads no more columns than a function asks for."""

    def defers(self, function):
        return True


@pytest.fixture(params=[Watched, Lazy])
def watched(works, request):
    works.engine = request.param()
    works.events(*DAILY)
    works.build()
    works.engine.handed.clear()
    return works


def first_and_last(days):
    return int(days[0][-2:]) - 1, int(days[-1][-2:]) - 1


@pytest.mark.parametrize(
    ("interval", "since", "until", "handed"),
    [
        ("1d", 8, None, (5, 10)),
        ("1d", 9.5, None, (7, 10)),
        ("1d", 4, 6, (1, 9)),
        (None, 8, None, (5, 10)),
        (None, 4, 5, (1, 7)),
        ("1d", None, 2, (0, 5)),
    ],
)
def test_a_function_is_handed_no_more_than_the_range_needs(watched, interval, since, until, handed):
    watched.define(interval=interval)
    watched.build(full_refresh=True)
    watched.events(*DAILY, (1, 10, 11))
    watched.engine.handed.clear()
    watched.build(since=since, until=until)
    assert first_and_last(watched.engine.handed[0]) == handed


def test_nothing_behind_a_range_is_read_where_the_version_ends_before_it(watched):
    watched.events(*DAILY, *((1, n, n) for n in range(10, 20)))
    watched.build(since=10, until=12)
    assert first_and_last(watched.engine.handed[0]) == (7, 11)
    assert watched.meta().watermark == micros(11)


@pytest.mark.parametrize("interval", [None, "1d", "1w"])
@pytest.mark.parametrize("plain", [False, True])
def test_ranges_in_any_order_give_what_a_whole_build_gives(watched, interval, plain):
    windows = ["2w"] if interval == "1w" else ["1d", "3d"]
    changes = {"metrics": None, "interval": None} if plain else {
        "interval": interval, "metrics": [mlf.Sum("amount", windows=windows)],
    }  # fmt: skip
    watched.define(**changes)
    watched.build(full_refresh=True)
    events = [event for event in DAILY if event[1] not in (2, 6)] + [(2, 3.25, 7), (2, 12, 5), (1, 6.5, 50), (3, -4, 9)]
    watched.events(*events)
    for since, until in ((10, 13), (6, 7), (2, 3), (None, 0), (3, 4)):
        watched.build(since=since, until=until)
    rows = watched.rows()
    assert watched.meta().row_count == len(rows)
    assert rows == watched.whole()


def test_entities_that_no_changed_event_is_of_are_left_as_they_are(watched):
    watched.events(*DAILY, (2, 9, 5))
    watched.build()
    watched.events(*DAILY, (2, 9, 5), (2, 9.25, 6))
    watched.build(since=9.1)
    assert watched.meta().increment.rows == 3, "of the second user: when the bucket ends, and when it leaves a window"


@pytest.mark.parametrize(
    ("since", "until", "last"),
    [(9, None, 12), (12, None, 12), (11, 12.5, 12), (3, 5, 9), (9, 12, 11), (13, None, None)],
)
def test_the_watermark_is_the_last_event_that_it_was_built_from(watched, since, until, last):
    watched.events(*DAILY, (1, 11, 5), (1, 12, 5))
    if last is None:
        with refused(Invalid, "'f' has no event from"):
            watched.build(since=since, until=until)
        return
    watched.build(since=since, until=until)
    assert watched.meta().watermark == micros(last)


@pytest.mark.parametrize("plain", [False, True])
def test_an_event_at_the_watermark_itself_may_go(watched, plain):
    watched.define(**({"metrics": None, "interval": None} if plain else {}))
    watched.build(full_refresh=True)
    watched.events(*DAILY[:-1])
    watched.build(since=9)
    assert watched.meta().increment.gone > 0
    assert watched.rows() == watched.whole()


def test_the_watermark_goes_back_with_the_last_event_and_stays_where_the_range_ends_before_it(works):
    works.define(metrics=None, interval=None)
    works.events(*DAILY)
    works.build()
    works.build(since=3, until=9)
    assert works.meta().watermark == micros(9)
    works.events(*DAILY[:-1])
    works.build(since=8, until=12)
    assert works.meta().watermark == micros(8)


def test_a_first_range_without_events_builds_nothing(works):
    works.events(*DAILY)
    with refused(Invalid, "'f' has no event from", "2025-01-01T12:00:00Z to 2025-01-10T12:00:00Z"):
        works.build(since=20)
    assert works.store.names() == []


def test_a_version_without_rows_is_continued_by_whatever_comes(works):
    works.events((1, -9, 1))
    works.build()
    works.events(*DAILY)
    works.build(until=-8)
    assert (works.meta().row_count, works.rows()) == (0, [])
    works.build(since=0)
    assert (works.meta().watermark, works.meta().row_count) == (micros(9), len(works.rows()))
    assert works.rows() == works.whole()


def test_an_increment_goes_on_by_itself_and_says_where_there_is_nothing_new(works):
    works.define(interval="1d")
    works.events(*DAILY)
    works.build()
    works.events(*DAILY, (1, 11, 3))
    works.build()
    assert (works.meta().increment.since, works.meta().watermark) == (micros(9), micros(11))
    assert works.rows() == works.whole()
    works.events(*DAILY)
    found = works.build()
    assert (found.status, found.source_changed) == ("unchanged", True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"interval": "12h"}, "interval: 1d → 12h"),
        ({"metrics": [mlf.Sum("amount", windows=["1d", "3d", "7d"])]}, "metric amount__sum__7d is new"),
        ({"metrics": [mlf.Sum("amount", windows=["1d"])]}, "metric amount__sum__3d is gone"),
        ({"derived": {"twice": mlf.col("amount__sum__1d") * 2}}, "derived twice"),
        ({"function": lambda df: df.where(lambda row: row["amount"] > 1)}, "the function"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_definition_that_changed_is_not_continued(watched, changes, says):
    watched.define(**changes)
    with refused(Invalid, "'f' has changed since 1.0.0", says) as caught:
        watched.build(since=9)
    assert caught.value.hint.endswith("mlforge build --features f --full-refresh")
    assert watched.store.versions("f") == ["1.0.0"]


def test_a_definition_that_did_not_change_is(watched):
    watched.define(description="otherwise", tags=["new"])
    watched.build(since=9)
    assert watched.meta().increment.base == "1.0.0"


@pytest.mark.parametrize(
    ("text", "says"),
    [("user,at,amount\n1,{},1.5\n", "amount was Int64 and is Float64"), ("user,at,amount\nx,{},1\n", "user was Int64")],
)
def test_columns_of_other_types_are_not_added_to_the_old(works, text, says):
    works.define(metrics=None, interval=None)
    works.events(*DAILY)
    works.build()
    (works.root / "e.csv").write_text(text.format(day(11).isoformat()))
    with refused(Invalid, "'f' has other columns than 1.0.0", says) as caught:
        works.build(since=10)
    assert caught.value.hint.endswith("mlforge build --features f --full-refresh")


@pytest.mark.parametrize(("old", "new"), [("1", "x"), ("x", "1")])
def test_keys_of_other_types_are_not_joined_with_the_old(works, old, new):
    works.engine = Watched()
    works.events((old, 0, 1), (old, 1, 1))
    works.build()
    works.events((new, 2, 1), (new, 3, 1))
    with refused(Invalid, "'f' has other columns than 1.0.0", "user was"):
        works.build(since=1.5)
    assert works.store.versions("f") == ["1.0.0"]


def test_columns_that_come_and_go_are_not_added_to_the_old(works):
    works.define(metrics=None, interval=None)
    works.events(*DAILY)
    works.build()
    (works.root / "e.csv").write_text(f"user,at,more\n1,{day(11).isoformat()},1\n")
    with refused(Invalid, "amount is gone; more is new"):
        works.build(since=10)


def test_columns_in_another_order_are_added_under_their_names(works):
    works.define(metrics=None, interval=None)
    for number, (order, values) in enumerate((("amount,more", "1,2"), ("more,amount", "2,1"))):
        lines = [f"1,{day(n).isoformat()},{values}\n" for n in range(number + 1)]
        (works.root / "e.csv").write_text(f"user,at,{order}\n{''.join(lines)}")
        works.build()
    assert [(row["amount"], row["more"]) for row in works.rows()] == [(1, 2), (1, 2)]


def moved(df):
    """Times that the function makes."""
    return df.with_column("at", "Datetime", [day(number) for number in range(len(df.rows))])


def test_a_function_that_changes_times_is_refused(watched):
    watched.define(moved)
    watched.events(*((1, n + 0.5, n) for n in range(12)))
    watched.build(full_refresh=True)
    with refused(Invalid, "f() changes the times in 'at'", "2025-01-01T12:00:00Z is not in the source") as caught:
        watched.build(since=0)
    assert caught.value.hint.endswith("mlforge build --features f --full-refresh")


def test_a_time_that_the_function_makes_under_a_new_name_is_built_on(watched):
    watched.define(lambda df: df.with_column("then", "Datetime", [day(5)] * len(df.rows)), timestamp="then",
                   metrics=None, interval=None, tie_break="amount")  # fmt: skip
    watched.build(full_refresh=True)
    watched.events(*DAILY, (1, 11, 99))
    watched.build(since=5)
    assert [row["amount"] for row in watched.rows()] == [99]
    assert watched.rows() == watched.whole()


def test_a_broken_promise_in_a_range_writes_nothing(watched):
    watched.define(validators={"amount": [mlf.less_than(20)], "amount__sum__3d": [mlf.less_than(40)]})
    watched.build(full_refresh=True)
    for amount, column in ((30, "amount"), (19, "amount__sum__3d")):
        watched.events(*DAILY, (1, 10, amount), (1, 10.25, amount))
        with pytest.raises(CheckFailed, match=f"'{column}'|{column}"):
            watched.build(since=10)
        assert watched.store.latest("f") == "1.0.1"


def test_rows_without_a_key_are_counted_in_a_range_too(works):
    works.events(*DAILY)
    works.build()
    works.events(*DAILY, ("", 10, 1), (1, 11, 1))
    assert works.build().dropped == 1


def test_progress_tells_the_stages_of_a_step(works):
    works.events(*DAILY)
    works.build()
    works.events(*DAILY, (1, 10, 1))
    works.told.clear()
    works.build()
    assert [(one.stage, one.rows) for one in works.told][:3] == [("reading", None), ("checking", 5), ("computing", 5)]


def test_times_of_a_zone_and_of_dates_are_narrowed_as_a_whole_build_reads_them(works):
    works.define(timestamp=mlf.Timestamp("at", timezone="Europe/Berlin"))
    write = [(1, (day(n) + timedelta(hours=11, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S"), n) for n in range(12)]
    for count in (10, 12):
        (works.root / "e.csv").write_text("user,at,amount\n" + "".join(f"{u},{t},{a}\n" for u, t, a in write[:count]))
        works.build(**({} if count == 10 else {"since": 9}))
    assert works.meta().increment.base == "1.0.0"
    assert works.rows() == works.whole()
