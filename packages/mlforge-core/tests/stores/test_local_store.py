"""Versions in a folder, when nothing goes wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from mlforge.errors import Conflict, Invalid, NotFound, Unsupported
from mlforge.model.meta import Manifest
from mlforge.stores.local import disk
from mlforge.stores.local.plugin import LocalStore

MANIFEST = Manifest("2025-01-15T10:00:00Z", {})


def test_a_store_that_is_not_there_reads_as_empty_and_stays_so(store, root):
    assert (store.names(), store.versions("spend"), store.latest("spend")) == ([], [], None)
    assert store.read_manifest() is None
    with pytest.raises(NotFound):
        store.get("spend", "1.0.0")
    with pytest.raises(NotFound):
        store.point("spend", "1.0.0")
    assert not root.exists()


def test_the_folders_are_those_people_know(store, root, commit):
    commit(store)
    store.write_manifest(MANIFEST)
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name != ".lock"}
    assert there == {
        "spend/1.0.0/data.parquet",
        "spend/1.0.0/.meta.json",
        "spend/_latest.json",
        "_metadata/manifest.json",
    }


def test_the_pointer_is_the_json_of_the_roadmap(store, root, commit):
    commit(store, "1.1.0")
    assert json.loads((root / "spend/_latest.json").read_text())["version"] == "1.1.0"


def test_metadata_is_json_that_people_can_read(store, root, commit):
    commit(store)
    text = (root / "spend/1.0.0/.meta.json").read_text()
    assert json.loads(text)["entity_keys"] == ["user_id"]
    assert text.startswith('{\n  "name": "spend",\n  "version": "1.0.0",\n')
    assert text.endswith("}\n")


def test_a_commit_records_where_the_data_is_and_its_hash(store, commit):
    meta = commit(store, data=b"rows")
    digest = hashlib.sha256(b"rows").hexdigest()
    (part,) = meta.parts
    assert (part.path, part.rows, part.bytes, part.hash) == ("1.0.0/data.parquet", 3, 4, digest)
    assert meta.content_hash == digest


def test_what_is_got_is_what_was_committed(store, commit, draft, data_of):
    meta = commit(store, data=b"rows")
    found = store.get("spend", "1.0.0")
    assert found.meta == meta
    assert data_of(store, "1.0.0") == b"rows"
    assert msgspec.structs.replace(meta, parts=(), content_hash="") == draft


def test_a_folder_of_files_is_a_part_a_file(store, draft):
    target = store.begin("spend", "parquet")
    folder = Path(target.uri)
    folder.mkdir()
    for name, data in {"part-1": b"bb", "part-0": b"a", "_SUCCESS": b"", ".part-0.crc": b"x"}.items():
        (folder / name).write_bytes(data)
    meta = store.commit(target, draft, None)
    assert [(p.path, p.bytes) for p in meta.parts] == [
        ("1.0.0/data.parquet/part-0", 1),
        ("1.0.0/data.parquet/part-1", 2),
    ]
    assert [Path(u).read_bytes() for u in store.get("spend", "1.0.0").uris] == [b"a", b"bb"]


def test_two_folders_of_other_files_differ_in_their_hash(store, draft):
    hashes = set()
    for i, texts in enumerate([("a", "b"), ("a", "c"), ("b", "a")]):
        target = store.begin("spend", "parquet")
        Path(target.uri).mkdir()
        for name, text in zip("xy", texts, strict=True):
            (Path(target.uri) / name).write_text(text)
        meta = msgspec.structs.replace(draft, version=f"1.0.{i}")
        hashes.add(store.commit(target, meta, store.latest("spend")).content_hash)
    assert len(hashes) == 3


def test_nothing_is_seen_before_the_commit(store, begin):
    begin(store)
    with LocalStore(store.root).open() as reader:
        assert (reader.names(), reader.versions("spend"), reader.latest("spend")) == ([], [], None)


def test_the_address_is_a_plain_path_an_engine_can_write_to(store, root):
    target = store.begin("spend", "parquet")
    path = Path(target.uri)
    assert path.is_absolute()
    assert path.parent.parent == root / "spend"
    assert path.suffix == ".parquet"
    assert not path.exists()


def test_ten_comes_after_nine(store, commit):
    for version in ("1.9.0", "1.10.0", "1.2.0", "2.0.0"):
        commit(store, version)
    assert store.versions("spend") == ["1.2.0", "1.9.0", "1.10.0", "2.0.0"]
    assert store.latest("spend") == "2.0.0"


def test_names_are_sorted_and_only_those_with_a_version(store, root, commit, begin):
    commit(store, name="spend")
    commit(store, name="age")
    begin(store, name="begun")
    store.write_manifest(MANIFEST)
    (root / "notes.txt").write_text("")
    (root / "empty").mkdir()
    assert store.names() == ["age", "spend"]


def test_folders_that_are_no_version_are_passed_over(store, root, commit):
    commit(store)
    for name in ("1.0", "v2.0.0", "01.0.0", "backup", "1.0.0.bak"):
        (root / "spend" / name).mkdir()
        (root / "spend" / name / ".meta.json").write_text("{}")
    (root / "spend/3.0.0").write_text("a file")
    assert store.versions("spend") == ["1.0.0"]


def test_a_version_is_committed_once(store, commit, begin, draft, data_of):
    commit(store, data=b"first")
    target = begin(store, b"second")
    with pytest.raises(Conflict, match=r"1\.0\.0"):
        store.commit(target, draft, "1.0.0")
    assert data_of(store, "1.0.0") == b"first"


def test_a_commit_on_an_old_base_is_refused_and_changes_nothing(store, commit, begin, draft):
    commit(store)
    target = begin(store, b"mine")
    commit(store, "1.1.0")
    with pytest.raises(Conflict) as refused:
        store.commit(target, msgspec.structs.replace(draft, version="1.0.1"), "1.0.0")
    assert refused.value.hint
    assert (store.versions("spend"), store.latest("spend")) == (["1.0.0", "1.1.0"], "1.1.0")


def test_after_a_conflict_the_same_target_is_committed_as_another_version(store, commit, begin, draft, data_of, staged):
    target = begin(store, b"mine")
    commit(store, data=b"theirs")
    with pytest.raises(Conflict):
        store.commit(target, draft, None)
    meta = store.commit(target, msgspec.structs.replace(draft, version="1.0.1"), "1.0.0")
    assert meta.parts[0].path == "1.0.1/data.parquet"
    assert data_of(store, "1.0.1") == b"mine"
    assert staged() == []


def test_an_older_number_may_be_committed_and_becomes_the_latest(store, commit):
    commit(store, "2.0.0")
    commit(store, "1.0.1")
    assert store.latest("spend") == "1.0.1"


def test_an_abort_leaves_nothing_and_may_come_twice(store, begin, staged):
    target = begin(store)
    store.abort(target)
    store.abort(target)
    assert (staged(), store.names()) == ([], [])


def test_an_abort_after_the_commit_keeps_the_version(store, begin, draft, data_of):
    target = begin(store, b"kept")
    store.commit(target, draft, None)
    store.abort(target)
    assert data_of(store, "1.0.0") == b"kept"


def test_a_target_is_spent_by_its_commit(store, begin, draft):
    target = begin(store)
    store.commit(target, draft, None)
    with pytest.raises(NotFound, match="is gone"):
        store.commit(target, msgspec.structs.replace(draft, version="1.0.1"), "1.0.0")


@pytest.mark.linux
def test_a_long_run_keeps_no_file_open(store, commit, begin):
    commit(store)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for i in range(10):
        commit(store, f"1.0.{i + 1}")
        store.abort(begin(store))
        store.point("spend", "1.0.0")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_commit_without_data_is_refused(store, draft):
    with pytest.raises(NotFound, match="Nothing was written"):
        store.commit(store.begin("spend", "parquet"), draft, None)
    assert store.versions("spend") == []


def test_metadata_of_another_feature_is_refused(store, begin, draft):
    with pytest.raises(Invalid, match="other"):
        store.commit(begin(store), msgspec.structs.replace(draft, name="other"), None)


@pytest.mark.parametrize("version", ["", "1.0", "../1.0.0", "latest"])
def test_a_number_that_is_no_version_is_never_committed(store, begin, draft, version):
    with pytest.raises(Invalid):
        store.commit(begin(store), msgspec.structs.replace(draft, version=version), None)


@pytest.mark.parametrize("token", ["", ".", "..", "1.0.0", "../other/.staging-1-1", ".staging-/../1.0.0"])
def test_a_token_the_store_did_not_make_reaches_no_folder(store, commit, begin, draft, data_of, token):
    commit(store, data=b"kept")
    forged = msgspec.structs.replace(begin(store), token=token)
    with pytest.raises(NotFound):
        store.commit(forged, msgspec.structs.replace(draft, version="1.1.0"), "1.0.0")
    store.abort(forged)
    assert data_of(store, "1.0.0") == b"kept"


def test_another_format_is_refused(store, root):
    with pytest.raises(Unsupported, match="csv"):
        store.begin("spend", "csv")
    assert not root.exists()


def test_the_pointer_can_go_back_and_forth(store, commit):
    commit(store, "1.0.0")
    commit(store, "1.1.0")
    store.point("spend", "1.0.0")
    assert store.latest("spend") == "1.0.0"
    store.point("spend", "1.1.0")
    assert store.latest("spend") == "1.1.0"


@pytest.mark.parametrize("version", ["1.0.1", "", ".", "..", "latest"])
def test_only_a_version_that_is_there_is_got_or_pointed_at(store, commit, version):
    commit(store)
    for call in (store.get, store.point):
        with pytest.raises(NotFound) as missing:
            call("spend", version)
        assert "1.0.0" in missing.value.hint
    assert store.latest("spend") == "1.0.0"


def test_a_version_that_is_pruned_while_its_lock_is_waited_for_is_not_pointed_at(store, commit, monkeypatch):
    commit(store, "1.0.0")
    commit(store, "1.1.0")
    locked = disk.locked

    def late(path):
        monkeypatch.undo()
        store.prune("spend", 1)
        return locked(path)

    monkeypatch.setattr(disk, "locked", late)
    with pytest.raises(NotFound):
        store.point("spend", "1.0.0")
    assert store.latest("spend") == "1.1.0"


def test_the_manifest_is_kept_as_written(store, root):
    store.write_manifest(Manifest("earlier", {}))
    store.write_manifest(MANIFEST)
    assert store.read_manifest() == MANIFEST
    assert [p.name for p in (root / "_metadata").iterdir() if p.name != ".lock"] == ["manifest.json"]


@pytest.mark.parametrize("text", ["", "{", '{"features": []}', "\udcff"])
def test_a_damaged_manifest_is_none(store, root, text):
    store.write_manifest(MANIFEST)
    (root / "_metadata/manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    assert store.read_manifest() is None


def test_leaving_the_store_forgets_what_was_begun(root, begin, staged):
    with LocalStore(root).open() as store:
        begin(store)
        assert len(staged()) == 1
    assert staged() == []
