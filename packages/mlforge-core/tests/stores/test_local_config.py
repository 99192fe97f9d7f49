"""`LocalStore(...)`: what a user writes, and what `mlforge.yaml` decodes into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mlforge.errors import Invalid
from mlforge.plugin import ManifestStore
from mlforge.plugin.registry import Plugin, load_plugin
from mlforge.stores.local import plugin
from mlforge.stores.local.plugin import LocalStore


def test_a_path_object_is_as_good_as_text():
    assert LocalStore(Path("features")) == LocalStore(path="features") == LocalStore("features")
    assert hash(LocalStore(Path("features"))) == hash(LocalStore("features"))


def test_without_a_path_it_is_feature_store():
    assert LocalStore().path == "feature_store"


def test_it_is_decoded_by_its_kind():
    assert msgspec.convert({"KIND": "local", "path": "x"}, LocalStore) == LocalStore("x")


@pytest.mark.parametrize("path", ["", "  ", "a\0b", b"bytes", "s3://bucket/features"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(Invalid) as refused:
        LocalStore(path)
    assert refused.value.hint


@pytest.mark.parametrize("verify", ["always", "relied", "never"])
def test_it_says_when_data_is_held_against_its_hashes(tmp_path, verify):
    kept = LocalStore("x", verify=verify)
    assert kept.verify == kept.at(tmp_path).verify == verify
    assert msgspec.convert({"KIND": "local", "path": "x", "verify": verify}, LocalStore) == kept


def test_by_default_data_is_held_against_its_hashes_where_it_is_relied_on():
    assert LocalStore().verify == "relied"


@pytest.mark.parametrize("verify", ["sometimes", "", None, True])
def test_another_word_for_when_is_refused(verify):
    with pytest.raises(Invalid, match="verify") as refused:
        LocalStore(verify=verify)
    assert "always" in refused.value.hint


def test_a_relative_path_starts_at_the_project(tmp_path):
    assert LocalStore("x").at(tmp_path).path == str(tmp_path / "x")
    assert LocalStore("/else/where").at(tmp_path).path == "/else/where"


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert LocalStore("~/x").at(Path("/project")).path == str(tmp_path / "x")
    assert LocalStore("~/x").open().root == tmp_path / "x"


def test_a_change_of_folder_does_not_move_an_open_store(tmp_path, monkeypatch, commit):
    monkeypatch.chdir(tmp_path)
    with LocalStore("here").open() as store:
        monkeypatch.chdir("/")
        commit(store)
    assert (tmp_path / "here/spend/1.0.0/data.parquet").exists()


def test_the_plugin_announces_the_store():
    (announced,) = load_plugin(plugin, Plugin("local", "mlforge-core", "1")).brings
    assert (announced.name, announced.config, announced.formats) == ("local", LocalStore, ("parquet",))


def test_the_live_store_keeps_the_manifest(store):
    assert isinstance(store, ManifestStore)


def test_the_plugin_is_light():
    code = (
        "import mlforge.stores.local.plugin, sys; print(*({'mlforge.stores.local.store', 'shutil'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
