"""Processes that start in a millisecond: forked of one that has everything imported and has no threads."""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import unmeasured

from hurt import jobs
from hurt.servers import KEYS

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "hurt.jobs"])  # each looks at the program that it was started from


@contextmanager
def ready(temporary):
    """Start the process that others are forked of, with a folder for temporary files."""
    from multiprocessing import forkserver

    given = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]), "TMPDIR": str(temporary)}
    before = dict(os.environ)
    try:
        os.environ.update(given)
        for name in unmeasured.TRACED:  # they are killed anyhow
            os.environ.pop(name, None)
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield


def killed(place, job, other, step, late):
    """Let a process do something and be killed on the way; whether it was."""
    theirs, ours = CONTEXT.Pipe()
    process = CONTEXT.Process(target=jobs.die_doing, args=(place, job, other, step, late, KEYS, ours))
    process.start()
    ours.close()
    process.join(60)
    assert process.exitcode in (0, -9), (job, process.exitcode)
    theirs.close()
    return process.exitcode == -9


def without_room(place, job, other, lack, step):
    """Let a process do something where nothing more can be written from some step on; what it said of it."""
    process, said = start(jobs.do_without_room, place, job, other, lack, step)
    errors = said.recv() if said.poll(60) else ["it did not answer"]
    process.join(60)
    assert process.exitcode == 0, (job, lack, step, process.exitcode)
    return errors


def start(target, *args):
    """Start a process that answers once."""
    theirs, ours = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(*args, KEYS, ours), daemon=True)
    process.start()
    ours.close()
    return process, theirs
