"""What is noted of a feature in an online store: what it says, what it is when it is damaged, what is served by it."""

from __future__ import annotations

from zlib import crc32

import msgspec
import pytest

from mlforge.errors import Invalid, NotFound, PluginFailed
from mlforge.flow.lock import Lock, Pin
from mlforge.flow.online.locked import serving
from mlforge.flow.online.publication import Publication, Round, decode_publication
from mlforge.flow.online.withdraw import Withdrawing, withdraw
from mlforge.model.feature import FeatureSpec
from mlforge.plugin import damaged_entries
from mlforge.plugin.codec import seal, unseal
from mlforge.testing.refusals import refused

SEED = crc32(b"spend")
THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


NOT_NOTES = [b"", b"x", b"{}", b'{"begun":1}', b"\xff", b'{"layout":1}']


@pytest.mark.parametrize("note", NOT_NOTES)
def test_a_note_that_nobody_here_wrote_is_missing(shop, note):
    shop.version("1.0.0", THREE)
    shop.online.swap_note("spend", None, note)
    with refused(NotFound, "spend", "damaged") as caught:
        shop.reader()
    assert "mlforge publish spend" in caught.value.hint
    shop.publish(0)
    assert shop.amounts([1]) == [10]


def test_no_flipped_bit_of_a_note_says_anything(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    note = shop.online.read_note("spend")
    before = damaged_entries().get("spend", 0)
    for place in range(len(note)):
        for bit in range(8):
            flipped = note[:place] + bytes([note[place] ^ 1 << bit]) + note[place + 1 :]
            assert decode_publication("spend", flipped) is None
    assert damaged_entries()["spend"] == before + 8 * len(note)
    assert decode_publication("plan", note) is None
    assert decode_publication("spend", note).whole


def test_a_publish_over_a_damaged_note_writes_everything(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    note = shop.online.read_note("spend")
    shop.online.swap_note("spend", note, note[:9] + bytes([note[9] ^ 1]) + note[10:])
    result = shop.publish(1)
    assert result.whole
    assert shop.amounts([1], at=1) == shop.amounts([1], at=1.5) != [None]


@pytest.mark.parametrize("layout", [1, 3])
def test_a_note_of_another_layout_is_refused(shop, layout):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    before = shop.online.read_note("spend")
    said = msgspec.json.decode(unseal(before, SEED)) | {"layout": layout}
    shop.online.swap_note("spend", before, seal(msgspec.json.encode(said), SEED))
    with refused(Invalid, f"layout {layout}"):
        shop.publish(1)
    with refused(Invalid, f"layout {layout}"):
        shop.reader()


def test_a_note_says_its_layout_so_that_every_other_is_told(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    assert msgspec.json.decode(unseal(shop.online.read_note("spend"), SEED))["layout"] == 2


def test_what_a_note_leaves_out_is_that_nothing_was_written_yet_of_all(shop):
    said = b'{"begun":{"version":"1.0.0","content_hash":"c","as_of":5,"until":null,"engine":"it","since":5}}'
    begun = Round("1.0.0", "c", 5, None, "it", 5, all=True, written=0)
    assert decode_publication("spend", seal(said, SEED)) == Publication(begun, done=None, meta=None, withdrawn=False)


@pytest.fixture
def two(shop):
    """1.0.1 is served to all, 1.0.0 and 1.0.2 beside it."""
    for number in (0, 1, 2):
        shop.version(f"1.0.{number}", [(1, -5, number)])
        shop.publish(0, version=f"1.0.{number}", beside=number != 1)
    return shop


def amount(shop, version):
    return shop.reader(f"spend@{version}").read([{"user": 1}]).values[0]["amount"]


def test_a_version_is_served_to_those_who_name_it(two):
    assert [amount(two, f"1.0.{n}") for n in (0, 1, 2)] == [0, 1, 2]
    with refused(NotFound, "'spend' is served as 1.0.1, not 1.0.9") as caught:
        two.reader("spend@1.0.9")
    assert caught.value.hint.endswith("mlforge publish spend@1.0.9 --beside")


def test_a_version_that_is_served_to_all_is_read_there_though_it_is_beside_too(two):
    two.publish(1, version="1.0.2")
    reader = two.reader("spend@1.0.2")
    assert [one.place for one in reader.lookups] == ["spend"]


def test_a_version_is_read_where_it_was_published_last(two):
    two.publish(1, version="1.0.1", beside=True)
    reader = two.reader("spend@1.0.1")
    assert [one.place for one in reader.lookups] == ["spend@1.0.1"]
    two.publish(2, version="1.0.1")
    reader.refresh()
    assert [one.place for one in reader.lookups] == ["spend"]


def test_a_version_beside_is_whole_while_another_takes_its_place(shop):
    shop.keep_cut_off()
    for number in (0, 1):
        shop.version(f"1.0.{number}", [(user, -1, number) for user in range(4)])
    shop.publish(0, version="1.0.0", beside=True)
    shop.publish(1, version="1.0.0")
    shop.online.left = 1
    with pytest.raises(PluginFailed):
        shop.publish(2, version="1.0.1")
    found = shop.reader("spend@1.0.0", 2).read([{"user": user} for user in range(4)])
    assert [row["amount"] for row in found.values] == [0] * 4


def test_a_version_beside_is_served_where_none_is_served_to_all(shop):
    shop.version("1.0.0", [(1, -5, 7)])
    shop.publish(0, version="1.0.0", beside=True)
    assert amount(shop, "1.0.0") == 7
    for name in ("spend", "spend@1.0.9"):
        with refused(NotFound, "'spend' has not been published.") as caught:
            shop.reader(name)
        assert caught.value.hint == "Publish it: mlforge publish spend"


def test_a_version_whose_note_is_damaged_is_said_to_be(two):
    note = two.online.read_note("spend@1.0.0")
    two.online.swap_note("spend@1.0.0", note, note[:-1])
    with refused(NotFound, "'spend@1.0.0'", "damaged") as caught:
        two.reader("spend@1.0.0")
    assert caught.value.hint.endswith("mlforge publish spend@1.0.0 --beside")


def test_what_is_served_is_held_against_a_lock(two):
    lock = Lock(tuple(Pin("spend", f"1.0.{n}", "", ("amount",)) for n in (0, 1, 9)))
    told = serving(two.online, lock)
    assert [(one.version, one.beside) for one in told.values()] == [("1.0.0", True), ("1.0.1", False), ("1.0.1", False)]
    withdraw(Withdrawing(two.online, two.versions, 2**60, two.told.append), FeatureSpec("spend", "1.0.0"))
    assert serving(two.online, lock)["spend@1.0.0"].version == "1.0.1"
    assert serving(two.online, Lock((Pin("nobody", "1.0.0", "", ("x",)),))) == {"nobody@1.0.0": None}
