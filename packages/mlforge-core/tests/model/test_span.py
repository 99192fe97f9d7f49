from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.span import Span, moment_of, read_instant, read_span, shown

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOON = 1_769_860_800_000_000
DAY = 86_400_000_000


@pytest.mark.parametrize(("given", "micros"), [
    ("2026-01-31", NOON - DAY // 2),
    ("2026-01-31T12:00", NOON),
    (" 2026-01-31 12:00:00.000001 ", NOON + 1),
    ("2026-01-31T14:00+02:00", NOON),
    ("2026-01-31T12:00:00Z", NOON),
    ("1969-12-31", -DAY),
    ("1d", NOON - DAY),
    ("12h", NOON - DAY // 2),
    (date(2026, 1, 31), NOON - DAY // 2),
    (datetime(2026, 1, 31, 12), NOON),
    (datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))), NOON),
    (timedelta(days=1), NOON - DAY),
], ids=repr)  # fmt: skip
def test_an_instant_is_read_in_any_of_the_ways_people_write_it(given, micros):
    assert read_instant(given, NOW, "since") == micros


@pytest.mark.parametrize(
    "given", ["", "now", "2026", "2026-13-01", "31.01.2026", "0d", "7", 7, 7.5, None, b"7d"], ids=repr
)
def test_anything_else_is_no_instant(given):
    with pytest.raises(Invalid) as refused:
        read_instant(given, NOW, "since")
    assert repr(given) in refused.value.message


@pytest.mark.parametrize(
    "given",
    [pd.NaT, pd.Timestamp(np.datetime64("20000-01-01", "s")), timedelta.max, timedelta.min, "99999999999999d",
     pd.Series([1]), pl.Series([1])],
    ids=lambda given: f"{type(given).__module__} {type(given).__name__} {given}",
)  # fmt: skip
def test_what_is_no_time_of_the_years_that_there_are_is_refused(given):
    with pytest.raises(Invalid) as refused:
        read_instant(given, NOW, "as_of")
    assert "as_of" in refused.value.message
    assert refused.value.hint


def test_a_range_begins_within_the_years_that_there_are():
    with pytest.raises(Invalid, match="'9999999d' for last is beyond the years 1 to 9999"):
        read_span(None, None, "9999999d", NOW)
    assert read_span(None, None, "700000d", NOW) == Span(NOON - 700_000 * DAY)


def test_without_any_end_there_is_no_range():
    assert read_span(None, None, None, NOW) is None


@pytest.mark.parametrize(("given", "span"), [
    (("2026-01-31", None, None), Span(NOON - DAY // 2)),
    ((None, "2026-01-31", None), Span(None, NOON - DAY // 2)),
    ((None, None, "7d"), Span(NOON - 7 * DAY)),
    ((None, "2026-01-31T12:00", "7d"), Span(NOON - 7 * DAY, NOON)),
    ((None, "2026-01-31T12:00", timedelta(days=7)), Span(NOON - 7 * DAY, NOON)),
    (("7d", "1d", None), Span(NOON - 7 * DAY, NOON - DAY)),
], ids=str)  # fmt: skip
def test_a_range_has_the_ends_that_were_given(given, span):
    assert read_span(*given, NOW) == span


def test_a_span_holds_its_first_instant_and_not_its_last():
    assert [Span(1, 3).has(i) for i in range(5)] == [False, True, True, False, False]
    assert Span().has(-(2**63))
    assert [Span(None, 0).has(-1), Span(0).has(-1)] == [True, False]


@pytest.mark.parametrize(("micros", "text"), [
    (0, "1970-01-01"),
    (NOON, "2026-01-31T12:00:00Z"),
    (NOON + 1, "2026-01-31T12:00:00.000001Z"),
    (-62_135_596_800_000_000 + 1_000_000, "0001-01-01T00:00:01Z"),
    (2**63 - 1, "9223372036854775807 µs after 1970"),
], ids=str)  # fmt: skip
def test_an_instant_is_shown_as_short_as_it_is_exact(micros, text):
    assert shown(micros) == text


def test_a_span_tells_what_is_open():
    assert [str(Span()), str(Span(0)), str(Span(None, 0)), str(Span(0, DAY))] == [
        "from the beginning", "from 1970-01-01", "from the beginning until 1970-01-01",
        "from 1970-01-01 until 1970-01-02",
    ]  # fmt: skip


@pytest.mark.parametrize(("micros", "moment"), [
    (0, datetime(1970, 1, 1, tzinfo=UTC)),
    (NOON + 1, datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)),
    (-1, datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    (2**63 - 1, datetime.max.replace(tzinfo=UTC)),
    (-(2**63), datetime.min.replace(tzinfo=UTC)),
], ids=repr)  # fmt: skip
def test_an_instant_is_a_moment_or_the_nearest_that_python_knows(micros, moment):
    assert moment_of(micros) == moment
