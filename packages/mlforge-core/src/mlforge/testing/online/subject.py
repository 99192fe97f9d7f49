"""What every class of online store tests shares: which store, how entries are made and compared."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.keys import surrogate_key
from mlforge.plugin import Entry, OnlineStore, OnlineStoreConfig, OnlineStoreDescriptor, Point
from mlforge.plugin.registry import registry
from mlforge.testing.compare import same
from mlforge.testing.lacks import expect_lacks

DAY = 86_400_000_000
Opened = Callable[[], AbstractContextManager[Any]]


class OnlineSubject:
    """The online store under test: a subclass gives its config."""

    many = 10_000
    """How many entities a test of many writes; fewer where a server stands in for another that is faster."""
    several = 1_500
    """How many a test writes again and again, by publishers at once or one after the other; fewer as well."""

    def config(self, folder: Path) -> OnlineStoreConfig:
        """The store to test, empty; `folder` is its own. The same folder means the same store."""
        raise Invalid(
            "The tests do not say which config they are about.",
            hint="Return a config: def config(self, folder): return SQLiteOnlineStore(path=str(folder / 'online.db'))",
        )

    def descriptor(self) -> OnlineStoreDescriptor:
        """What the store announces: found by the config's kind, among the installed plugins."""
        return registry().get(OnlineStoreDescriptor, self.config(Path(os.curdir)).kind)

    @pytest.fixture
    def folder(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """A folder of the test's own; what the store lacks is expected to fail."""
        expect_lacks(request, self.descriptor().lacks)
        return tmp_path

    @pytest.fixture
    def opened(self, folder: Path) -> Opened:
        """Opens the store, as often as it is called."""
        return self.config(folder).open

    @pytest.fixture
    def store(self, opened: Opened) -> Iterator[OnlineStore]:
        with opened() as store:
            yield store


def entry(*key: Any, as_of: int = 0, feature: str = "spend", version: str = "1.0.0", **values: Any) -> Entry:
    """An entry with one point."""
    point = Point(as_of, tuple(values.values()))
    return Entry(feature, surrogate_key(*key), version, as_of, as_of + DAY, tuple(values), (point,))


def tombstone(*key: Any, as_of: int = 0, feature: str = "spend") -> Entry:
    """The entry of an entity that is gone."""
    return Entry(feature, surrogate_key(*key), "1.0.0", as_of)


def assert_found(found: Sequence[Entry | None], expected: Sequence[Entry | None]) -> None:
    """Fail unless these entries came back, in this order, every value in its type."""
    assert len(found) == len(expected), f"{len(found)} answers to {len(expected)} questions"
    for got, wanted in zip(found, expected, strict=True):
        assert flat(got) is flat(wanted) is None or same(flat(wanted), flat(got)), f"got {got}, expected {wanted}"


def flat(kept: Entry | None) -> list[Any] | None:
    """An entry as nested lists, whose values can be compared one by one; a zero with its sign."""
    if kept is None:
        return None
    points = [[p.stamp, [[v, signed(v)] for v in p.values]] for p in kept.points]
    return [kept.feature, kept.key, kept.version, kept.as_of, kept.until, list(kept.columns), points]


def signed(value: Any) -> float:
    """The sign of a float; 0 for anything else."""
    return math.copysign(1, value) if isinstance(value, float) and not math.isnan(value) else 0.0
