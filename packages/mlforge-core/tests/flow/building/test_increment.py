import pytest

import mlforge as mlf
from mlforge.flow.building.increment import Reach, reach
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.schema import Schema
from mlforge.model.span import Span

HOUR = 3_600_000_000
WEEK = 168 * HOUR
THIS_HOUR = Span(HOUR + 1, 5 * HOUR + 1), Span(HOUR + 1, 2 * HOUR + 1)
MONDAY = -259_200_000_000  # three days before the Unix epoch, where whole weeks are counted from


def plan(interval, *windows):
    metrics = [mlf.Sum("x", windows=list(windows))]
    given = {"source": "e", "keys": "k", "timestamp": "t", "name": "f", "interval": interval, "metrics": metrics}
    return mlf.feature(**given)(lambda df: df).plan


def meta(watermark, rows=1):
    return FeatureMeta(
        name="f", version="1.0.0", created_at="", updated_at="", row_count=rows, entity_keys=("k",), timestamp="t",
        interval=None, columns=(), schema_hash=Schema(()).hash, config_hash="", config=Recipe(()), watermark=watermark,
    )  # fmt: skip


@pytest.mark.parametrize(("interval", "changed", "expected"), [
    ("1h", Span(HOUR, 2 * HOUR), Reach(Span(-2 * HOUR, 2 * HOUR), *THIS_HOUR)),
    ("1h", Span(HOUR + 5, 2 * HOUR - 5), Reach(Span(-2 * HOUR, 2 * HOUR - 5), *THIS_HOUR)),
    ("1h", Span(-1), Reach(Span(-4 * HOUR), Span(-HOUR + 1), Span(-HOUR + 1))),
    (None, Span(HOUR, 2 * HOUR), Reach(Span(-2 * HOUR, 2 * HOUR), Span(HOUR, 5 * HOUR), Span(HOUR, 2 * HOUR))),
    (None, Span(None, 7), Reach(Span(None, 7), Span(None, 7 + 3 * HOUR), Span(None, 7))),
    ("1h", Span(), Reach(Span(), Span(), Span())),
], ids=str)  # fmt: skip
def test_a_range_reaches_as_far_as_the_longest_window(interval, changed, expected):
    assert reach(changed, plan(interval, "1h", "3h"), None) == expected


def test_without_windows_a_range_reaches_no_further():
    changed = Span(1, 2)
    assert reach(changed, None, meta(5)) == Reach(changed, changed, changed)


@pytest.mark.parametrize(("watermark", "until"), [
    (9 * HOUR, 5 * HOUR),
    (2 * HOUR, 5 * HOUR),
    (2 * HOUR - 1, 2 * HOUR),
    (None, 5 * HOUR),
    (0, 2 * HOUR),
], ids=str)  # fmt: skip
def test_events_after_the_range_are_read_where_the_version_may_have_some(watermark, until):
    assert reach(Span(0, 2 * HOUR), plan("1h", "3h"), meta(watermark)).read.until == until


def test_whole_weeks_begin_on_mondays():
    found = reach(Span(MONDAY + 1, MONDAY + WEEK + 1), plan("1w", "2w"), None)
    assert found.stamps == Span(MONDAY + 1, MONDAY + 4 * WEEK + 1)
    found = reach(Span(MONDAY + WEEK + 1, MONDAY + 2 * WEEK), plan("1w", "2w"), None)
    assert found == Reach(
        Span(MONDAY - WEEK, MONDAY + 2 * WEEK), Span(MONDAY + WEEK + 1, MONDAY + 4 * WEEK + 1),
        Span(MONDAY + WEEK + 1, MONDAY + 2 * WEEK + 1),
    )  # fmt: skip
