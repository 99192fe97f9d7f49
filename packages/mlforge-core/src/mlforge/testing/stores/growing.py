"""Versions that are made of what earlier ones wrote, and what becomes of it when old versions go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Conflict, Invalid, NotFound
from mlforge.model.meta import FeatureMeta, Increment
from mlforge.plugin import Pruned, PruningStore, Store
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of


def grow(subject: StoreSubject, store: Store, version: str, data: bytes = b"new", gone: bytes = b"") -> FeatureMeta:
    """A version that continues the latest: its parts, then one of rows and maybe one of what went."""
    latest = store.latest("spend") or ""
    target = subject.begin(store, data=data)
    if gone:
        subject.fill_gone(target, gone)
    kept = store.get("spend", latest).meta.parts
    step = Increment(latest, 10, 20, rows=7, gone=4 if gone else 0)
    return store.commit(target, meta_of(version, parts=kept, increment=step), latest)


class GrowTests(StoreSubject):
    """A version that continues another keeps its parts."""

    def test_a_version_may_be_made_of_parts_of_earlier_ones(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=b"old")
        meta = grow(self, store, "1.0.1", b"more", b"less")
        assert [(p.version, p.role, p.rows, p.bytes) for p in meta.parts] == [
            ("1.0.0", "rows", 3, 3), ("1.0.1", "rows", 7, 4), ("1.0.1", "gone", 4, 4),
        ]  # fmt: skip
        artifact = store.get("spend", "1.0.1")
        assert artifact.meta == meta
        assert self.contents(artifact) == [b"old", b"more", b"less"]
        assert [(len(layer.rows), len(layer.gone)) for layer in artifact.layers] == [(1, 0), (1, 1)]

    def test_its_content_hash_is_that_of_all_its_parts(self, store: Store) -> None:
        hashes = [self.commit(store, "1.0.0", data=b"old").content_hash]
        hashes += [grow(self, store, "1.0.1", b"a").content_hash, grow(self, store, "1.0.2", b"a").content_hash]
        assert len(set(hashes)) == 3

    def test_parts_of_several_versions_stay_in_their_order(self, store: Store) -> None:
        self.commit(store, "1.9.0", data=b"1")
        for number, version in enumerate(("1.10.0", "1.11.0", "2.0.0"), 2):
            grow(self, store, version, b"%d" % number)
        assert self.contents(store.get("spend", "2.0.0")) == [b"1", b"2", b"3", b"4"]

    def test_a_kill_at_any_instant_of_an_increment_leaves_the_old_version_whole(self, folder: Path) -> None:
        expected = {"1.0.0": [b"old"], "1.1.0": [b"old", b"new"]}
        for store, died in self.deaths(folder, lambda store: self.commit(store, "1.0.0", data=b"old"), "increment"):
            versions = store.versions("spend")
            assert {v: self.contents(store.get("spend", v)) for v in versions}.items() <= expected.items()
            assert store.latest("spend") in (("1.0.0", "1.1.0") if died else ("1.1.0",))
            assert self.contents(store.get("spend", "1.0.0")) == [b"old"]


class PruningStoreTests(StoreSubject):
    """Old versions go; what newer ones are read from stays.

    Example:
        >>> class TestPruningLocalStore(PruningStoreTests):
        ...     def config(self, folder):
        ...         return mlf.LocalStore(path=str(folder))
        >>> TestPruningLocalStore().config("a").path
        'a'
    """

    @pytest.fixture
    def pruning(self, store: Any) -> PruningStore:
        assert isinstance(store, PruningStore), "a store that removes nothing lacks these tests"
        return store

    def test_the_newest_stay_and_the_latest(self, store: Store, pruning: PruningStore) -> None:
        for version in ("1.0.0", "1.1.0", "1.9.0", "1.10.0"):
            self.commit(store, version, data=version.encode())
        store.point("spend", "1.0.0")
        assert pruning.prune("spend", 2) == Pruned(("1.1.0",), self.freed(len("1.1.0")))
        assert store.versions("spend") == ["1.0.0", "1.9.0", "1.10.0"]
        assert [self.contents(store.get("spend", v)) for v in store.versions("spend")] == [
            [b"1.0.0"], [b"1.9.0"], [b"1.10.0"],
        ]  # fmt: skip
        with refused(NotFound, "1.1.0"):
            store.get("spend", "1.1.0")

    def freed(self, size: int) -> int:
        """What removing a version of so many bytes is said to free."""
        return size

    def test_removing_a_version_breaks_no_newer_one(self, store: Store, pruning: PruningStore) -> None:
        self.commit(store, "1.0.0", data=b"old")
        grow(self, store, "1.0.1", b"more", b"less")
        assert pruning.prune("spend", 1) == Pruned(("1.0.0",), 0)
        assert store.versions("spend") == ["1.0.1"]
        assert self.contents(store.get("spend", "1.0.1")) == [b"old", b"more", b"less"]

    def test_what_nothing_is_read_from_any_more_goes_later(self, store: Store, pruning: PruningStore) -> None:
        self.commit(store, "1.0.0", data=b"old")
        grow(self, store, "1.0.1")
        pruning.prune("spend", 1)
        self.commit(store, "1.1.0", data=b"whole")
        assert pruning.prune("spend", 1) == Pruned(("1.0.1",), self.freed(len(b"old")) + self.freed(len(b"new")))
        assert self.contents(store.get("spend", "1.1.0")) == [b"whole"]

    def test_nothing_to_remove_is_no_error(self, store: Store, pruning: PruningStore) -> None:
        self.commit(store, "1.0.0")
        assert pruning.prune("spend", 1) == Pruned((), 0)

    def test_a_number_whose_data_is_in_use_is_not_given_again(self, store: Store, pruning: PruningStore) -> None:
        self.commit(store, "1.0.0", data=b"old")
        grow(self, store, "1.0.1")
        pruning.prune("spend", 1)
        with refused(Conflict, "1.0.0"):
            store.commit(self.begin(store, data=b"other"), meta_of("1.0.0"), "1.0.1")
        assert self.contents(store.get("spend", "1.0.1")) == [b"old", b"new"]

    def test_a_feature_that_is_not_there_is_not_found(self, pruning: PruningStore) -> None:
        with refused(NotFound, "spend"):
            pruning.prune("spend", 1)

    def test_a_kill_at_any_instant_of_pruning_leaves_what_stays_whole(self, folder: Path) -> None:
        for store, _ in self.deaths(folder, self._three_versions, "prune"):
            assert isinstance(store, PruningStore)
            assert self.contents(store.get("spend", "1.1.1")) == [b"base", b"new"]
            store.prune("spend", 1)
            assert store.versions("spend") == ["1.1.1"]
            assert self.contents(store.get("spend", "1.1.1")) == [b"base", b"new"]

    def _three_versions(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=b"old")
        self.commit(store, "1.1.0", data=b"base")
        grow(self, store, "1.1.1")

    def test_features_of_longer_names_are_left_alone(self, store: Store, pruning: PruningStore) -> None:
        for name in ("spend", "spend_7d", "spen"):
            for version in ("1.0.0", "1.1.0"):
                self.commit(store, version, name, name.encode())
        assert pruning.prune("spend", 1).versions == ("1.0.0",)
        for name in ("spend_7d", "spen"):
            assert [self.contents(store.get(name, v)) for v in store.versions(name)] == [[name.encode()]] * 2

    def test_what_was_removed_is_nowhere_any_more(
        self, pruning: PruningStore, opened: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        with opened() as store:
            for version in ("1.0.0", "1.1.0"):
                self.commit(store, version)
            store.prune("spend", 1)
            with refused(NotFound, "1.0.0"):
                store.point("spend", "1.0.0")
        with opened() as store:
            assert (store.versions("spend"), store.latest("spend")) == (["1.1.0"], "1.1.0")

    def test_readers_are_pointed_away_from_what_was_removed(self, folder: Path) -> None:
        place, held = folder / "pointed", list[bytes]()
        place.mkdir()

        def seen(data: bytes) -> bytes:
            held.append(data)
            return data

        with self.config(place).open() as store:
            self.commit(store, "1.0.0")
        self.rewrite_pointer(place, "1.0.0", seen)
        with self.config(place).open() as opened:
            pruning: Any = opened
            self.commit(pruning, "1.1.0", data=b"new")
            pruning.prune("spend", 1)
        self.rewrite_pointer(place, "1.1.0", lambda _: held[0])
        with self.config(place).open() as store:
            assert store.latest("spend") == "1.0.0"
            with refused(NotFound, "1.0.0"):
                store.get("spend", "1.0.0")
            store.point("spend", "1.1.0")
            assert (store.latest("spend"), self.contents(store.get("spend", "1.1.0"))) == ("1.1.0", [b"new"])
            self.commit(store, "1.2.0")

    def test_keeping_more_than_there_are_removes_nothing(self, store: Store, pruning: PruningStore) -> None:
        self._three_versions(store)
        assert pruning.prune("spend", 99) == Pruned((), 0)
        assert store.versions("spend") == ["1.0.0", "1.1.0", "1.1.1"]

    def test_pruning_again_frees_nothing_more(self, store: Store, pruning: PruningStore) -> None:
        for version in ("1.0.0", "1.1.0"):
            self.commit(store, version)
        assert pruning.prune("spend", 1).versions == ("1.0.0",)
        assert pruning.prune("spend", 1) == Pruned((), 0)

    def test_nothing_is_removed_where_what_stays_is_damaged(self, folder: Path) -> None:
        place = folder / "pruned"
        place.mkdir()
        with self.config(place).open() as store:
            self.commit(store, "1.0.0")
            store.commit(self.begin(store), meta_of("1.1.0", owner="mark-1f3a"), "1.0.0")
        self.rewrite_metadata(place, "mark-1f3a", lambda data: data[: len(data) // 2])
        with self.config(place).open() as store:
            with refused(Invalid, "spend"):
                store.prune("spend", 1)
            assert self.contents(store.get("spend", "1.0.0")) == [b"rows"]
