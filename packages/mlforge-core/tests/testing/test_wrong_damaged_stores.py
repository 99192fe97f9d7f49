"""The kit notices online stores that make something of damaged bytes, and lets one pass that does not."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.errors import PluginFailed
from mlforge.plugin import Address, Entry, decode_entry, encode_entry, entry_as_of
from mlforge.testing import DamagedOnlineStoreTests
from mlforge.testing.damage import Damage
from mlforge.testing.memory import LiveMemoryOnlineStore

MISTAKES = {
    "no checksum": "no_flipped_byte_of_an_entry_is_another_value",
    "an error instead": "no_flipped_byte_of_an_entry_is_another_value",
    "what is empty is an entry": "no_other_bytes_are_another_value",
    "no address": "the_bytes_of_another_entity_are_none_of_this_one",
    "not counted": "what_is_damaged_is_counted",
    "damage stays": "the_next_publish_replaces_what_is_damaged_or_says_that_it_does_not",
    "damage refuses all": "the_next_publish_replaces_what_is_damaged_or_says_that_it_does_not",
}


class EncodedMemory(LiveMemoryOnlineStore):
    """Keeps entries as bytes; `mistake` names what it does wrong."""

    def __init__(self, mistake: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.mistake = mistake
        self.kept: dict[Address, bytes] = {}

    def _keep(self, entry: Entry) -> bool:
        there = self.kept.get(entry.address)
        whole = there is None or decode_entry(there, entry.feature, entry.key) is not None
        if not whole and self.mistake == "damage stays":
            return False
        if not whole and self.mistake == "damage refuses all":
            raise PluginFailed("What is there is damaged.", hint="Remove it.")
        if there is not None and whole and entry_as_of(there) > entry.as_of:
            return False
        self.kept[entry.address] = self._encode(entry)
        return True

    def _encode(self, entry: Entry) -> bytes:
        return msgspec.msgpack.encode(entry) if self.mistake in ("no checksum", "no address") else encode_entry(entry)

    def read(self, addresses: Any) -> list[Entry | None]:
        return [self._decode(self.kept[a], a) if a in self.kept else None for a in addresses]

    def _decode(self, data: bytes, address: Address) -> Entry | None:
        if self.mistake in ("no checksum", "no address"):
            try:
                return msgspec.msgpack.decode(data, type=Entry)
            except (msgspec.MsgspecError, ValueError):
                return None
        if self.mistake == "what is empty is an entry" and not data:
            return Entry(address.feature, address.key, "", 0)
        if self.mistake == "not counted":
            return None
        found = decode_entry(data, address.feature, address.key)
        if found is None and self.mistake == "an error instead":
            raise PluginFailed("It is damaged.", hint="Publish it again.")
        return found


class Subject(DamagedOnlineStoreTests):
    def __init__(self, mistake: str) -> None:
        self.live = EncodedMemory(mistake)

    def damage(self, folder: Path, address: Address, change: Damage) -> None:
        self.live.kept[address] = change(self.live.kept[address])


def run(mistake: str, name: str, folder: Path) -> None:
    """One test of the kit on a store with a mistake."""
    subject = Subject(mistake)
    test = getattr(subject, f"test_{name}")
    given: dict[str, Any] = {"folder": folder, "store": subject.live, "change": "empty"}
    test(**{p: given[p] for p in inspect.signature(test).parameters})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_a_store_with_a_mistake(mistake: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, PluginFailed)):
        run(mistake, MISTAKES[mistake], tmp_path)


@pytest.mark.parametrize("test", sorted(set(MISTAKES.values())))
def test_a_store_without_a_mistake_passes(test: str, tmp_path: Path) -> None:
    run("", test, tmp_path)
