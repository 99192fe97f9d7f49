"""Taking away a version that is served beside another: what goes, what stays, what is refused, who comes meanwhile."""

from __future__ import annotations

import pytest

from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed, Unsupported
from mlforge.flow.online.withdraw import Withdrawing, withdraw, withdraw_safely
from mlforge.model.feature import FeatureSpec
from mlforge.testing.refusals import refused

NOON, HOUR = 1_709_208_000_000_000, 3_600_000_000
ROWS = [(1, -5, 10), (2, -4, 20), (3, -3, 30)]
HERE = "spend@1.0.0"


@pytest.fixture
def two(shop):
    """1.0.1 is served to all, 1.0.0 beside it, both as of noon."""
    shop.version("1.0.0", ROWS)
    shop.version("1.0.1", [(user, hour, -amount) for user, hour, amount in ROWS])
    shop.publish(0)
    shop.publish(0, version="1.0.0", beside=True)
    shop.told.clear()
    return shop


def take_away(shop, version="1.0.0", at=1.0, name="spend"):
    withdrawing = Withdrawing(shop.online, shop.versions, NOON + int(at * HOUR), shop.told.append)
    return withdraw(withdrawing, FeatureSpec(name, version))


def left_of(shop):
    return list(shop.online.older(HERE, 2**62))


def test_it_goes_with_all_that_was_written_of_it_and_nothing_else_does(two):
    found = take_away(two)
    assert (found.feature, found.status, found.version) == (HERE, "withdrawn", "1.0.0")
    assert (found.as_of, found.removed, found.entities) == ("2024-02-29T13:00:00Z", 3, 0)
    assert [(told.feature, told.stage, told.rows) for told in two.told] == [(HERE, "withdrawing", 3)]
    assert left_of(two) == []
    with refused(NotFound, "1.0.1"):
        two.reader(HERE)
    assert two.amounts([1, 2, 3]) == [-10, -20, -30]


def test_it_can_be_published_again_later_and_not_as_of_before(two):
    take_away(two)
    with refused(Conflict, HERE, "withdrawn", "2024-02-29T13:00:00Z"):
        two.publish(0.5, version="1.0.0", beside=True)
    again = two.publish(2, version="1.0.0", beside=True)
    assert (again.status, again.entities, again.whole) == ("published", 3, True)
    assert two.reader(HERE, 2).read([{"user": 2}]).values == [{"amount": 20}]
    assert take_away(two, at=3).removed == 3


def test_what_was_published_as_of_now_or_by_a_clock_ahead_goes_too(two):
    two.publish(4, version="1.0.0", beside=True, force=True)
    assert take_away(two, at=4).removed == 3
    for hour in (5, 5 + 1 / 11):  # an even instant and an odd one
        two.publish(hour, version="1.0.0", beside=True)
        found = take_away(two, at=3)
        assert (found.removed, left_of(two)) == (3, [])


def test_one_that_was_cut_off_serves_nothing_and_is_ended_by_the_next(shop, two):
    shop.keep_cut_off()
    shop.publish(0)
    shop.publish(0, version="1.0.0", beside=True)
    shop.online.left = 0
    with refused(PluginFailed, "broke"):
        take_away(shop)
    assert len(left_of(shop)) == 3
    with refused(NotFound, "1.0.1"):
        shop.reader(HERE)
    shop.online.left = 10**9
    found = take_away(shop, at=2)
    assert (found.removed, found.as_of, left_of(shop)) == (3, "2024-02-29T13:00:00Z", [])
    with refused(NotFound, "not published beside"):
        take_away(shop, at=3)


def test_a_publish_after_one_that_was_cut_off_writes_everything(shop, two):
    shop.keep_cut_off()
    shop.publish(0)
    shop.publish(0, version="1.0.0", beside=True)
    shop.online.left = 0
    with pytest.raises(PluginFailed):
        take_away(shop)
    shop.online.left = 10**9
    again = shop.publish(2, version="1.0.0", beside=True)
    assert (again.entities, again.resumed, again.whole) == (3, 0, True)
    assert shop.reader(HERE, 2).read([{"user": 3}]).values == [{"amount": 30}]


