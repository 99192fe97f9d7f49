"""Bytes that change behind a store's back, wherever they are: never a wrong value, never a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hurt import projects
from hurt.projects import NAME

import mlforge as mlf
from mlforge.errors import MlforgeError

CASES = {".meta.json": 900, "_latest.json": 300, "manifest.json": 300, "data.parquet": 900}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A store with a version that continues another."""
    folder = tmp_path_factory.mktemp("shop")
    place = projects.begin(folder, mlf.LocalStore(folder / "store", verify="always"))
    defs = projects.definitions(place)
    for how in ({"force": True}, {"force": True}, {"since": "2025-01-02"}):
        (one,) = defs.build(**how)
        assert one.failure is None, one.failure
    return place


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes with a range of them flipped, overwritten, cut out or doubled."""
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.choice([1, 1, 1, 2, 8, 64]))
    return chance.choice(
        [
            data[:start] + bytes(b ^ (1 << chance.randrange(8)) for b in data[start:end]) + data[end:],
            data[:start] + bytes(end - start) + data[end:],
            data[:start] + data[end:],
            data[:start],
            data[:start] + data[start:end] * 2 + data[end:],
        ]
    )


def seen(place):
    """What readers get: the pointer, the metadata, the rows, and each feature at a glance."""
    with place.store.open() as store:
        latest = store.latest(NAME)
        artifacts = [store.get(NAME, version) for version in store.versions(NAME)]
        for artifact in artifacts:
            store.verify(artifact, relied=True)
    glance = mlf.Definitions("reader", store=place.store).manifest().features
    return latest, artifacts, glance


def reading(place, case):
    """What readers get, or are told."""
    try:
        found = seen(place)
        if case % 10 == 0:
            assert projects.rows(place) == projects.ROWS
        return found
    except MlforgeError as error:
        return error


@pytest.mark.parametrize("name", CASES)
def test_damage_is_refused_by_the_files_name_or_changes_nothing(built, name, times, figure):
    root = Path(built.store.path)
    files = sorted(root.rglob(name))
    assert files
    whole, chance, refused, same = seen(built), random.Random(13), 0, 0
    for case in range(times(CASES[name])):
        path = files[case % len(files)]
        data = path.read_bytes()
        bad = damaged(data, chance)
        path.write_bytes(bad)
        try:
            found = reading(built, case)
        finally:
            path.write_bytes(data)
        if isinstance(found, MlforgeError):
            refused += 1
            assert str(path) in found.message, (found, bad)
            assert "mlforge store verify" in (found.hint or ""), (found, bad)
        else:
            same += 1
            assert found == whole, (path, bad)
    figure(f"damage to {name}: {refused} refused, {same} without effect")
    assert seen(built) == whole
