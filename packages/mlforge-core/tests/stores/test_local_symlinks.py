"""A store ends at its folder: no symbolic link leads what lists, reads, writes or removes out of it."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.meta import Manifest
from mlforge.stores.local.plugin import LocalStore

pytestmark = pytest.mark.posix


@pytest.fixture
def outside(tmp_path):
    """A folder beside the store, like a feature's, that nobody may touch."""
    with LocalStore(tmp_path / "other").open() as other:
        yield other.root


@pytest.fixture
def untouched(outside, commit):
    """Fails where anything outside is other than it was."""
    with LocalStore(outside).open() as other:
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            commit(other, version, version.encode())
    (outside / "spend/1.0.0/.staging-0badf00d-0badf00d").mkdir()
    before = snapshot(outside)
    yield outside
    assert snapshot(outside) == before


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_a_feature_that_is_a_link_is_not_listed_and_refused_by_name(store, root, commit, untouched):
    commit(store, name="plan")
    (root / "spend").symlink_to(untouched / "spend")
    assert store.names() == ["plan"]
    calls = (
        lambda: store.versions("spend"),
        lambda: store.latest("spend"),
        lambda: store.get("spend", "1.0.0"),
        lambda: store.point("spend", "1.0.0"),
        lambda: store.begin("spend", "parquet"),
        lambda: store.prune("spend", 1),
    )
    for call in calls:
        with pytest.raises(Invalid, match="symbolic link") as refused:
            call()
        assert str(root / "spend") in refused.value.message
        assert refused.value.hint


def test_a_version_that_is_a_link_is_none_and_pruning_leaves_what_it_names(store, root, commit, untouched):
    for version in ("1.1.0", "1.2.0"):
        commit(store, version)
    (root / "spend/1.0.0").symlink_to(untouched / "spend/1.0.0")
    assert store.versions("spend") == ["1.1.0", "1.2.0"]
    with pytest.raises(MlforgeError, match=r"1\.0\.0"):
        store.get("spend", "1.0.0")
    assert store.prune("spend", 1).versions == ("1.1.0",)


def test_a_version_may_be_built_where_a_link_was(store, root, commit, data_of, untouched):
    commit(store, "1.1.0")
    (root / "spend/1.0.0").symlink_to(untouched / "spend/1.0.0")
    commit(store, "1.0.0", b"mine")
    assert data_of(store, "1.0.0") == b"mine"
    assert not (root / "spend/1.0.0").is_symlink()


@pytest.mark.parametrize("linked", ["data.parquet", ".meta.json"])
def test_a_file_of_a_version_that_is_a_link_is_damage(store, root, commit, untouched, linked):
    commit(store, "1.0.0", b"1.0.0")
    commit(store, "1.1.0", b"1.1.0")
    link(root / "spend/1.1.0" / linked, untouched / "spend/1.1.0" / linked)
    with pytest.raises(Invalid, match="symbolic link") as refused:
        store.get("spend", "1.1.0")
    assert refused.value.hint.endswith("mlforge rollback spend 1.0.0")
    store.point("spend", "1.0.0")
    commit(store, "1.2.0")
    commit(store, "1.3.0")
    store.prune("spend", 1)


def link(path, to):
    path.unlink()
    path.symlink_to(to)


def test_a_folder_of_parts_that_is_a_link_is_damage_and_pruned_as_a_link(store, root, commit, untouched):
    commit(store, "1.0.0", b"1.0.0")
    commit(store, "1.1.0")
    (root / "spend/1.0.0/inner").symlink_to(untouched / "spend/1.0.0")
    meta = json.loads((root / "spend/1.0.0/.meta.json").read_text())
    del meta["crc"]
    meta["parts"][0]["path"] = "1.0.0/inner/data.parquet"
    (root / "spend/1.0.0/.meta.json").write_text(json.dumps(meta))
    with pytest.raises(Invalid, match="symbolic link"):
        store.get("spend", "1.0.0")
    assert store.prune("spend", 1).versions == ("1.0.0",)
    assert not (root / "spend/1.0.0").exists()