def test_what_is_published_again_meanwhile_stays(shop, two):
    shop.keep_interrupted()
    shop.publish(0)
    shop.publish(0, version="1.0.0", beside=True)
    shop.online.meanwhile = lambda: shop.publish(2, version="1.0.0", beside=True)
    take_away(shop)
    assert shop.reader(HERE, 2).read([{"user": 1}, {"user": 2}]).values == [{"amount": 10}, {"amount": 20}]


def test_one_that_is_begun_anew_meanwhile_is_ended_by_whoever_began_it(shop, two):
    shop.keep_interrupted()
    shop.publish(0)
    shop.publish(0, version="1.0.0", beside=True)

    def publish_and_begin():
        shop.publish(2, version="1.0.0", beside=True)
        first, broken = shop.online, shop.keep_cut_off(0)
        broken.entries, broken.notes = first.entries, first.notes
        with pytest.raises(PluginFailed):
            take_away(shop, at=3)
        shop.online = first

    shop.online.meanwhile = publish_and_begin
    take_away(shop)
    assert take_away(shop, at=4).removed == 3


def test_a_damaged_note_and_what_was_written_under_it_go(two):
    note = two.online.read_note(HERE)
    two.online.swap_note(HERE, note, note[:-1])
    assert take_away(two).removed == 3
    with refused(NotFound, "not published beside"):
        take_away(two)


def test_a_store_that_cannot_list_takes_nothing_away(two):
    class NoList:
        def __init__(self, inner):
            for name in ("write", "read", "read_note", "swap_note", "ping"):
                setattr(self, name, getattr(inner, name))

    whole = two.online
    two.online = NoList(whole)
    with refused(Unsupported, "cannot tell"):
        take_away(two)
    two.online = whole
    assert two.reader(HERE).read([{"user": 1}]).values == [{"amount": 10}]


def test_many_at_once_are_told(two):
    two.online.swap_note = lambda *_: False
    with refused(Conflict, HERE, "at once"):
        take_away(two)
    assert len(left_of(two)) == 3


def test_a_version_has_to_be_named(two):
    with refused(Invalid, "Which version of 'spend'") as caught:
        take_away(two, None)
    assert caught.value.hint == f"Published beside are: {HERE}."
    take_away(two)
    with refused(Invalid, "Which version of 'spend'") as caught:
        take_away(two, None)
    assert caught.value.hint == "No version of 'spend' is published beside."


def test_what_is_served_to_all_cannot_be_withdrawn(two):
    take_away(two)
    two.version("1.0.2", ROWS)
    for hour, version, other in ((1, "1.0.0", "1.0.2"), (2, "1.0.1", "1.0.2"), (3, "1.0.2", "1.0.1")):
        two.publish(hour, version=version)
        with refused(Invalid, f"'spend@{version}'", "served to those who name no version") as caught:
            take_away(two, version, hour)
        assert caught.value.hint.endswith(f"mlforge publish spend@{other}")
    two.version("1.0.0", ROWS, name="alone")
    two.publish(0, name="alone")
    with refused(Invalid, "'alone@1.0.0'") as caught:
        take_away(two, "1.0.0", name="alone")
    assert "build one" in caught.value.hint


def test_what_is_not_published_beside_is_not_found_and_what_is_near_is_named(two):
    with refused(NotFound, "'spend@1.0.9' is not published beside") as caught:
        take_away(two, "1.0.9")
    assert HERE in caught.value.hint
    with refused(NotFound, "'nobody@1.0.0'") as caught:
        take_away(two, "1.0.0", name="nobody")
    assert caught.value.hint == "No version of 'nobody' is published beside."


def test_a_failure_is_a_result(two):
    withdrawing = Withdrawing(two.online, two.versions, NOON, two.told.append)
    found = withdraw_safely(withdrawing, FeatureSpec("spend", "9.9.9"))
    assert (found.feature, found.ok, found.failure.kind) == ("spend@9.9.9", False, "NotFound")
