"""Builders that die: at every operation on the disk, or at any time while others build."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from mlforge.model.meta import Manifest
from mlforge.stores.local import disk
from mlforge.stores.local.plugin import LocalStore
from mlforge.stores.local.staging import fresh

pytestmark = pytest.mark.posix
SCRIPTS = Path(__file__).parent / "scripts"
DAY = 24 * 3600


def no_feature(store, commit):
    """A store where the feature has no folder."""
    store.root.mkdir()


def nothing_yet(store, commit):
    """The first version of a feature."""
    store.abort(store.begin("spend", "parquet"))


def one_version(store, commit):
    """A version after another."""
    commit(store, "1.0.0", b"old data")


def a_leftover_in_the_way(store, commit):
    """A version where a folder of its name lies about, without metadata."""
    commit(store, "1.0.0", b"old data")
    (store.root / "spend/1.1.0").mkdir()
    (store.root / "spend/1.1.0/data.parquet").write_bytes(b"half a version")


def dead_builders(store, commit):
    """A version while there are leftovers to collect."""
    commit(store, "1.0.0", b"old data")
    folder = fresh(store.root / "spend")
    folder.mkdir()
    (folder / "data.parquet").write_bytes(b"half a version")
    fresh(store.root / "spend").write_text("a pointer that was never flipped")


SCENES = [no_feature, nothing_yet, one_version, a_leftover_in_the_way, dead_builders]


@pytest.fixture
def killed(store, commit, draft, tmp_path):
    """The stores that builders left who died one operation later each; the last one lived."""

    def killed(scene, first=1):
        scene(store, commit)
        left, meta = tmp_path / "left", tmp_path / "meta.json"
        left.mkdir()
        meta.write_bytes(msgspec.json.encode(msgspec.structs.replace(draft, version="1.1.0")))
        script = [sys.executable, SCRIPTS / "dying.py", store.root, left, meta, str(first)]
        subprocess.run(script, check=True, timeout=120)
        return sorted((p for p in left.iterdir() if p.is_dir()), key=lambda p: int(p.name))

    return killed


def next_number(store):
    return "1.1.1" if "1.1.0" in store.versions("spend") else "1.1.0"


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
def test_a_builder_killed_at_any_step_leaves_whole_versions_and_the_next_build_succeeds(scene, killed, commit, data_of):
    stores = killed(scene)
    before = [] if scene in (no_feature, nothing_yet) else ["1.0.0"]
    old = before[-1] if before else None
    seen = set()
    assert len(stores) > 20
    for root in stores:
        with LocalStore(root).open() as store:
            seen.add((*store.versions("spend"), store.latest("spend")))
            assert store.names() == (["spend"] if store.versions("spend") else [])
            assert store.latest("spend") in (old, "1.1.0")
            assert store.versions("spend") in (before, [*before, "1.1.0"])
            wanted = {v: b"old data" if v == "1.0.0" else b"new data" for v in store.versions("spend")}
            assert {v: data_of(store, v) for v in wanted} == wanted
            version = commit(store, next_number(store), b"next data").version
            assert (store.latest("spend"), data_of(store, version)) == (version, b"next data")
            left = {p.name for p in (root / "spend").iterdir()} - {"_latest.json", ".lock"}
            assert left == set(store.versions("spend")) == {*wanted, version}
    assert seen == {(*before, old), (*before, "1.1.0", old), (*before, "1.1.0", "1.1.0")}


@pytest.mark.parametrize(("scene", "folders"), [(one_version, 0), (no_feature, 1)], ids=["version", "feature"])
def test_everything_is_on_the_disk_before_the_name_that_shows_it(killed, scene, folders):
    operations = (killed(scene, first=1000)[0].parent / "operations").read_text().split()
    order = [o for o in operations if o in ("fsync", "replace")]
    data_metadata_folder_and_pointer = ["fsync"] * 4
    assert order == [*["fsync"] * folders, *data_metadata_folder_and_pointer, "replace", "fsync", "replace", "fsync"]


@pytest.fixture
def builder(root):
    """Another process that has begun a version and is still writing it."""
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "building.py", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        process.token = process.stdout.readline().strip()
        yield process
        process.kill()


def test_a_living_builder_keeps_what_it_writes_and_a_dead_one_does_not(builder, store, root, commit, staged):
    folder = root / "spend" / builder.token
    os.utime(folder, (0, 0))
    os.utime(folder / "data.parquet", (0, 0))
    commit(store, "1.0.0")
    assert staged() == [builder.token]
    builder.kill()
    builder.wait()
    commit(store, "1.1.0")
    assert staged() == []


def test_two_stores_of_one_process_leave_each_other_alone(store, root, begin, draft, data_of):
    mine = begin(store, b"mine")
    with LocalStore(root).open() as other:
        other.abort(begin(other))
    store.commit(mine, draft, None)
    assert data_of(store, "1.0.0") == b"mine"


def test_a_store_that_was_dropped_is_a_dead_builder(root, begin, staged, store):
    begin(LocalStore(root).open())
    store.abort(begin(store))
    assert staged() == []


@pytest.mark.parametrize(("age", "stays"), [(DAY - 3600, True), (DAY + 3600, False)])
def test_a_builder_on_another_machine_has_a_day(store, root, begin, staged, age, stays):
    store.abort(begin(store))
    folder = root / "spend/.staging-00000000-0123456789abcdef"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/part").write_bytes(b"half")
    then = time.time() - age
    for path in (folder, folder / "deep"):
        os.utime(path, (0, 0))
    os.utime(folder / "deep/part", (then, then))
    store.abort(begin(store))
    assert staged() == ([folder.name] if stays else [])


def test_what_a_dead_writer_of_the_manifest_left_is_collected(store, root):
    store.write_manifest(Manifest("earlier", {}))
    fresh(root / "_metadata").write_text("half a manif")
    store.write_manifest(Manifest("later", {}))
    assert {p.name for p in (root / "_metadata").iterdir()} == {"manifest.json", ".lock"}


def test_a_child_that_was_forked_during_a_commit_does_not_keep_the_lock(tmp_path):
    script = [sys.executable, SCRIPTS / "forking.py", tmp_path / ".lock"]
    assert subprocess.run(script, check=True, stdout=subprocess.PIPE, timeout=60).stdout == b"free\n"


def test_a_file_that_cannot_be_synced_by_nature_is_no_error():
    with Path("/dev/null").open() as file, pytest.raises(OSError, match="Invalid argument"):
        os.fsync(file.fileno())
    disk.sync(Path("/dev/null"))


def test_a_leftover_that_cannot_be_removed_stops_nobody(store, root, commit, tmp_path):
    commit(store)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    link = root / "spend/.staging-00000000-0123456789abcdef"
    link.symlink_to(elsewhere)
    for path in (elsewhere, elsewhere / "precious"):
        os.utime(path, (0, 0))
    commit(store, "1.1.0")
    assert (elsewhere / "precious").read_text() == "kept"