@pytest.mark.parametrize("path", ["../../other/spend/1.0.0/data.parquet", "1.0.0/../../plan/x", "/etc/passwd"])
def test_a_part_that_leads_out_is_damage_to_pruning_too(store, root, commit, untouched, path):
    commit(store, "1.0.0")
    commit(store, "1.1.0")
    meta = json.loads((root / "spend/1.1.0/.meta.json").read_text())
    del meta["crc"]
    meta["parts"][0]["path"] = path
    (root / "spend/1.1.0/.meta.json").write_text(json.dumps(meta))
    with pytest.raises(Invalid, match="damaged"):
        store.prune("spend", 1)
    assert store.versions("spend") == ["1.0.0", "1.1.0"]


def test_a_leftover_that_is_a_link_goes_and_what_it_names_stays(store, root, commit, begin, untouched):
    commit(store)
    leftover = root / "spend/.staging-0badf00d-0badf00d"
    leftover.symlink_to(untouched / "spend")
    inner = root / "spend/.staging-0badf00d-0badf00e"
    inner.mkdir()
    (inner / "link").symlink_to(untouched / "spend")
    begin(store)
    shutil.rmtree(inner, ignore_errors=True)


def test_what_was_staged_is_not_followed_out(store, begin, draft, untouched):
    target = begin(store)
    staged = store.root / "spend" / target.token
    shutil.rmtree(staged)
    staged.symlink_to(untouched / "spend/1.0.0")
    with pytest.raises(MlforgeError, match="spend"):
        store.commit(target, draft, None)
    store.abort(target)


def test_a_link_among_what_an_engine_wrote_is_refused(store, begin, draft, untouched):
    target = begin(store)
    (store.root / "spend" / target.token / "more.parquet").symlink_to(untouched / "spend/1.0.0/data.parquet")
    with pytest.raises(Invalid, match="symbolic link"):
        store.commit(target, draft, None)
    assert store.versions("spend") == []


@pytest.mark.parametrize("linked", ["_latest.json", ".lock"])
def test_no_file_of_the_store_is_written_through_a_link(store, root, commit, begin, draft, untouched, linked):
    commit(store, "1.0.0")
    link(root / "spend" / linked, untouched / "spend" / linked)
    with pytest.raises((Invalid, PluginFailed), match=r"_latest\.json|\.lock"):
        store.commit(begin(store), msgspec.structs.replace(draft, version="1.1.0"), "1.0.0")
    with pytest.raises((Invalid, PluginFailed), match=r"_latest\.json|\.lock"):
        store.prune("spend", 1)


def test_a_manifest_behind_a_link_is_neither_read_nor_written(store, root, commit, untouched):
    commit(store)
    (untouched / "_metadata").mkdir()
    (untouched / "_metadata/manifest.json").write_text('{"generated_at": "now", "features": {}}')
    before = snapshot(untouched)
    (root / "_metadata").symlink_to(untouched / "_metadata")
    with pytest.raises(Invalid, match="symbolic link"):
        store.write_manifest(Manifest("then", {}))
    assert store.read_manifest() is None
    assert snapshot(untouched) == before
    shutil.rmtree(untouched / "_metadata")


def test_a_store_that_is_a_link_itself_is_a_store(tmp_path, commit, data_of):
    (tmp_path / "disk").mkdir()
    (tmp_path / "feature_store").symlink_to(tmp_path / "disk")
    with LocalStore(tmp_path / "feature_store").open() as store:
        for version in ("1.0.0", "1.1.0"):
            commit(store, version, version.encode())
        assert store.names() == ["spend"]
        assert store.prune("spend", 1).versions == ("1.0.0",)
        assert data_of(store, "1.1.0") == b"1.1.0"
    assert (tmp_path / "disk/spend/1.1.0/data.parquet").exists()
