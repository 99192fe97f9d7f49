"""Builders of one feature at once, in processes of their own, and a reader meanwhile."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from mlforge.errors import Conflict
from mlforge.model.meta import Target
from mlforge.model.version import Version
from mlforge.plugin import Store, StoreConfig
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of
from mlforge.testing.victim import environment

LEVELS = ("patch", "patch", "minor")
"""What each builder raises of a version: two go for the same number, one for another."""
PATIENCE, PAUSE = 60, 0.005
MOST_LOST = 300


class Errand(msgspec.Struct):
    """What a process is to build, and where."""

    config: str
    settings: dict[str, Any]
    format: str
    level: str
    versions: int


class Done(msgspec.Struct, frozen=True):
    """A version that was committed: on top of which, and the address its data was written to."""

    expected: str | None
    version: str
    uri: str


class RacingTests(StoreSubject):
    """A lock of one process alone keeps nobody else from anything."""

    commits = 8
    """How many versions each of three builders commits; fewer where a server stands in for another that is faster."""

    def test_of_builders_in_processes_none_loses_what_another_built(self, folder: Path) -> None:
        config = self.config(folder)
        errands = [self._errand(config, level) for level in LEVELS]
        with config.open() as store, ExitStack() as stack:
            builders = [stack.enter_context(_started(errand)) for errand in errands]
            held = {t.uri: self._filled(t) for b in builders for t in _begun(b)}
            for builder in builders:
                _say(builder, "go")
            self._watch(store, builders)
            told = [done for b in builders for done in _told(b)]
            self._assert_one_history(store, told, held)

    def _errand(self, config: StoreConfig, level: str) -> Errand:
        kind, form = type(config), self.descriptor().formats[0]
        name = f"{kind.__module__}:{kind.__qualname__}"
        return Errand(name, msgspec.to_builtins(config), form, level, self.commits)

    def _filled(self, target: Target) -> bytes:
        data = hashlib.sha256(target.uri.encode()).hexdigest().encode()
        self.fill(target, data)
        return data

    def _watch(self, store: Store, builders: list[subprocess.Popen[str]]) -> None:
        """Whatever is the latest meanwhile is whole, and never older than what was seen before."""
        seen: list[Version] = []
        deadline = time.monotonic() + PATIENCE
        while any(b.poll() is None for b in builders):
            assert time.monotonic() < deadline, f"builders are not done after {PATIENCE} s: is one waiting for another?"
            time.sleep(PAUSE)
            if (latest := store.latest("spend")) is None:
                continue
            assert latest in store.versions("spend"), f"{latest} is the latest, and is not there"
            assert len(self.contents(store.get("spend", latest))) == 1
            seen.append(Version.parse(latest))
        assert seen == sorted(seen), "the latest version went back"

    def _assert_one_history(self, store: Store, told: list[Done], held: dict[str, bytes]) -> None:
        """Each version was built on another one, and all are there with their own data."""
        assert len(told) == len(held), f"{len(told)} of {len(held)} versions were committed"
        bases = [done.expected for done in told]
        twice = sorted({str(b) for b in bases if bases.count(b) > 1})
        assert not twice, f"two builders were told that theirs is the version after {', '.join(twice)}"
        versions = [str(v) for v in sorted(Version.parse(done.version) for done in told)]
        assert (store.versions("spend"), store.latest("spend")) == (versions, versions[-1])
        found = {done.version: self.contents(store.get("spend", done.version)) for done in told}
        assert found == {done.version: [held[done.uri]] for done in told}


@contextmanager
def _started(errand: Errand) -> Iterator[subprocess.Popen[str]]:
    code = "from mlforge.testing.stores.racing import main; main()"
    line = [sys.executable, "-c", code, msgspec.json.encode(errand).decode()]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment()) as builder:  # noqa: S603
        try:
            yield builder
        finally:
            builder.kill()


def _begun(builder: subprocess.Popen[str]) -> list[Target]:
    assert builder.stdout is not None
    line = builder.stdout.readline()
    assert line, builder.communicate(timeout=PATIENCE)[1]
    return msgspec.json.decode(line, type=list[Target])


def _say(builder: subprocess.Popen[str], word: str) -> None:
    assert builder.stdin is not None
    builder.stdin.write(f"{word}\n")
    builder.stdin.flush()


def _told(builder: subprocess.Popen[str]) -> list[Done]:
    out, err = builder.communicate(timeout=PATIENCE)
    assert builder.returncode == 0, err
    return msgspec.json.decode(out, type=list[Done])


def _tell(what: object) -> None:
    """A line for whoever started this process."""
    sys.stdout.write(f"{msgspec.json.encode(what).decode()}\n")
    sys.stdout.flush()


def main() -> None:
    """Begin some versions, say where they are to be written, and commit them when told to."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    module, _, name = errand.config.partition(":")
    config = msgspec.convert(errand.settings, getattr(import_module(module), name))
    with config.open() as store:
        targets = [store.begin("spend", errand.format) for _ in range(errand.versions)]
        _tell(targets)
        sys.stdin.readline()
        _tell([commit_next(store, t, errand.level) for t in targets])


def commit_next(store: Store, target: Target, level: str) -> Done:
    """Commit a target as the version after the latest, decided anew where somebody else was first."""
    lost = 0
    while True:
        latest = store.latest("spend")
        version = str(Version.parse(latest).bump(level)) if latest else "1.0.0"
        try:
            store.commit(target, meta_of(version), latest)
        except Conflict:
            lost += 1
            if lost == MOST_LOST:
                sys.exit(
                    f"{version} after {latest} was a Conflict {lost} times: the pointer went back, or a version stayed"
                )
        else:
            return Done(latest, version, target.uri)
