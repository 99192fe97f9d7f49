"""A backend that fails, and stored bytes that are not what was written: said in mlforge's words, and nothing worse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.plugin import Store
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import Damage, meta_of

MARK = "mark-9d42"
DAMAGE: dict[str, Damage] = {
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: data[:0],
    "bytes": lambda data: b"\xff\x00" * (len(data) // 2),
    "other": lambda data: data[:0] + b"{}",
}
Verb = Callable[[Any], object]
FAILING: dict[str, Verb] = {
    "names": lambda store: store.names(),
    "versions": lambda store: store.versions("spend"),
    "latest": lambda store: store.latest("spend"),
    "begin": lambda store: store.begin("spend", "parquet"),
}
LOOKING: dict[str, Verb] = {
    "get": lambda store: store.get("spend", "1.0.0"),
    "point": lambda store: store.point("spend", "1.0.0"),
}


class FailingTests(StoreSubject):
    """Errors of the backend, and damage."""

    @pytest.mark.parametrize("verb", FAILING)
    def test_a_backend_that_fails_is_a_plugin_failure(self, folder: Path, verb: str) -> None:
        with refused(PluginFailed), self.broken(folder).open() as store:
            FAILING[verb](store)

    @pytest.mark.parametrize("verb", LOOKING)
    def test_looking_where_the_backend_fails_is_an_error_with_a_hint(self, folder: Path, verb: str) -> None:
        with refused(MlforgeError), self.broken(folder).open() as store:
            LOOKING[verb](store)

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_damaged_metadata_are_refused_and_named(self, folder: Path, damage: str) -> None:
        with self._damaged(folder, damage).open() as store, refused(Invalid, "spend", "1.1.0"):
            store.get("spend", "1.1.0")

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_what_is_beside_damaged_metadata_is_read(self, folder: Path, damage: str) -> None:
        with self._damaged(folder, damage).open() as store:
            assert store.names() == ["plan", "spend"]
            assert "1.0.0" in store.versions("spend")
            assert self.contents(store.get("spend", "1.0.0")) == [b"rows"]
            assert self.contents(store.get("plan", "1.0.0")) == [b"rows"]

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_a_feature_goes_on_past_damaged_metadata(self, folder: Path, damage: str) -> None:
        with self._damaged(folder, damage).open() as store:
            store.commit(self.begin(store, data=b"next"), meta_of("1.2.0"), store.latest("spend"))
            assert self.contents(store.get("spend", "1.2.0")) == [b"next"]
            store.point("spend", "1.0.0")
            assert store.latest("spend") == "1.0.0"

    @pytest.mark.parametrize("damage", DAMAGE)
    def test_a_damaged_pointer_is_refused_and_can_be_set_anew(self, folder: Path, damage: str) -> None:
        place = folder / "kept"
        place.mkdir()
        with self.config(place).open() as store:
            for version in ("1.0.0", "1.1.0"):
                self.commit(store, version)
        self.rewrite_pointer(place, "1.1.0", DAMAGE[damage])
        with self.config(place).open() as store:
            with refused(Invalid, "spend"):
                store.latest("spend")
            assert store.versions("spend") == ["1.0.0", "1.1.0"]
            store.point("spend", "1.1.0")
            assert store.latest("spend") == "1.1.0"

    def _damaged(self, folder: Path, damage: str) -> Any:
        """A store whose newest version has damaged metadata."""
        place = folder / "kept"
        place.mkdir()
        with self.config(place).open() as store:
            self._commit_marked(store)
        self.rewrite_metadata(place, MARK, DAMAGE[damage])
        return self.config(place)

    def _commit_marked(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        self.commit(store, "1.0.0", "plan")
        store.commit(self.begin(store), meta_of("1.1.0", owner=MARK), "1.0.0")
