"""What texts fit a form, and what is said of those that do not."""

import re

import pytest

from mlforge.errors import Invalid
from mlforge.plugin.engine.times import Formatted, detected, no_time, null_times, out_of_range


def fits(format: str, text: str) -> bool:
    return re.fullmatch(Formatted(format).regex, text) is not None


@pytest.mark.parametrize(
    ("text", "has_time", "has_zone"),
    [
        ("2024-01-31", False, False),
        ("2024-01-31T12:00", True, False),
        ("2024-01-31 12:00:00.123456789", True, False),
        ("2024-01-31T12:00Z", True, True),
        ("2024-01-31 12:00:00-05:30", True, True),
    ],
)
def test_the_first_text_tells_the_form(text, has_time, has_zone):
    form = detected("at", 0, text)
    assert (form.has_time, form.has_zone) == (has_time, has_zone)
    assert re.fullmatch(form.regex, text)


@pytest.mark.parametrize("text", ["soon", "", " 2024-01-31", "2024-01-31 ", "31.01.2024", "2024-1-31", "٢٠٢٤-01-31"])
def test_a_first_text_of_no_form_is_no_time(text):
    with pytest.raises(Invalid) as caught:
        detected("at", 3, text)
    assert caught.value.message == f"Timestamp 'at': {text!r} in row 3 is not a time."
    assert 'Timestamp("at", format=' in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["2024-01-31T24:00", "2024-01-31T12:60", "2024-01-31T12:00:60"])
def test_what_is_not_on_the_clock_has_the_form_and_is_no_time(text):
    form = detected("at", 0, text)
    assert not re.fullmatch(form.regex, text)
    assert form.misread("at", 0, text).message.endswith("in row 0 is not a time.")


def test_a_text_of_another_form_is_told_the_first():
    form = detected("at", 0, "2024-01-31")
    assert form.misread("at", 1234, "31.1.").message == (
        "Timestamp 'at': '31.1.' in row 1,234 is not of the form of '2024-01-31'."
    )


@pytest.mark.parametrize(
    ("format", "text"),
    [
        *(("%Y-%m-%d", "2024-1-2"), ("%Y%m%d", "20240102"), ("%Y.%m.%d", "2024.01.02"), ("%Y%j", "2024031")),
        *(("%b %d %Y", "jAN   5 2024"), ("%d. %B %Y", "2. March 2024"), ("%A, %d %b %Y", "TUESDAY, 02 Jan 2024")),
        *(
            ("%Y-%m-%d %I %p", "2024-01-02 12 pm"),
            ("%F %T", "2024-01-02 7:05:09"),
            ("%Y%m%d%H%M%S%f", "20240102120005123"),
        ),
        *(("%F %R %z", "2024-01-02 12:00 Z"), ("%F%z", "2024-01-02+02"), ("%s", "-17"), ("%%%F", "%2024-01-02")),
        *(("[%d/%b/%Y:%T %z]", "[05/Jan/2024:07:05:09 +0200]"), ("%Y年%m月%d日", "2024年1月2日")),
    ],
)
def test_a_text_fits_its_format(format, text):
    assert fits(format, text)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        *(
            ("%Y-%m-%d", " 2024-01-02"),
            ("%Y-%m-%d", "2024-01-02 "),
            ("%Y-%m-%d", "24-01-02"),
            ("%Y.%m.%d", "2024-01-02"),
        ),
        *(("%Y%m%d", "2024111"), ("%Y%j", "20245"), ("%Y-%m-%d1%H", "2024-01-21 7"), ("%Y-%m-%d", "٢٠٢٤-01-02")),
        *(("%b %d %Y", "January 5 2024"), ("%B %d %Y", "Jan 5 2024"), ("%Y-%m-%d %H", "2024-01-0212")),
        *(
            ("%F %T", "2024-01-02 12:00:60"),
            ("%F %T.%f", "2024-01-02 12:00:05"),
            ("%F %T.%f", "2024-01-02 12:00:05.1234567"),
        ),
        *(("%F %z", "2024-01-02 +2400"), ("%F %z", "2024-01-02 +0260"), ("%s", "17.5"), ("%s", "+17"), ("%s", " 17")),
    ],
)
def test_a_text_does_not_fit_another_format(format, text):
    assert not fits(format, text)
    assert Formatted(format).misread("at", 0, text).message == (
        f"Timestamp 'at': {text!r} in row 0 does not fit {format!r}."
    )


def test_an_engine_spells_directives_its_own_way():
    assert Formatted("%%%F %R %z").spelled({"z": "%#z"}) == "%%%Y-%m-%d %H:%M %#z"


def test_one_directive_can_be_cut_out():
    groups = re.fullmatch(Formatted("%d/%b/%Y (%a)").around("b"), "05/Jan/2024 (Fri)")
    assert groups is not None
    assert groups.groups() == ("05/", "Jan", "/2024 (Fri)")


@pytest.mark.parametrize(("format", "letter"), [("%a %F", "a"), ("%F %u", "u"), ("%G-W%V-%u", "V"), ("%F", "")])
def test_what_may_contradict_the_day_is_named(format, letter):
    assert Formatted(format).told_twice == letter


def test_a_column_that_holds_no_times_is_told_how_to_make_some():
    assert no_time("at", "BIGINT", "make_timestamp(at)").hint == "make_timestamp(at) makes times of numbers of seconds."
    assert no_time("at", "TIME", None).hint == "Cast it to a time."


def test_nulls_and_times_out_of_range_are_counted_and_shown():
    assert "null in 1,000 of 20,000 rows" in null_times("at", 1000, 20_000).message
    assert out_of_range("at", 12_345, "99").message == (
        "Column 'at': 99 in row 12,345 is out of range: times lie in the years 1 to 9999."
    )
