"""Lists of a bucket are made from the manifest and the pointers: no request for each version, and nothing stale."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

import mlforge as mlf
from mlforge.flow.versions.manifest import manifest_is_stale, refresh_manifest
from mlforge.flow.versions.prune import prune
from mlforge.plugin.layout import encode
from mlforge.testing.versions import meta_of, write_file

pytestmark = pytest.mark.linux  # its server has no wheel for others

NAMES = ("clicks", "plan", "spend")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def commit(store, name, version):
    target = store.begin(name, "parquet")
    write_file(target.uri, b"rows")
    store.commit(target, meta_of(version, name, row_count=int(version[-1])), store.latest(name))


def fill(store, versions):
    for name in NAMES:
        for number in range(versions):
            commit(store, name, f"1.0.{number}")
    refresh_manifest(store, NOW)


def defs_of(config):
    def named(name):
        def same(df):
            return df

        same.__name__ = name
        return mlf.feature(source="events.parquet", keys="user")(same)

    return mlf.Definitions("shop", features=[named(name) for name in (*NAMES, "unbuilt")], store=config)


LOOKS = {
    "all versions": lambda defs: defs.all_versions(),
    "versions of one": lambda defs: defs.version_summaries("spend"),
    "one": lambda defs: (defs.latest("spend"), defs.metadata("spend")),
    "the manifest": lambda defs: defs.manifest(),
}


def test_looking_takes_as_many_requests_for_six_versions_as_for_two(store_of, tmp_path, counting, caplog):
    asked = {}
    for versions in (2, 6):
        config = store_of(tmp_path / str(versions))
        with config.open() as store:
            fill(store, versions)
        for what, look in LOOKS.items():
            with counting(config.endpoint_url) as proxy:
                look(defs_of(store_of(tmp_path / str(versions), endpoint_url=proxy.url)))
                asked[versions, what] = proxy.asked
    assert {what: asked[2, what] for what in LOOKS} == {what: asked[6, what] for what in LOOKS}
    assert asked[6, "all versions"] == 2 + len(NAMES)  # the manifest, the folders, and a pointer of each
    assert caplog.text == ""


@pytest.fixture
def filled(store_of, tmp_path):
    config = store_of(tmp_path)
    with config.open() as store:
        fill(store, 2)
        yield store, defs_of(config)


def seen(defs):
    """What lists tell of `spend`, the number of rows of each version being its own."""
    there = defs.all_versions()["spend"]
    summaries = [(one.version, one.row_count) for one in defs.version_summaries("spend")]
    return there.latest, [*there.versions], summaries, defs.manifest().features["spend"].latest


def test_lists_tell_what_is_there_and_nothing_of_what_is_not(filled):
    _, defs = filled
    assert seen(defs) == ("1.0.1", ["1.0.0", "1.0.1"], [("1.0.0", 0), ("1.0.1", 1)], "1.0.1")
    there = defs.all_versions()
    assert list(there) == [*NAMES, "unbuilt"]
    assert (there["unbuilt"].latest, there["unbuilt"].versions) == (None, ())
    with pytest.raises(mlf.errors.NotFound, match="unbuilt"):
        defs.version_summaries("unbuilt")


@pytest.mark.parametrize("behind", ["a commit", "a rollback", "a feature that went", "no manifest", "a cut one"])
def test_a_manifest_that_does_not_fit_is_said_so_and_not_believed(filled, caplog, behind):
    store, defs = filled
    bucket, manifest = store.bucket, "_metadata/manifest.json"
    expected = ("1.0.1", ["1.0.0", "1.0.1"], [("1.0.0", 0), ("1.0.1", 1)], "1.0.1")
    says = ["manifest is stale", "spend"]
    if behind == "a commit":
        commit(store, "spend", "1.0.2")
        expected = ("1.0.2", [*expected[1], "1.0.2"], [*expected[2], ("1.0.2", 2)], "1.0.2")
    elif behind == "a rollback":
        store.point("spend", "1.0.0")
        expected = ("1.0.0", *expected[1:3], "1.0.0")
    elif behind == "a feature that went":
        bucket.delete([one.key for one in bucket.list("plan")])
        says = ["manifest is stale", "plan"]
    else:
        says = ["no manifest that can be read"]
        bucket.delete([manifest])
        if behind == "a cut one":
            bucket.put(manifest, b'{"generated_at": ')
    assert seen(defs) == expected
    if behind == "a feature that went":
        assert defs.all_versions()["plan"].versions == ()
        assert "plan" not in defs.manifest().features
    assert {text for r in caplog.records for text in says if text in r.getMessage()} == {*says}
    assert all("mlforge manifest --regenerate" in r.getMessage() for r in caplog.records)
    caplog.clear()
    defs.manifest(regenerate=True)
    assert seen(defs) == expected
    assert caplog.text == ""


def test_who_dies_while_versions_go_leaves_no_manifest_that_tells_of_them(filled, caplog, monkeypatch):
    store, defs = filled
    bucket = store.bucket
    whole = bucket.read("_metadata/manifest.json")

    class Killed(BaseException):
        pass

    def dies(*_):
        bucket.delete(["spend/1.0.0/.meta.json"])
        monkeypatch.setattr("mlforge.flow.versions.prune.refresh_manifest", lambda *_: None)
        raise Killed

    monkeypatch.setattr(store, "prune", dies)
    with pytest.raises(Killed):
        prune(store, "spend", 1, NOW)
    assert bucket.read("_metadata/manifest.json") != whole
    assert seen(defs) == ("1.0.1", ["1.0.1"], [("1.0.1", 1)], "1.0.1")
    assert "manifest is stale" in caplog.text


def test_a_manifest_of_an_earlier_mlforge_has_no_history_and_the_metadata_is_read(filled, caplog):
    store, defs = filled
    kept = store.read_manifest()
    bare = {name: msgspec.structs.replace(entry, history=()) for name, entry in kept.features.items()}
    store.write_manifest(msgspec.structs.replace(kept, features=bare))
    assert seen(defs)[2] == [("1.0.0", 0), ("1.0.1", 1)]
    assert defs.verify_store().ok
    assert caplog.text == ""
    commit(store, "spend", "1.0.2")
    refresh_manifest(store, NOW)
    assert seen(defs)[2] == [("1.0.0", 0), ("1.0.1", 1), ("1.0.2", 2)]
    refresh_manifest(store, NOW, anew=True)
    assert [one.version for one in store.read_manifest().features["spend"].history] == ["1.0.0", "1.0.1", "1.0.2"]


def test_a_version_that_no_pointer_named_is_listed_after_the_next_build(filled, caplog):
    store, defs = filled
    assert not manifest_is_stale(store, NAMES)
    meta = store.get("spend", "1.0.1").meta
    store.bucket.put("spend/1.0.2/.meta.json", encode(msgspec.structs.replace(meta, version="1.0.2")))
    assert manifest_is_stale(store, NAMES)
    assert [one.version for one in defs.version_summaries("spend")] == ["1.0.0", "1.0.1", "1.0.2"]
    assert "manifest is stale" in caplog.text
    refresh_manifest(store, NOW)
    assert defs.all_versions()["spend"].versions == ("1.0.0", "1.0.1", "1.0.2")
