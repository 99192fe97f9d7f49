"""Copying a store to another."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from mlforge.errors import Conflict, Unsupported
from mlforge.flow.progress import quiet
from mlforge.flow.versions.copy import copy_store
from mlforge.flow.versions.verify import verify_store
from mlforge.stores.local.plugin import LocalStore
from mlforge.testing.memory import MemoryStore
from mlforge.testing.versions import meta_of, write_file

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def commit(store, version, parts=(), name="spend", **changes):
    target = store.begin(name, "parquet")
    write_file(target.uri, version.encode())
    return store.commit(target, meta_of(version, name, parts=parts, **changes), store.latest(name))


@pytest.fixture
def source(tmp_path):
    with LocalStore(tmp_path / "from").open() as live:
        first = commit(live, "1.0.0")
        commit(live, "1.0.1", first.parts)
        commit(live, "1.9.0")
        commit(live, "1.10.0")
        commit(live, "1.0.0", name="plan")
        live.point("spend", "1.9.0")
        yield live


@pytest.fixture
def target(tmp_path):
    with LocalStore(tmp_path / "to").open() as live:
        yield live


def files(store):
    """What a store keeps, without locks and the manifest."""
    paths = [p for p in store.root.rglob("*") if p.is_file() and p.name not in {".lock", "manifest.json"}]
    return {p.relative_to(store.root).as_posix(): p.read_bytes() for p in paths}


def copied(source, target):
    report = copy_store(source, target, NOW, quiet)
    return report.copied, report.there, len(report.failed)


def test_a_copy_is_equal_byte_by_byte_and_the_second_time_nothing_is_copied(source, target):
    assert copied(source, target) == (5, 0, 0)
    assert files(target) == files(source)
    assert target.latest("spend") == "1.9.0"
    assert copied(source, target) == (0, 5, 0)
    assert verify_store(target, False, NOW, quiet).ok


@pytest.mark.parametrize("keep", [1, 9])
def test_a_version_that_is_built_meanwhile_is_copied_too(source, target, keep):
    left = ["1.10.1", "1.10.2"]

    def built(progress):
        if progress.feature == "spend" and left:
            commit(source, left.pop(0))
            source.prune("spend", keep)

    assert copy_store(source, target, NOW, built).ok
    assert target.latest("spend") == source.latest("spend") == "1.10.2"
    assert {*source.versions("spend")} <= {*target.versions("spend")}
    assert verify_store(target, False, NOW, quiet).ok


def test_a_copy_that_was_cut_off_goes_on(source, target, monkeypatch):
    pieces, real = [], os.replace

    def dies(self, path):
        pieces.append(path)
        if len(pieces) in (2, 5, 9):
            raise KeyboardInterrupt
        return real(self, path)

    monkeypatch.setattr("pathlib.Path.replace", dies)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            copied(source, target)
    copied(source, target)
    assert files(target) == files(source)
    assert target.collect(0.0, dry_run=False) == []


def test_what_differs_is_refused_before_anything_is_copied(source, target):
    commit(target, "1.9.0", owner="eve")
    before = files(target)
    with pytest.raises(Conflict, match=r"1\.9\.0"):
        copied(source, target)
    assert files(target) == before


def test_what_was_built_further_there_is_not_taken_from_its_readers(source, target):
    copied(source, target)
    target.point("spend", "1.10.0")
    commit(target, "2.0.0")
    with pytest.raises(Conflict, match=r"2\.0\.0"):
        copied(source, target)
    assert target.latest("spend") == "2.0.0"


def test_a_damaged_version_is_left_out_and_told(source, target):
    (source.root / "spend" / "1.9.0" / "data.parquet").write_bytes(b"9.9.1")
    assert copied(source, target) == (4, 0, 1)
    assert target.versions("spend") == ["1.0.0", "1.0.1", "1.10.0"]
    assert verify_store(target, True, NOW, quiet).ok


def test_a_store_that_takes_no_copies_says_so(source):
    with MemoryStore().open() as live, pytest.raises(Unsupported, match="takes no copies"):
        copied(source, live)
