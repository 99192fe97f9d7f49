"""Disks that are full, or cannot be written, from any step on: one clear error, and nothing is lost or half there."""

from __future__ import annotations

import pytest
from hurt import forks, projects
from hurt.jobs import JOBS, LACKS
from test_kills import assert_goes_on, assert_whole, leave

import mlforge as mlf

pytestmark = pytest.mark.linux
STEPS = 40
NEEDS_NOTHING = {("publish", "no_room"), ("gc", "no_more_bytes")}
"""What makes no new file below the project, but for the database that is there, or writes nothing."""


@pytest.mark.parametrize("lack", LACKS)
@pytest.mark.parametrize("job", JOBS)
def test_nothing_is_lost_where_nothing_can_be_written(tmp_path, temporary, figure, job, lack):
    place = projects.begin(tmp_path / "shop", mlf.LocalStore(tmp_path / "shop/store"))
    defs = projects.definitions(place)
    for _ in range(3):
        assert not defs.build(force=True).failed
    if job == "gc":
        leave(place)
    refused = 0
    for step in range(STEPS):
        before = projects.look(place)
        other = min(before.versions)
        errors = forks.without_room(place, job, other, lack, step)
        assert_whole(before, projects.look(place), job, other)
        assert len(errors) <= 1, errors
        if not errors:
            break
        refused += 1
        message, hint = errors[0]
        assert hint, message
        assert "defect" not in hint, message
    else:
        pytest.fail(f"it was still refused at step {STEPS}: {errors}")
    assert refused or (job, lack) in NEEDS_NOTHING
    assert_goes_on(place, defs, job)
    figure(f"{lack} at {refused} steps of {job}: each refused in a sentence, all versions whole")
