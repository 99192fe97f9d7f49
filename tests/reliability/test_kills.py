"""Processes that are killed at random instants, whatever they do."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hurt import forks, jobs, projects
from hurt.projects import NAME, look

from mlforge.plugin.temporary import sweep
from mlforge.stores.local import staging

pytestmark = pytest.mark.linux
SHARES = {"local": 150, "s3": 50}  # a kill costs a tenth here of what it costs there
STEPS = {"build": 12, "increment": 12, "publish": 6, "rollback": 5, "prune": 5, "gc": 4}


def test_whatever_is_killed_leaves_what_was_readable_readable(place, times, temporary, figure):
    kind = place.store.kind
    defs = projects.definitions(place)
    for _ in range(3):
        assert not defs.build(force=True).failed
    chance, deaths, tries = random.Random(7), Counter(), 0
    while deaths.total() < times(SHARES[kind]):
        tries += 1
        assert tries < 4 * times(SHARES[kind]), deaths
        job = list(jobs.JOBS)[tries % len(jobs.JOBS)]
        if job == "gc":
            leave(place)
        before = look(place)
        other = chance.choice([v for v in before.versions if v != before.latest])
        steps = max(1, STEPS[job] // (1 if kind == "local" else 2))
        if not forks.killed(place, job, other, chance.randint(1, steps), chance.expovariate(1 / 0.002)):
            continue
        deaths[job] += 1
        assert_whole(before, look(place), job, other)
        assert_goes_on(place, defs, job)
    sweep(temporary)
    assert [p.name for p in temporary.glob("mlforge-*")] == []
    figure(f"kills on {kind}: {deaths.total()} of {tries} tries ({dict(deaths)}), all versions whole")


def assert_whole(before, after, job, other):
    """What was readable is, equal to the byte, but for what was to go; the latest is one of two."""
    stay = {*list(before.versions)[-2:], before.latest} if job == "prune" else before.versions
    kept = {v: d for v, d in before.versions.items() if v in stay}
    assert {v: after.versions.get(v) for v in kept} == kept, job
    new = [v for v in after.versions if v not in before.versions]
    assert len(new) <= (job in ("build", "increment")), (job, new)
    legal = {before.latest, *new, *([other] if job == "rollback" else [])}
    assert after.latest in legal, (job, before.latest, after.latest)


def assert_goes_on(place, defs, job):
    """The next build succeeds, of the right rows, and nothing is left of the dead."""
    report = defs.build(force=True, online=job == "publish")
    assert not report.failed, (job, report.failed)
    assert projects.rows(place) == projects.ROWS
    defs.prune(NAME, keep=3)
    with place.store.open() as store:
        store.collect(-1e9, dry_run=False)  # as an hour later
        assert store.collect(-1e9, dry_run=True) == []
    assert leftovers(place) == []


def leave(place):
    """What a dead builder would have left."""
    if place.store.kind == "s3":
        with place.store.open() as store:
            store.bucket.put(f"{NAME}/9.9.9/data.0123456789abcdef.parquet", b"half a version")
        return
    folder = staging.fresh(Path(place.store.path) / NAME)
    folder.mkdir()
    (folder / "data.parquet").write_bytes(b"half a version")


def leftovers(place):
    with place.store.open() as store:
        versions = store.versions(NAME)
        used = {p.path for v in versions for p in store.get(NAME, v).meta.parts}
        if place.store.kind == "local":
            return [p.name for p in (Path(place.store.path) / NAME).iterdir() if _is_left(p.name, versions, used)]
        known = {f"{v}/.meta.json" for v in versions} | used | {"_latest.json"}
        keys = [one.key.removeprefix(f"{NAME}/") for one in store.bucket.list(NAME)]
        return [k for k in keys if k not in known and not k.endswith(".pruned.json")]


def _is_left(name, versions, used):
    return name not in ("_latest.json", ".lock", *versions) and not any(p.startswith(f"{name}/") for p in used)
