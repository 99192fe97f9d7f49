"""What is not as it was written is missing: never another value, never an error, and never there for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.keys import surrogate_key
from mlforge.plugin import Address, Entry, OnlineStore, Point, damaged_entries
from mlforge.testing.damage import DAMAGES, Damage
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry


class DamagedOnlineStoreTests(OnlineSubject):
    """What an online store must prove whose bytes a test can reach.

    Example:
        >>> class TestSQLite(DamagedOnlineStoreTests):
        ...     def config(self, folder):
        ...         return mlf.SQLiteOnlineStore(path=f"{folder}/online.db")
        ...
        ...     def damage(self, folder, address, change):
        ...         with sqlite3.connect(self.config(folder).path) as file:
        ...             where = (address.feature, address.key)
        ...             found = "from entries where feature = ? and key = ?"
        ...             (data,) = file.execute(f"select data {found}", where).fetchone()
        ...             file.execute(
        ...                 "update entries set data = ? where feature = ? and key = ?", (change(data), *where)
        ...             )
    """

    def damage(self, folder: Path, address: Address, change: Damage) -> None:
        """Damage the bytes that are kept of an entity, behind the store's back, and nothing else."""
        raise Invalid(
            "The tests do not say how the store's bytes are reached.",
            hint="Override damage(self, folder, address, change): read the entry's bytes, and write change(bytes).",
        )

    def test_no_flipped_byte_of_an_entry_is_another_value(self, folder: Path, store: OnlineStore) -> None:
        kept = _kept()
        store.write([kept])
        for flip in _flips(len(self._bytes(folder, kept))):
            self.damage(folder, kept.address, flip)
            assert_found(store.read([kept.address]), [None])
            self.damage(folder, kept.address, flip)
        assert_found(store.read([kept.address]), [kept])

    @pytest.mark.parametrize("change", DAMAGES)
    def test_no_other_bytes_are_another_value(self, folder: Path, store: OnlineStore, change: str) -> None:
        kept, other = _kept(), entry(2, x=2)
        store.write([kept, other])
        self.damage(folder, kept.address, DAMAGES[change])
        assert_found(store.read([other.address, kept.address, other.address]), [other, None, other])

    def test_the_bytes_of_another_entity_are_none_of_this_one(self, folder: Path, store: OnlineStore) -> None:
        for other in (entry(2, x=2), entry(1, feature="plan", x=1)):
            kept = _kept()
            store.write([kept, other])
            self.damage(folder, kept.address, _always(self._bytes(folder, other)))
            assert_found(store.read([kept.address, other.address]), [None, other])

    def test_what_is_damaged_is_counted(self, folder: Path, store: OnlineStore) -> None:
        kept = _kept()
        store.write([kept])
        self.damage(folder, kept.address, DAMAGES["cut"])
        before = damaged_entries().get("spend", 0)
        store.read([kept.address])
        assert damaged_entries()["spend"] > before

    def test_the_next_publish_replaces_what_is_damaged_or_says_that_it_does_not(
        self, folder: Path, store: OnlineStore
    ) -> None:
        kept = _kept()
        store.write([kept])
        refusals, whole = 0, self._bytes(folder, kept)
        for number, flip in enumerate(_flips(len(whole), 7), 1):
            self.damage(folder, kept.address, flip)
            newer = entry(1, as_of=number, x=number)
            try:
                store.write([newer])
            except PluginFailed:
                refusals += 1
                self.damage(folder, kept.address, flip)
                store.write([newer])
            assert_found(store.read([kept.address]), [newer])
            self.damage(folder, kept.address, _always(whole))
        assert refusals <= number // 4, f"{refusals} of {number} damaged entries could not be replaced"

    def _bytes(self, folder: Path, kept: Entry) -> bytes:
        """What is kept of an entity."""
        seen: list[bytes] = []

        def look(data: bytes) -> bytes:
            seen.append(data)
            return data

        self.damage(folder, kept.address, look)
        return seen[0]


def _always(data: bytes) -> Damage:
    return lambda _: data


def _kept() -> Entry:
    return Entry("spend", surrogate_key(1), "1.0.0", 0, DAY, ("x", "y"), (Point(0, (1, "é")), Point(DAY, (None, 0.5))))


def _flips(size: int, first: int = 0) -> Iterator[Damage]:
    """One bit of each of so many bytes, another one each time; twice gives them back."""
    for place in range(size):
        by = 1 << (place + first) % 8
        yield lambda now, at=place, by=by: now[:at] + bytes([now[at] ^ by]) + now[at + 1 :]  # type: ignore[misc]
