"""What dead builds left goes; what a version or a living build needs stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from mlforge.plugin import CollectingStore, PruningStore, Store
from mlforge.testing.stores.growing import grow
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

AT_ONCE = -3600.0
"""As if an hour had gone by."""


class CollectTests(StoreSubject):
    """A store that collects leaves nothing of a build that died, and all of everything else."""

    def test_what_a_build_left_that_died_at_any_instant_goes(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if not isinstance(store, CollectingStore):
                return
        for store, _ in self.deaths(folder, lambda store: self.commit(store, "1.0.0", data=b"old"), "commit"):
            assert isinstance(store, CollectingStore)
            kept = {v: self.contents(store.get("spend", v)) for v in store.versions("spend")}
            told = store.collect(AT_ONCE, dry_run=True)
            assert store.collect(AT_ONCE, dry_run=False) == told
            assert store.collect(AT_ONCE, dry_run=False) == []
            assert {v: self.contents(store.get("spend", v)) for v in store.versions("spend")} == kept
            version = str(len(kept) + 1)
            self.commit(store, f"{version}.0.0")

    def test_what_newer_versions_are_read_from_is_no_leftover(self, folder: Path) -> None:
        with self.config(folder).open() as opened:
            if not isinstance(opened, CollectingStore) or not isinstance(opened, PruningStore):
                return
            store: Any = opened
            self.commit(store, "1.0.0", data=b"old")
            grow(self, store, "1.0.1", b"more", b"less")
            store.prune("spend", 1)
            assert store.collect(AT_ONCE, dry_run=False) == []
            assert self.contents(store.get("spend", "1.0.1")) == [b"old", b"more", b"less"]

    def test_what_a_living_build_has_is_no_leftover(self, opened: Callable[[], AbstractContextManager[Store]]) -> None:
        with opened() as one, opened() as other:
            if isinstance(other, CollectingStore):
                self.commit(one, "1.0.0")
                target = self.begin(one, data=b"new")
                assert other.collect(3600.0, dry_run=False) == []
                one.commit(target, meta_of("1.1.0"), "1.0.0")
                assert self.contents(one.get("spend", "1.1.0")) == [b"new"]

    def test_nothing_goes_that_damaged_metadata_may_name(self, folder: Path) -> None:
        with self.config(folder).open() as opened:
            if not isinstance(opened, CollectingStore) or not isinstance(opened, PruningStore):
                return
            store: Any = opened
            self.commit(store, "1.0.0", data=b"old")
            target, parts = self.begin(store, data=b"more"), store.get("spend", "1.0.0").meta.parts
            store.commit(target, meta_of("1.0.1", parts=parts, owner="mark-91c2"), "1.0.0")
            store.prune("spend", 1)
            self.rewrite_metadata(folder, "mark-91c2", lambda data: b"}" + data)
            assert store.collect(AT_ONCE, dry_run=False) == []
            self.rewrite_metadata(folder, "mark-91c2", lambda data: data[1:])
            assert self.contents(store.get("spend", "1.0.1")) == [b"old", b"more"]
