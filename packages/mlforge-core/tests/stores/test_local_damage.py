"""What readers and builders are told when files are damaged, gone or not what they seem."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from mlforge.errors import Invalid, NotFound
from mlforge.model.meta import FeatureMeta, Manifest, ManifestEntry
from mlforge.plugin import layout
from mlforge.testing.stores.manifests import NEW

NOT_METADATA = {
    "empty": b"",
    "cut": b'{"name": "spend", "version": "1.1',
    "text": b"not json",
    "bytes": b'{"name": "\xff"}',
    "list": b"[]",
    "deep": b"[" * 100_000,
    "deep and unknown": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "fields missing": b'{"name": "spend", "version": "1.1.0"}',
    "null": b"null",
}


@pytest.fixture
def two(store, commit):
    commit(store, "1.0.0", b"old")
    commit(store, "1.1.0", b"new")
    return store


def edit(root, change):
    """Metadata as an mlforge would have written it that knew no checksums."""
    path = root / "spend/1.1.0/.meta.json"
    meta = json.loads(path.read_bytes())
    del meta["crc"]
    change(meta)
    path.write_text(json.dumps(meta))


def assert_refused(store, kind, word):
    with pytest.raises(kind, match=word) as refused:
        store.get("spend", "1.1.0")
    assert "mlforge store verify" in refused.value.hint
    assert refused.value.hint.endswith("mlforge rollback spend 1.0.0")
    assert store.get("spend", "1.0.0").meta.version == "1.0.0"


@pytest.mark.parametrize("data", NOT_METADATA.values(), ids=NOT_METADATA)
def test_damaged_metadata_is_named_with_a_way_out(two, root, data):
    path = root / "spend/1.1.0/.meta.json"
    path.write_bytes(data)
    assert_refused(two, Invalid, str(path))
    assert two.versions("spend") == ["1.0.0", "1.1.0"]


@pytest.mark.parametrize("data", NOT_METADATA.values(), ids=NOT_METADATA)
def test_a_damaged_pointer_is_named_with_a_way_out_that_works(two, root, data):
    path = root / "spend/_latest.json"
    path.write_bytes(data if data != NOT_METADATA["fields missing"] else b"{}")
    with pytest.raises(Invalid, match=str(path)) as refused:
        two.latest("spend")
    assert "mlforge store verify" in refused.value.hint
    assert refused.value.hint.endswith("mlforge rollback spend 1.1.0")
    two.point("spend", "1.1.0")
    assert two.latest("spend") == "1.1.0"


@pytest.mark.parametrize("version", ["", "../../etc", "latest", "1.0"])
def test_a_pointer_to_no_version_number_is_damaged(two, root, version):
    (root / "spend/_latest.json").write_text(json.dumps({"version": version}))
    with pytest.raises(Invalid, match=r"_latest\.json"):
        two.latest("spend")


def test_a_damaged_pointer_stops_a_commit_before_it_changes_anything(two, root, begin, draft):
    target = begin(two)
    (root / "spend/_latest.json").write_text("")
    with pytest.raises(Invalid, match=r"_latest\.json"):
        two.commit(target, msgspec.structs.replace(draft, version="1.2.0"), "1.1.0")
    assert two.versions("spend") == ["1.0.0", "1.1.0"]


def test_the_way_out_passes_over_damaged_versions(two, root, commit):
    commit(two, "1.2.0")
    (root / "spend/1.1.0/.meta.json").write_text("{")
    (root / "spend/1.2.0/data.parquet").unlink()
    (root / "spend/_latest.json").write_text("")
    with pytest.raises(Invalid) as refused:
        two.latest("spend")
    assert refused.value.hint.endswith("mlforge rollback spend 1.0.0")


def test_where_no_version_is_whole_the_hint_says_so(store, root, commit):
    commit(store)
    (root / "spend/1.0.0/.meta.json").write_text("{")
    with pytest.raises(Invalid) as refused:
        store.get("spend", "1.0.0")
    assert "rollback" not in refused.value.hint
    assert "mlforge store verify" in refused.value.hint
    assert "build" in refused.value.hint


def test_a_version_whose_metadata_is_gone_is_none(two, root):
    (root / "spend/1.1.0/.meta.json").unlink()
    assert two.versions("spend") == ["1.0.0"]
    assert two.latest("spend") == "1.1.0"
    with pytest.raises(NotFound, match=r"1\.1\.0") as missing:
        two.get("spend", "1.1.0")
    assert "1.0.0" in missing.value.hint


def test_a_version_without_metadata_does_not_stop_the_next_commit(two, root, commit, data_of):
    (root / "spend/1.2.0").mkdir()
    (root / "spend/1.2.0/data.parquet").write_bytes(b"half a version")
    commit(two, "1.2.0", b"whole")
    assert data_of(two, "1.2.0") == b"whole"
    assert {p.name for p in (root / "spend").iterdir()} == {"1.0.0", "1.1.0", "1.2.0", "_latest.json", ".lock"}


def test_data_that_is_gone_is_not_found(two, root):
    path = root / "spend/1.1.0/data.parquet"
    path.unlink()
    assert_refused(two, NotFound, str(path))


@pytest.mark.parametrize("data", [b"", b"ne", b"newer"])
def test_data_of_another_size_is_damaged(two, root, data):
    path = root / "spend/1.1.0/data.parquet"
    path.write_bytes(data)
    assert_refused(two, Invalid, str(path))


@pytest.mark.parametrize(("field", "value"), [("name", "other"), ("version", "1.0.0")])
def test_metadata_that_tells_of_another_version_is_damaged(two, root, field, value):
    edit(root, lambda meta: meta.update({field: value}))
    assert_refused(two, Invalid, "tells of")


def test_metadata_that_names_no_data_is_damaged(two, root):
    edit(root, lambda meta: meta.pop("parts"))
    assert_refused(two, Invalid, "no data")


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../secret", "1.1.0/../../secret", "", "1.1.0//x", "..\\secret", "C:x"]
)
def test_metadata_never_leads_out_of_the_features_folder(two, root, path):
    (root / "secret").write_bytes(b"new")
    edit(root, lambda meta: meta["parts"][0].update(path=path))
    assert_refused(two, Invalid, "no file of the feature")


def test_a_part_of_an_older_version_may_be_shared(two, root, data_of):
    edit(root, lambda meta: meta["parts"][0].update(path="1.0.0/data.parquet"))
    assert data_of(two, "1.1.0") == b"old"


def test_a_field_of_a_later_mlforge_is_passed_over(two, root):
    path = root / "spend/1.1.0/.meta.json"
    later = msgspec.defstruct("Later", [("invented_later", dict)], bases=(FeatureMeta,), kw_only=True)
    path.write_bytes(
        layout.encode(later(invented_later={"x": 1}, **msgspec.structs.asdict(two.get("spend", "1.1.0").meta)))
    )
    assert two.get("spend", "1.1.0").meta.version == "1.1.0"


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_metadata_and_pointers_without_a_checksum_are_those_of_an_earlier_mlforge(two, root, ends):
    edit(root, lambda meta: meta.update(description="as it was"))
    (root / "spend/_latest.json").write_bytes(b"{" + ends + b'  "version": "1.0.0"' + ends + b"}")
    assert two.get("spend", "1.1.0").meta.description == "as it was"
    assert two.latest("spend") == "1.0.0"


@pytest.mark.parametrize("name", ["1.1.0/.meta.json", "_latest.json"])
def test_no_flipped_byte_of_metadata_or_a_pointer_is_read(two, root, name):
    path = root / "spend" / name
    data = path.read_bytes()
    read = two.latest if name == "_latest.json" else lambda feature: two.get(feature, "1.1.0")
    for place in (*range(0, len(data), 11), *range(len(data) - 30, len(data))):
        path.write_bytes(flipped(data, place))
        with pytest.raises(Invalid, match=re.escape(str(path))) as refused:
            read("spend")
        assert "rollback" in refused.value.hint
    path.write_bytes(data)
    read("spend")


def test_no_flipped_byte_of_a_manifest_is_believed(two, root):
    entry = ManifestEntry("1.1.0", ("1.0.0", "1.1.0"), 3, "2025-01-15T10:00:00Z", ("user_id",), (), "hash")
    two.write_manifest(Manifest("2025-01-15T10:00:00Z", {"spend": entry}))
    path = root / "_metadata/manifest.json"
    data = path.read_bytes()
    assert two.read_manifest() is not None
    for place in range(len(data)):
        path.write_bytes(flipped(data, place))
        assert two.read_manifest() is None  # it is derived anew


def flipped(data, place):
    """Some bytes with one bit of one of them flipped, another bit from byte to byte."""
    return data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


@pytest.mark.parametrize("named", ["pointer", "manifest", "damaged pointer"])
def test_data_of_a_version_whose_metadata_went_is_no_leftover(two, root, named):
    path = root / "spend/1.1.0/.meta.json"
    if named == "manifest":
        two.write_manifest(NEW)
        two.point("spend", "1.0.0")
    held = path.read_bytes()
    path.unlink()
    if named == "damaged pointer":
        (root / "spend/_latest.json").write_text("{")
    assert two.collect(-3600.0, dry_run=False) == []
    path.write_bytes(held)
    assert Path(two.get("spend", "1.1.0").uris[0]).read_bytes() == b"new"


def test_data_of_a_version_that_nothing_names_is_a_leftover(two, root):
    two.point("spend", "1.0.0")
    (root / "spend/1.1.0/.meta.json").unlink()
    assert len(two.collect(-3600.0, dry_run=False)) == 1
    assert not (root / "spend/1.1.0").exists()


@pytest.mark.parametrize("name", ["1.1.0/.meta.json", "_latest.json"])
def test_what_a_later_mlforge_wrote_asks_for_that_one_and_not_for_another_version(two, root, name):
    path = root / "spend" / name
    path.write_bytes(path.read_bytes().replace(b"{", b'{\n  "layout": 9,', 1))
    with pytest.raises(Invalid, match="has the layout 9, which is not known here") as refused:
        two.get("spend", "1.1.0") if name.startswith("1") else two.latest("spend")
    assert (str(path) in refused.value.message, refused.value.hint) == (True, layout.UPGRADE)
