"""The manifest of a store that keeps one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from mlforge.model.meta import Manifest, ManifestEntry
from mlforge.plugin import ManifestStore, Store
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import COLUMNS

ENTRY = ManifestEntry(
    latest="1.1.0",
    versions=("1.0.0", "1.1.0"),
    row_count=3,
    updated_at="2024-02-29T00:00:01Z",
    entity_keys=("user",),
    columns=COLUMNS,
    content_hash="abc",
    tags=("日本",),
    description="What a user spent",
    owner="ada",
)
OLD = Manifest("2024-02-29T00:00:00Z", {"spend": ENTRY, "plan": ENTRY})
NEW = Manifest("2024-03-01T00:00:00Z", {"spend": ENTRY})
MARKED = msgspec.structs.replace(ENTRY, owner="mark-77b1")


class ManifestTests(StoreSubject):
    """A manifest is kept whole, or derived at every reading by the core."""

    def test_a_manifest_is_there_after_reopening(self, opened: Callable[[], AbstractContextManager[Store]]) -> None:
        with opened() as store:
            if isinstance(store, ManifestStore):
                store.write_manifest(OLD)
        with opened() as again:
            if isinstance(again, ManifestStore):
                assert again.read_manifest() == OLD
            assert again.names() == []

    def test_a_damaged_manifest_is_none_and_can_be_written_again(self, folder: Path) -> None:
        place = folder / "kept"
        place.mkdir()
        with self.config(place).open() as store:
            if isinstance(store, ManifestStore):
                store.write_manifest(msgspec.structs.replace(OLD, features={"spend": MARKED}))
                self.rewrite_metadata(place, MARKED.owner or "", lambda data: data[: len(data) // 2])
                assert store.read_manifest() is None
                store.write_manifest(NEW)
                assert store.read_manifest() == NEW
            assert store.names() == []

    def test_a_manifest_comes_back_as_it_was_written(self, store: Store) -> None:
        if isinstance(store, ManifestStore):
            assert store.read_manifest() is None
            store.write_manifest(OLD)
            assert store.read_manifest() == OLD

    def test_a_manifest_is_replaced_whole_and_is_no_feature(self, store: Store) -> None:
        if isinstance(store, ManifestStore):
            store.write_manifest(OLD)
            store.write_manifest(NEW)
            assert store.read_manifest() == NEW
        assert store.names() == []
