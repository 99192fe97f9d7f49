"""A whole store held against what it recorded."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import msgspec
import pytest

from mlforge.errors import Conflict
from mlforge.flow.progress import quiet
from mlforge.flow.versions.manifest import derive_manifest, refresh_manifest
from mlforge.flow.versions.verify import verify_store
from mlforge.plugin.intact import verify_files
from mlforge.stores.local.plugin import LocalStore
from mlforge.testing.memory import MemoryStore
from mlforge.testing.versions import meta_of, write_file

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def commit(store, version, parts=(), name="spend"):
    target = store.begin(name, "parquet")
    write_file(target.uri, version.encode())
    return store.commit(target, meta_of(version, name, parts=parts), store.latest(name))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def store(root):
    """Three versions, of which the second continues the first; the manifest fits. It says to look at no hash."""
    with LocalStore(root, verify="never").open() as live:
        first = commit(live, "1.0.0")
        commit(live, "1.0.1", first.parts)
        commit(live, "1.1.0")
        refresh_manifest(live, NOW)
        yield live


def wrong(store, repair=False):
    return [(f.version, f.repair is not None, f.repaired) for f in verify_store(store, repair, NOW, quiet).findings]


def test_nothing_is_wrong_and_a_file_of_two_versions_is_read_once(store):
    report = verify_store(store, False, NOW, quiet)
    assert (report.ok, report.features, report.versions, report.files, report.findings) == (True, 1, 3, 3, ())


@pytest.mark.parametrize(
    "change", [lambda data: data[::-1], lambda data: data + b"x", None], ids=["bits", "size", "gone"]
)
def test_damaged_data_is_told_of_every_version_that_is_read_from_it(store, root, change):
    path = root / "spend" / "1.0.0" / "data.parquet"
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    assert wrong(store) == [("1.0.0", False, False), ("1.0.1", False, False)]
    report = verify_store(store, False, NOW, quiet)
    assert all(str(path) in f.wrong for f in report.findings)


def test_damaged_metadata_of_the_latest_is_pointed_away_from_and_nothing_else_is_touched(store, root):
    path = root / "spend" / "1.1.0" / ".meta.json"
    path.write_bytes(path.read_bytes()[:50])
    data = path.read_bytes()
    assert wrong(store) == [("1.1.0", False, False), (None, True, False), (None, True, False)]
    assert store.latest("spend") == "1.1.0"
    assert wrong(store, repair=True) == [("1.1.0", False, False), (None, True, True), (None, True, True)]
    assert (store.latest("spend"), path.read_bytes()) == ("1.0.1", data)
    assert wrong(store) == [("1.1.0", False, False)]


@pytest.mark.parametrize("data", [b"{", None, b'{"version": "9.9.9"}'], ids=["damaged", "gone", "elsewhere"])
def test_a_pointer_that_leads_nowhere_is_repaired(store, root, data):
    path = root / "spend" / "_latest.json"
    path.unlink() if data is None else path.write_bytes(data)
    assert (None, True, False) in wrong(store)
    assert not verify_store(store, False, NOW, quiet).ok
    assert verify_store(store, True, NOW, quiet).ok
    assert store.latest("spend") == "1.1.0"
    assert wrong(store) == []


@pytest.mark.parametrize("data", [b"{", None])
def test_a_manifest_that_is_damaged_or_gone_is_derived_anew(store, root, data):
    path = root / "_metadata" / "manifest.json"
    path.unlink() if data is None else path.write_bytes(data)
    assert wrong(store, repair=True) == [(None, True, True)]
    assert wrong(store) == []


def test_a_stale_manifest_names_the_features_it_is_wrong_about(store):
    commit(store, "1.0.0", name="plan")
    (finding,) = verify_store(store, False, NOW, quiet).findings
    assert "plan" in finding.wrong
    assert "spend" not in finding.wrong


def test_where_no_version_is_whole_a_repair_says_that_it_can_do_nothing(store, root):
    for path in (root / "spend").glob("*/data.parquet"):
        path.unlink()
    *of_versions, of_manifest = wrong(store, repair=True)
    assert {(repair, done) for _, repair, done in of_versions} == {(False, False)}
    assert of_manifest == (None, True, True)
    assert store.latest("spend") == "1.1.0"


def meanwhile(monkeypatch, happens):
    """What happens once, as soon as the first file was looked at."""
    left = [happens]

    def verified(one):
        verify_files(one)
        while left:
            left.pop()()

    monkeypatch.setattr("mlforge.flow.versions.verify.verify_files", verified)


@pytest.mark.parametrize("keep", [1, 9])
def test_a_version_that_is_built_meanwhile_is_what_readers_get_still(store, monkeypatch, keep):
    def build():
        commit(store, "1.2.0")
        store.prune("spend", keep)
        refresh_manifest(store, NOW)

    meanwhile(monkeypatch, build)
    assert wrong(store, repair=True) == []
    assert store.latest("spend") == "1.2.0"


def test_a_version_that_is_built_meanwhile_and_damaged_is_pointed_away_from(store, root, monkeypatch):
    def build():
        commit(store, "1.2.0")
        (root / "spend" / "1.2.0" / "data.parquet").unlink()

    meanwhile(monkeypatch, build)
    assert (None, True, True) in wrong(store, repair=True)
    assert store.latest("spend") == "1.1.0"


@pytest.mark.parametrize(("built", "told"), [("1.2.0", []), (None, [(None, True, True)])])
def test_a_pointer_that_somebody_moves_while_it_is_repaired_is_looked_at_again(store, root, monkeypatch, built, told):
    path, point = root / "spend" / "_latest.json", type(store).point
    path.write_bytes(b"{")

    def beaten(live, name, version):
        monkeypatch.undo()
        if built:
            point(live, name, "1.1.0")
            commit(live, built)
            refresh_manifest(live, NOW)
        raise Conflict("Somebody pointed it elsewhere meanwhile.", hint="Look at it.")

    monkeypatch.setattr(type(store), "point", beaten)
    assert wrong(store, repair=True) == told
    assert store.latest("spend") == (built or "1.1.0")


def test_a_pointer_that_can_never_be_moved_is_told_as_such(store, root, monkeypatch):
    (root / "spend" / "_latest.json").write_bytes(b"{")

    def beaten(live, name, version):
        raise Conflict("Somebody pointed it elsewhere meanwhile.", hint="Look at it.")

    monkeypatch.setattr(type(store), "point", beaten)
    with pytest.raises(Conflict, match="elsewhere meanwhile"):
        wrong(store, repair=True)


def test_a_version_that_somebody_removes_while_it_is_pointed_at_is_looked_at_again(store, root, monkeypatch):
    path, point = root / "spend" / "_latest.json", type(store).point
    (root / "spend" / "1.1.0" / "data.parquet").unlink()

    def beaten(live, name, version):
        monkeypatch.undo()
        shutil.rmtree(root / "spend" / version)
        point(live, name, version)

    monkeypatch.setattr(type(store), "point", beaten)
    path.write_bytes(b"{")
    wrong(store, repair=True)
    assert store.latest("spend") == "1.0.0"


def test_a_manifest_that_is_written_while_it_is_looked_at_is_no_lie(store, monkeypatch):
    def derived(store, now):
        monkeypatch.undo()
        commit(store, "1.2.0")
        refresh_manifest(store, NOW)
        return derive_manifest(store, now)

    monkeypatch.setattr("mlforge.flow.versions.verify.derive_manifest", derived)
    assert wrong(store, repair=False) == []


def test_a_store_whose_addresses_nobody_can_read_says_so():
    with MemoryStore().open() as live:
        commit(live, "1.0.0")
        kept = live.artifacts["spend"]["1.0.0"]
        live.artifacts["spend"]["1.0.0"] = msgspec.structs.replace(kept, uris=("ftp://there/data",))
        found = verify_store(live, False, NOW, quiet).findings
    assert ["cannot be verified" in f.wrong for f in found if f.version] == [True]
