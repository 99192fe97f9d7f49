"""Any order of commits, aborts, pointings and reopenings, held against a dict that remembers what must be there."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mlforge.errors import Conflict, NotFound
from mlforge.model.version import Version
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

NAMES = st.sampled_from(["spend", "visits"])
NUMBERS = st.sampled_from(["1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0"])
DATA = st.binary(min_size=1, max_size=8)
BOUNDS = settings(max_examples=25, stateful_step_count=25, deadline=None)
_REOPENING = "what_is_committed_is_there_after_reopening"


class StoreMachine(RuleBasedStateMachine):
    """A store beside what it should hold: the bytes of each version, and what each pointer names."""

    def __init__(self, subject: StoreSubject) -> None:
        super().__init__()
        self.subject = subject
        self.opened = ExitStack()
        self.folder = Path(self.opened.enter_context(TemporaryDirectory()))
        self.store = self.opened.enter_context(subject.config(self.folder).open())
        self.held: dict[str, dict[str, bytes]] = {"spend": {}, "visits": {}}
        self.latest: dict[str, str | None] = {"spend": None, "visits": None}

    def teardown(self) -> None:
        self.opened.close()

    @rule(name=NAMES, version=NUMBERS, data=DATA, right=st.booleans())
    def commit(self, name: str, version: str, data: bytes, right: bool) -> None:
        target = self.subject.begin(self.store, name, data)
        expected = self.latest[name] if right else "0.0.7"
        if version in self.held[name] or not right:
            with refused(Conflict, name):
                self.store.commit(target, meta_of(version, name), expected)
            self.store.abort(target)
            return
        self.store.commit(target, meta_of(version, name), expected)
        self.held[name][version], self.latest[name] = data, version

    @rule(name=NAMES, data=DATA)
    def abort(self, name: str, data: bytes) -> None:
        self.store.abort(self.subject.begin(self.store, name, data))

    @rule(name=NAMES, version=NUMBERS)
    def point(self, name: str, version: str) -> None:
        if version not in self.held[name]:
            with refused(NotFound, name):
                self.store.point(name, version)
            return
        self.store.point(name, version)
        self.latest[name] = version

    @precondition(lambda self: _REOPENING not in self.subject.descriptor().lacks)
    @rule()
    def reopen(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = self.opened.enter_context(self.subject.config(self.folder).open())

    @invariant()
    def holds_what_was_committed(self) -> None:
        assert self.store.names() == sorted(n for n, versions in self.held.items() if versions)
        for name, versions in self.held.items():
            assert self.store.versions(name) == sorted(versions, key=Version.parse)
            assert self.store.latest(name) == self.latest[name]

    @invariant()
    def reads_what_was_written(self) -> None:
        for name, versions in self.held.items():
            for version, data in versions.items():
                assert self.subject.contents(self.store.get(name, version)) == [data]


class MachineTests(StoreSubject):
    """Whatever the order of things."""

    most_examples = BOUNDS.max_examples
    """How many orders are tried."""

    def test_any_order_of_commits_aborts_and_pointings_leaves_what_it_should(self, folder: Path) -> None:
        machine: Any = partial(StoreMachine, self)
        run_state_machine_as_test(machine, settings=settings(BOUNDS, max_examples=self.most_examples))
