"""How text is to be read as a time."""

import pytest

from mlforge.errors import Invalid
from mlforge.model.timeformat import parts
from mlforge.model.timestamp import Timestamp
from mlforge.testing.refusals import refused


@pytest.mark.parametrize("directive", ["%y", "%-y", "%g", "%D", "%x"])
def test_a_year_of_two_digits_is_refused(directive):
    with refused(Invalid, f"has {directive}, a year of two digits", "'when'", "%Y"):
        Timestamp("when", format=f"%d.%m.{directive}")


@pytest.mark.parametrize("format", ["%d.%m.%Y", "%%y %Y-%m-%d", "%G-W%V-%u", "y %F", None])
def test_other_formats_are_not(format):
    assert Timestamp("when", format=format).format == format


@pytest.mark.parametrize("format", ["%H:%M:%S", "%d.%m.", "%Y-%m", "%Y %%d %m", "%j %H", "%m/%d %H:%M", "day", "%G-%V"])
def test_a_format_that_fixes_no_day_is_refused(format):
    with refused(Invalid, "does not fix a day", "'when'", "year, month and day"):
        Timestamp("when", format)


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("%Y-%m-%d %Q", "has %Q, which is no directive"),
        ("%Y-%m-%d %", "has %, which is no directive"),
        ("%Y-%m-%d %H:%M %Z", "a zone's name does not tell its offset"),
        ("%Y %U %w", "has %U, a week that libraries count differently"),
        ("%Y-%W-%u", "has %W, a week that libraries count differently"),
        ("%G-W%V-%a", "The day of an ISO week is %u"),
        ("%d %m %b %Y", "has both %m and %b"),
        ("%Y-%m-%d %d", "has both %d and %d"),
        ("%a %Y-%m-%d %u", "has both %a and %u"),
        ("%Y-%m-%d %H %I %p", "has both %H and %I"),
        ("%Y-%m-%d %j", "has %j besides"),
        ("%Y-%m-%d %I", "which half of the day"),
        ("%Y-%m-%d %H %p", "has %p without %I"),
        ("%Y-%m-%d %M", "has %M without an hour"),
        ("%Y-%m-%d %H:%S", "has %S without minutes"),
        ("%Y-%m-%d %H:%M.%f", "has %f without seconds"),
        ("%s.%f", "has something beside %s"),
        ("@%s", "has something beside %s"),
        (" %Y-%m-%d", "begins or ends with a blank"),
        ("%Y-%m-%d%n", "begins or ends with a blank"),
    ],
)
def test_a_format_that_does_not_tell_one_instant_is_refused(format, words):
    with refused(Invalid, words):
        Timestamp("when", format)


@pytest.mark.parametrize(
    ("format", "meant"),
    [
        *(("%F", "%Y-%m-%d"), ("%F %T", "%Y-%m-%d %H:%M:%S"), ("%F %R%:z", "%Y-%m-%d %H:%M%z"), ("%v", "%d-%b-%Y")),
        *(
            ("%-d.%-m.%Y", "%d.%m.%Y"),
            ("%e %h %Y", "%d %b %Y"),
            ("%F %l %P", "%Y-%m-%d %I %p"),
            ("%F%t%k", "%Y-%m-%d %H"),
        ),
        *(("%F %T%.f", "%Y-%m-%d %H:%M:%S.%f"), ("%F %r", "%Y-%m-%d %I:%M:%S %p"), ("%c", "%a %b %d %H:%M:%S %Y")),
    ],
)
def test_shorthands_are_what_they_stand_for(format, meant):
    assert Timestamp("when", format).format == format
    assert shown(format) == shown(meant)


def shown(format):
    return [f"%{part.letter}" if part.letter else part.text for part in parts(format)]


def test_a_timestamp_has_a_column():
    with refused(Invalid, "column"):
        Timestamp("")


@pytest.mark.parametrize(("format", "directive"), [("%Y-%m-%d %H:%M%z", "%z"), ("%s", "%s")])
def test_a_zone_is_refused_where_text_tells_the_instant(format, directive):
    with refused(Invalid, f"tells instants by {directive}", "'Europe/Berlin' is the zone of times without one"):
        Timestamp("when", format=format, timezone="Europe/Berlin")
    assert Timestamp("when", format=format).timezone is None


@pytest.mark.parametrize("format", ["%d.%m.%Y %H:%M", None])
def test_times_without_one_may_be_given_a_zone(format):
    assert Timestamp("when", format=format, timezone="Europe/Berlin").timezone == "Europe/Berlin"


def test_its_name_is_its_column_unless_it_has_another():
    assert (Timestamp("when").name, Timestamp("when", alias="at").name) == ("when", "at")
