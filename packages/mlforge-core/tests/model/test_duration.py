from datetime import timedelta

import pytest

from mlforge.errors import Invalid
from mlforge.model.duration import MICROS, Duration


@pytest.mark.parametrize(
    ("text", "micros"),
    [("30s", 30_000_000), ("5m", 300_000_000), ("12h", 43_200_000_000), ("7d", 604_800_000_000), ("1w", MICROS["w"])],
)
def test_each_unit_is_read(text, micros):
    assert Duration.parse(text).micros == micros
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize(
    "wrong", ["", "7", "d", "0d", "-1d", "1.5h", "7 d", "7D", "1mo", 7, None, timedelta(0)], ids=repr
)
def test_anything_else_is_refused_with_the_forms_there_are(wrong):
    with pytest.raises(Invalid) as error:
        Duration.parse(wrong, "window")
    assert "window" in error.value.message
    assert error.value.hint


def test_a_timedelta_is_spelled_in_its_largest_unit():
    assert str(Duration.parse(timedelta(days=7))) == "7d"
    assert str(Duration.parse(timedelta(hours=36))) == "36h"


def test_a_timedelta_with_fractions_of_a_second_is_refused():
    with pytest.raises(Invalid, match="whole seconds"):
        Duration.parse(timedelta(milliseconds=1500))


def test_buckets_of_whole_weeks_start_on_a_monday():
    assert Duration.parse("2w").origin == -3 * MICROS["d"]
    assert Duration.parse("7d").origin == -3 * MICROS["d"]
    assert Duration.parse("6d").origin == 0


@pytest.mark.parametrize(
    ("long", "short", "is_so"),
    [("7d", "1d", True), ("1d", "1d", True), ("90m", "1h", False), ("1h", "90m", False), ("1w", "12h", True)],
)
def test_a_duration_is_a_multiple_of_another_where_nothing_is_left(long, short, is_so):
    assert Duration.parse(long).is_multiple_of(Duration.parse(short)) is is_so


def test_durations_are_ordered_by_their_length():
    assert [str(d) for d in sorted(map(Duration.parse, ["1w", "90s", "2h", "1m"]))] == ["1m", "90s", "2h", "1w"]
