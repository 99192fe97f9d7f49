"""Builders of one feature at the same time, and readers all along."""

from __future__ import annotations

import pytest
from hurt import forks, jobs, projects
from hurt.projects import look

pytestmark = pytest.mark.linux
BUILDERS, READERS = 4, 2
ROUNDS = {"local": 50, "s3": 20}


def test_of_builders_at_the_same_time_each_success_is_there_and_losers_say_so(place, times, temporary, figure):
    rounds = times(ROUNDS[place.store.kind])
    assert not projects.definitions(place).build(force=True).failed
    gate, stop = forks.CONTEXT.Barrier(BUILDERS), forks.CONTEXT.Event()
    readers = [forks.start(jobs.read_many, place, stop) for _ in range(READERS)]
    builders = [forks.start(jobs.build_many, place, rounds, gate) for _ in range(BUILDERS)]
    told = [one for _, answers in builders for one in answers.recv()]
    stop.set()
    heard = [answers.recv() for _, answers in readers]
    for process, _ in (*builders, *readers):
        process.join(60)
    assert [w for _, _, wrong in heard for w in wrong] == []
    assert {kind for kind, _ in told} <= {"built", "Conflict"}
    reported = [version for kind, version in told if kind == "built"]
    found = look(place)
    wanted = [f"2.{turn}.0" for turn in range(1, rounds, 2)]
    assert len(told) == BUILDERS * rounds
    assert len(reported) == BUILDERS * (rounds - len(wanted)) + len(wanted)
    assert set(wanted) <= set(reported)
    assert sorted(["1.0.0", *reported]) == sorted(found.versions)
    assert all(found.versions.get(v, d) == d for _, seen, _ in heard for v, d in seen.items())
    reads = sum(n for n, _, _ in heard)
    lost = len(told) - len(reported)
    figure(f"races on {place.store.kind}: {len(reported)} built, {lost} conflicts, {reads} readings, none torn")
