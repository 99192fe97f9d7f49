"""A kill at any instant leaves the old version whole, and the next commit succeeds."""

from __future__ import annotations

from pathlib import Path

from mlforge.plugin import Store
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of


class CrashTests(StoreSubject):
    """A process that builds version 1.1.0 beside 1.0.0 is killed at each step it takes."""

    def test_a_kill_at_any_instant_leaves_the_old_version_whole(self, folder: Path) -> None:
        for store, died in self.deaths(folder, lambda store: self.commit(store, "1.0.0", data=b"old"), "commit"):
            self._assert_whole(store, died)

    def _assert_whole(self, store: Store, died: bool) -> None:
        latest = store.latest("spend")
        assert latest in (("1.0.0", "1.1.0") if died else ("1.1.0",))
        assert {"1.0.0", latest} <= set(store.versions("spend")) <= {"1.0.0", "1.1.0"}
        assert store.names() == ["spend"]
        for version in store.versions("spend"):
            data = {"1.0.0": b"old", "1.1.0": b"new"}[version]
            assert self.contents(store.get("spend", version)) == [data]
        self._assert_goes_on(store, latest)

    def _assert_goes_on(self, store: Store, latest: str | None) -> None:
        free = next(v for v in ("1.1.0", "1.2.0") if v not in store.versions("spend"))
        store.commit(self.begin(store, data=b"next"), meta_of(free), latest)
        assert store.latest("spend") == free
        assert self.contents(store.get("spend", free)) == [b"next"]
