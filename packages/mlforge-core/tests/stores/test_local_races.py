"""Several builders of one feature, and readers meanwhile."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from mlforge.errors import Conflict
from mlforge.model.meta import Manifest
from mlforge.stores.local.plugin import LocalStore

SCRIPT = Path(__file__).parent / "scripts/committing.py"
BUILDERS = 3
VERSIONS = 25


@pytest.fixture
def builders(root, draft, tmp_path):
    """Processes that commit versions as fast as they can."""
    meta = tmp_path / "meta.json"
    meta.write_bytes(msgspec.json.encode(draft))
    started = [
        subprocess.Popen(
            [sys.executable, SCRIPT, root, meta, str(VERSIONS), f"builder{i}"], stdout=subprocess.PIPE, text=True
        )
        for i in range(BUILDERS)
    ]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def outcome(builders):
    """What each version holds, as told by those who committed it."""
    told = [line.split() for b in builders for line in b.communicate(timeout=120)[0].splitlines()]
    assert [b.returncode for b in builders] == [0] * len(builders)
    return told


def test_of_many_committers_none_loses_anything(builders, store, data_of):
    told = outcome(builders)
    assert len(told) == len(dict(told)) == BUILDERS * VERSIONS
    assert sorted(dict(told)) == sorted(store.versions("spend"))
    assert store.latest("spend") == store.versions("spend")[-1]
    assert {v: data_of(store, v).decode() for v in store.versions("spend")} == {v: text * 1000 for v, text in told}


def test_readers_never_see_half_a_commit(builders, store):
    seen = []
    while any(b.poll() is None for b in builders):
        latest, versions = store.latest("spend"), store.versions("spend")
        assert latest is None or latest in versions
        for version in {latest, *versions[-1:]} - {None}:
            found = store.get("spend", version)
            assert hashlib.sha256(Path(found.uris[0]).read_bytes()).hexdigest() == found.meta.content_hash
        seen.append(latest)
    outcome(builders)
    assert len(set(seen)) > 2
    numbers = [tuple(map(int, v.split("."))) for v in seen if v]
    assert numbers == sorted(numbers)


def test_of_those_who_commit_one_version_at_once_one_wins(root, draft, begin, data_of):
    start = Barrier(8)

    def race(i):
        with LocalStore(root).open() as store:
            target = begin(store, b"%d" % i)
            start.wait()
            try:
                store.commit(target, draft, None)
                return i
            except Conflict:
                return None

    with ThreadPoolExecutor(8) as pool:
        winners = [i for i in pool.map(race, range(8)) if i is not None]
    assert len(winners) == 1
    with LocalStore(root).open() as store:
        assert data_of(store, "1.0.0") == b"%d" % winners[0]


def test_a_pointer_goes_back_while_others_begin(store, root, commit):
    commit(store, "1.0.0")
    commit(store, "1.1.0")

    def begin_and_abort(_):
        with LocalStore(root).open() as other:
            for _ in range(60):
                other.abort(other.begin("spend", "parquet"))

    with ThreadPoolExecutor(3) as pool:
        beginners = [pool.submit(begin_and_abort, i) for i in range(3)]
        while not all(b.done() for b in beginners):
            for version in ("1.0.0", "1.1.0"):
                store.point("spend", version)
                assert store.latest("spend") == version
        for beginner in beginners:
            beginner.result()


def test_manifests_written_at_once_are_each_whole(root):
    start = Barrier(4)

    def write(i):
        with LocalStore(root).open() as store:
            start.wait()
            for _ in range(20):
                store.write_manifest(Manifest(f"{i}" * (i * 1000 + 1), {}))
                assert store.read_manifest() is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert [p.name for p in (root / "_metadata").iterdir() if p.name != ".lock"] == ["manifest.json"]
