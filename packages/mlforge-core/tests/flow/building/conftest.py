"""A project whose events are rows at hand, built by the reference into a store in memory, without any plugin."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest

import mlforge as mlf
from mlforge.flow.building.build import BuildOptions, build
from mlforge.flow.planning.session import Session
from mlforge.model.span import Span, micros_of
from mlforge.plugin.registry import Plugin, registry
from mlforge.project.project import Project, Settings
from mlforge.testing import MemoryStore, ReferenceEngine
from mlforge.testing.memory import STORE, LiveMemoryStore
from mlforge.testing.reference import DESCRIPTOR
from mlforge.testing.reference.engine import Reference

FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def day(number):
    """Noon of a day, counted from the first of January."""
    return FIRST + timedelta(days=number)


def micros(number):
    return micros_of(day(number))


class Kept(Session):
    """A run whose store and engine outlive it."""

    def __init__(self, works):
        settings = Settings(MemoryStore(), ReferenceEngine(), incremental=works.incremental, quality=works.quality)
        super().__init__(works.project, settings, None, lambda: NOW, works.told.append)
        self.works = works

    def __enter__(self):
        self._open.enter_context(self.audience)
        self.store = self.works.store
        return self

    def engine(self, config):
        return self.works.engine


class Works:
    """Events of a few users, a day each, and the feature that is built of them."""

    incremental = quality = True

    def __init__(self, root):
        self.root, self.engine, self.told, self._open = root, Reference(), [], ExitStack()
        self.keep_in(LiveMemoryStore)
        self.define()

    def keep_in(self, kind):
        """Keep versions in a store of a kind."""
        self.store = self._open.enter_context(kind(None))

    def close(self):
        self._open.close()

    def define(self, function=lambda df: df, **changes):
        """Define the feature, with windows of one and of three days unless something else is said."""
        given = {"source": "e.csv", "keys": "user", "timestamp": "at", "name": "f", "interval": "1d"}
        given |= {"metrics": [mlf.Sum("amount", windows=["1d", "3d"])]} | changes
        given = {name: value for name, value in given.items() if value is not None}
        made = mlf.feature(**given)(function)
        self.project = Project("shop", [made], MemoryStore(), engine=ReferenceEngine(), root=self.root)

    def events(self, *events):
        """Write the source: `(user, day, amount)`."""
        rows = [f"{user},{day(number).isoformat()},{amount}" for user, number, amount in events]
        (self.root / "e.csv").write_text("\n".join(["user,at,amount", *rows]) + "\n")

    def build(self, since=None, until=None, **options):
        """Build it, with days for the ends of a range; what it raises is raised."""
        span = None
        if since is not None or until is not None:
            span = Span(None if since is None else micros(since), None if until is None else micros(until))
        features = self.project.features.values()
        report = build(Kept(self), features, BuildOptions(span=span, **options))
        report.raise_for_failure()
        return report["f"]

    def meta(self, version=None):
        return self.store.get("f", version or self.store.latest("f")).meta

    def rows(self, version=None):
        """What a version holds."""
        return self.engine.read_version(self.store.get("f", version or self.store.latest("f"))).rows

    def whole(self):
        """What a build of everything holds."""
        self.build(full_refresh=True)
        return self.rows()


@pytest.fixture
def works(tmp_path, monkeypatch):
    testing = Plugin("testing", "mlforge-core", "0", (DESCRIPTOR, STORE))
    monkeypatch.setattr(registry(), "plugins", (*registry().plugins, testing))
    with closing(Works(tmp_path)) as made:
        yield made
