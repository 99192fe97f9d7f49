"""Zones by name, and the local times that a timestamp may name one for."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mlforge.errors import Invalid
from mlforge.model.timestamp import Timestamp
from mlforge.model.zones import changes, zone_of
from mlforge.plugin.engine.zones import clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "said", "hint"),
    [
        ({"timezone": "Europe/Berln"}, "no time zone 'Europe/Berln'", "'Europe/Berlin'"),
        ({"timezone": "europe/berlin "}, "no time zone 'europe/berlin '", "'Europe/Berlin'"),
        ({"timezone": ""}, "no time zone ''", "'Europe/Berlin'"),
        ({"timezone": "../../etc/passwd"}, "no time zone", "Such as"),
        ({"timezone": 2}, "no time zone 2", "Such as"),
        ({"timezone": "UTC", "format": "%Y-%m-%d %z"}, "tells instants by %z", "Leave timezone= out"),
        ({"timezone": "UTC", "format": "%s"}, "tells instants by %s", "Leave timezone= out"),
        ({"nonexistent": "backward"}, "as 'backward'", 'nonexistent="forward"'),
    ],
)
def test_a_zone_that_cannot_be_is_refused_where_it_is_written(wrong, said, hint):
    with pytest.raises(Invalid, match=re.escape(said)) as refused:
        Timestamp("at", **wrong)
    assert hint in (refused.value.hint or "")


def test_a_computer_without_zones_is_told_what_brings_them(monkeypatch):
    monkeypatch.setattr("mlforge.model.zones.available_timezones", set)
    with pytest.raises(Invalid) as refused:
        zone_of("Europe/Nowhere")
    assert "pip install tzdata" in (refused.value.hint or "")


@pytest.mark.parametrize("zone", sorted(available_timezones())[::9])
def test_a_clock_is_pythons_own(zone):
    """On every change of each year and beside it, and far from all."""
    own, years = ZoneInfo(zone), (1, 1883, 1945, 1970, 2011, 2025, 2087, 2150, 9998)
    for year in years:
        near = [*[at for at, _ in changes(zone, year, year)[1]][:6], datetime(max(year, 2), 6, 1, tzinfo=UTC)]
        for at in near:
            for minutes in range(-180, 181, 15):
                shown = at + (own.utcoffset(at.replace(tzinfo=None)) or timedelta(0)) + timedelta(minutes=minutes)
                micros = (shown - EPOCH) // timedelta(microseconds=1)
                made = shown.replace(tzinfo=own).astimezone(UTC)
                table = clock(zone, micros, micros)
                assert table.instant(micros) == (made - EPOCH) // timedelta(microseconds=1)
                assert table.shows(micros) == (made.astimezone(own).replace(tzinfo=UTC) == shown)
