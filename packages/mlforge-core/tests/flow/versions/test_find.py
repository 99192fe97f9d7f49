"""Finding the version that readers get, while others build and prune."""

from __future__ import annotations

import pytest

from mlforge.errors import NotFound
from mlforge.flow.versions.find import artifact, newest
from mlforge.stores.local.plugin import LocalStore
from mlforge.stores.local.store import LiveLocalStore
from mlforge.testing.versions import meta_of, write_file


def commit(store, version):
    target = store.begin("spend", "parquet")
    write_file(target.uri, version.encode())
    store.commit(target, meta_of(version, "spend"), store.latest("spend"))


class Replaced(LiveLocalStore):
    """Somebody builds another version and removes the others as soon as somebody looked where the pointer leads."""

    coming = ("1.0.1", "1.0.2")

    def latest(self, name):
        found = super().latest(name)
        if found and self.coming:
            version, *self.coming = self.coming
            with LocalStore(self.root).open() as another:
                commit(another, version)
                another.prune(name, 1)
        return found


@pytest.mark.parametrize("find", [artifact, newest])
def test_a_version_that_went_meanwhile_is_not_missed(tmp_path, find):
    with LocalStore(tmp_path / "kept").open() as store:
        commit(store, "1.0.0")
    with Replaced(LocalStore(tmp_path / "kept")) as store:
        assert find(store, "spend").meta.version == "1.0.2"


def test_a_version_that_is_gone_for_good_is_told(tmp_path):
    with LocalStore(tmp_path / "kept").open() as store:
        commit(store, "1.0.0")
        commit(store, "1.0.1")
        (tmp_path / "kept/spend/1.0.1/.meta.json").unlink()
        with pytest.raises(NotFound, match=r"names 1\.0\.1, which is not there") as caught:
            artifact(store, "spend")
    assert "mlforge rollback spend 1.0.0" in caught.value.hint


class First(LiveLocalStore):
    """Somebody builds the first version as soon as somebody saw that there is none."""

    def versions(self, name):
        if not super().versions(name):
            with LocalStore(self.root).open() as another:
                commit(another, "1.0.0")
        return super().versions(name)


def test_a_first_version_that_came_meanwhile_is_found(tmp_path):
    with First(LocalStore(tmp_path / "kept")) as store:
        assert artifact(store, "spend").meta.version == "1.0.0"
