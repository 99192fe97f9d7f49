"""What processes do until they are killed.

They are forked of one that has imported all this, found the plugins and seen the definitions once, and run none of it.
"""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import sys
import threading
import time

from polars._utils import parquet  # Polars loads it when a file is read

import mlforge as mlf
import mlforge_polars.engine
import mlforge_s3.store
from hurt import projects
from mlforge.errors import MlforgeError
from mlforge.plugin.registry import registry
from mlforge.stores.local import store as local_store
from mlforge.stores.sqlite import store as sqlite_store
from mlforge.testing.victim import CHANGES, changes

WARM = (parquet, mlforge_polars.engine, mlforge_s3.store, local_store, sqlite_store)
PLUGINS = registry()
KNOWN = projects.definitions(projects.Place("/nowhere", mlf.LocalStore("/nowhere")))
DECIDING = ("create", "swap", "put", "upload", "delete")


def build(defs, other):
    return defs.build(force=True)


def increment(defs, other):
    return defs.build(since="2025-01-02")


def publish(defs, other):
    return defs.build(online_only=True)


def rollback(defs, other):
    return defs.rollback(projects.NAME, other)


def prune(defs, other):
    return defs.prune(projects.NAME, keep=2)


def gc(defs, other):
    with defs.offline_store.open() as store:
        return store.collect(-1.0, dry_run=False)


JOBS = {job.__name__: job for job in (build, increment, publish, rollback, prune, gc)}


def die_doing(place, job, other, step, late, environment, mark):
    """Do something, and be killed a little after its n-th change to the store."""
    os.environ.update(environment)
    defs = projects.definitions(place)
    Death(step, late, place).await_steps()
    JOBS[job](defs, other)
    mark.send("done")


def do_without_room(place, job, other, lack, step, environment, mark):
    """Do something where nothing more can be written from some step on, and tell what was said of it."""
    os.environ.update(environment)
    defs = projects.definitions(place)
    sys.dont_write_bytecode = True
    LACKS[lack](place.folder, step)
    try:
        report = JOBS[job](defs, other)
    except MlforgeError as error:
        mark.send([(error.message, error.hint)])
    else:
        results = [*getattr(report, "failed", ()), *getattr(getattr(report, "published", None), "failed", ())]
        mark.send([(r.failure.message, r.failure.hint) for r in results])


def no_room(folder, step):
    """From the n-th new file or folder on the disk is full; what is there can be taken away."""
    Lack(folder, step, errno.ENOSPC, {"open", "os.mkdir", "os.link", "os.symlink"}).begin()


def read_only(folder, step):
    """From the n-th change on nothing can be changed."""
    Lack(folder, step, errno.EROFS, {"open", *CHANGES}).begin()


def no_more_bytes(folder, step):
    """No file grows beyond some bytes, whoever writes it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (step * step * 40, resource.RLIM_INFINITY))


LACKS = {lack.__name__: lack for lack in (no_room, read_only, no_more_bytes)}


class Lack:
    """Changes to a folder that fail from one on, as the operating system would have them fail."""

    def __init__(self, folder, step, code, events):
        self._folder, self._left, self._code, self._events = folder, step, code, events

    def begin(self):
        sys.addaudithook(self._watch)

    def _watch(self, event, args):
        if event in self._events and changes(event, args) and any(self._folder in str(a) for a in args):
            self._left -= 1
            if self._left < 0:
                raise OSError(self._code, os.strerror(self._code), str(args[0]))


class Death:
    """A kill by the operating system, some time after a step: nothing is flushed and nothing is tidied up."""

    def __init__(self, step, late, place):
        self._left, self._late, self._folder = step, late, place.folder

    def await_steps(self):
        sys.addaudithook(self._watch)
        for name in DECIDING:
            setattr(mlforge_s3.bucket.S3Bucket, name, self._counted(getattr(mlforge_s3.bucket.S3Bucket, name)))

    def _watch(self, event, args):
        if changes(event, args) and any(self._folder in str(a) for a in args):
            self._step()

    def _counted(self, method):
        def counted(bucket, *args):
            self._step()
            return method(bucket, *args)

        return counted

    def _step(self):
        self._left -= 1
        if self._left == 0:
            threading.Thread(target=self._kill, daemon=True).start()

    def _kill(self):
        time.sleep(self._late)
        os.kill(os.getpid(), signal.SIGKILL)


def build_many(place, rounds, gate, environment, answers):
    """Build again and again, at the same time as others, often a number that all want; tell what was said."""
    os.environ.update(environment)
    defs, told = projects.definitions(place), []
    for turn in range(rounds):
        gate.wait(120)
        (one,) = defs.build(force=True, version=f"2.{turn}.0" if turn % 2 else None)
        told.append(("built", one.version) if one.failure is None else (one.failure.kind, one.failure.message))
    answers.send(told)


def read_many(place, stop, environment, answers):
    """Read again and again while others build; tell what no reader may see."""
    os.environ.update(environment)
    seen, wrong, last, reads = {}, [], (), 0
    while not stop.is_set():
        reads += 1
        try:
            wrong += _odd(place, seen)
            latest = _latest(place)
            if latest < last:
                wrong.append(f"the latest went back from {last} to {latest}")
            last = latest
        except (MlforgeError, AssertionError) as error:
            wrong.append(repr(error))
    answers.send((reads, seen, wrong))


def _odd(place, seen):
    """Read one of the listed versions, and the latest as a user does."""
    with place.store.open() as store:
        latest = store.latest(projects.NAME)
        chosen = random.choice(store.versions(projects.NAME)[-3:])
        for version in {latest, chosen}:
            try:
                found = projects.digest(store, version)
            except MlforgeError as error:
                if version == latest or version in store.versions(projects.NAME):
                    yield f"{version}: {error!r}"
                continue  # of a builder who lost: it was whole, and then it was gone
            if seen.setdefault(version, found) != found:
                yield f"{version} changed"
    if projects.rows(place) != projects.ROWS:
        yield "other rows"


def _latest(place):
    with place.store.open() as store:
        return tuple(map(int, store.latest(projects.NAME).split(".")))
