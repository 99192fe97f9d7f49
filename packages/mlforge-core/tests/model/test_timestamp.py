"""How text is to be read as a time."""

import pytest

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge.testing.refusals import refused


@pytest.mark.parametrize("directive", ["%y", "%-y", "%g", "%D", "%x"])
def test_a_year_of_two_digits_is_refused(directive):
    with refused(Invalid, f"has {directive}, a year of two digits", "'when'", "%Y"):
        Timestamp("when", format=f"%d.%m.{directive}")


@pytest.mark.parametrize("format", ["%d.%m.%Y", "%%y %Y-%m-%d", "%G-W%V-%u", "y %F", None])
def test_other_formats_are_not(format):
    assert Timestamp("when", format=format).format == format


def test_a_timestamp_has_a_column():
    with refused(Invalid, "column"):
        Timestamp("")
