"""Names that are no folder's, disks that are full, and folders nobody may write to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec
import pytest
from full import no_file_longer_than
from nobody import as_nobody

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.meta import Manifest
from mlforge.stores.local.plugin import LocalStore

UNSAFE = [
    "", ".", "..", "../x", "a/b", "/a", "a\\b", ".hidden", "_metadata", "a\0b", "a\n", "a ", "a.", "a:b", "a*", "a[0]",
    "x" * 201, "é" * 101, "\udc80",
]  # fmt: skip
MANIFEST = Manifest("now", {})


@pytest.mark.parametrize("name", UNSAFE, ids=range(len(UNSAFE)))
def test_an_unsafe_name_is_refused_everywhere(store, root, name):
    calls = (
        lambda: store.versions(name),
        lambda: store.latest(name),
        lambda: store.begin(name, "parquet"),
        lambda: store.get(name, "1.0.0"),
        lambda: store.point(name, "1.0.0"),
    )
    for call in calls:
        with pytest.raises(Invalid) as refused:
            call()
        assert refused.value.hint
    assert not root.exists()


@pytest.mark.parametrize("name", ["a", "user_spend", "User-Spend.v2", "7days", "x" * 200, "größe"])
def test_a_plain_name_is_fine(store, commit, name):
    commit(store, name=name)
    assert store.names() == [name]


@pytest.fixture
def open_folder():
    """A folder that everybody can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def assert_told(failed, *words):
    assert failed.value.hint
    assert isinstance(failed.value.__cause__, OSError)
    for word in words:
        assert word in str(failed.value)


@pytest.mark.posix
def test_a_full_disk_stops_a_commit_and_loses_nothing(store, commit, begin, draft, data_of):
    commit(store, data=b"old")
    target, meta = begin(store, b"new"), msgspec.structs.replace(draft, version="1.1.0")
    with no_file_longer_than(100), pytest.raises(PluginFailed) as failed:
        store.commit(target, meta, "1.0.0")
    assert_told(failed, "Committing spend 1.1.0", "Make room")
    assert (store.versions("spend"), store.latest("spend"), data_of(store, "1.0.0")) == (["1.0.0"], "1.0.0", b"old")
    store.commit(target, meta, "1.0.0")
    assert (store.latest("spend"), data_of(store, "1.1.0")) == ("1.1.0", b"new")


@pytest.mark.linux
def test_a_device_without_space_is_told_as_such(store, begin, draft):
    target = begin(store)
    link = Path(target.uri).parent / ".meta.json"
    link.symlink_to("/dev/full")
    with pytest.raises(PluginFailed) as failed:
        store.commit(target, draft, None)
    assert_told(failed, "No space left", "Make room")
    assert store.versions("spend") == []


@pytest.mark.posix
def test_a_full_disk_leaves_the_pointer_as_it_was_and_nothing_beside_it(store, commit, root):
    commit(store, "1.0.0")
    commit(store, "1.1.0")
    before = sorted(root.rglob("*"))
    with no_file_longer_than(5), pytest.raises(PluginFailed):
        store.point("spend", "1.0.0")
    assert store.latest("spend") == "1.1.0"
    assert sorted(root.rglob("*")) == before


@pytest.mark.posix
def test_a_full_disk_leaves_the_manifest_as_it_was(store):
    store.write_manifest(MANIFEST)
    with no_file_longer_than(5), pytest.raises(PluginFailed, match="manifest"):
        store.write_manifest(Manifest("later", {}))
    assert store.read_manifest() == MANIFEST


@pytest.mark.posix
def test_a_folder_one_may_not_write_to_can_be_read(open_folder, commit, data_of):
    root = open_folder / "feature_store"
    with LocalStore(root).open() as store:
        commit(store, data=b"old")
        for path in (root, *root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with as_nobody():
            assert (store.names(), store.latest("spend"), data_of(store, "1.0.0")) == (["spend"], "1.0.0", b"old")
            for write in (
                lambda: store.begin("spend", "parquet"),
                lambda: store.begin("new", "parquet"),
                lambda: store.point("spend", "1.0.0"),
                lambda: store.write_manifest(MANIFEST),
            ):
                with pytest.raises(PluginFailed) as failed:
                    write()
                assert_told(failed, str(root), "Permission denied", "Check that you may")
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)


@pytest.mark.posix
def test_a_folder_one_may_not_read_is_not_taken_for_an_empty_one(open_folder, commit, begin, draft):
    root = open_folder / "feature_store"
    with LocalStore(root).open() as store:
        commit(store)
        target = begin(store)
        root.chmod(0o700)
        (root / "spend").chmod(0)
        if os.geteuid() != 0:
            root.chmod(0)
        with as_nobody():
            for read in (
                store.names,
                lambda: store.versions("spend"),
                lambda: store.latest("spend"),
                lambda: store.get("spend", "1.0.0"),
                lambda: store.point("spend", "1.0.0"),
                lambda: store.commit(target, draft, None),
            ):
                with pytest.raises(PluginFailed) as failed:
                    read()
                assert_told(failed, str(root), "Permission denied")
        root.chmod(0o755)
        (root / "spend").chmod(0o755)


def test_a_file_in_place_of_the_folder_is_told(root):
    root.write_text("not a store")
    with LocalStore(root).open() as store:
        for call in (
            store.names,
            lambda: store.versions("spend"),
            lambda: store.latest("spend"),
            lambda: store.begin("spend", "parquet"),
            lambda: store.write_manifest(MANIFEST),
            store.read_manifest,
        ):
            with pytest.raises(PluginFailed) as failed:
                call()
            assert_told(failed, str(root), "in the way")
    assert root.read_text() == "not a store"
