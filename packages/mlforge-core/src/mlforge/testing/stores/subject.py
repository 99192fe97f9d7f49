"""What every class of store tests shares: which store, and how versions are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mlforge.errors import Invalid
from mlforge.model.meta import Artifact, FeatureMeta, Target
from mlforge.plugin import Store, StoreConfig, StoreDescriptor
from mlforge.plugin.registry import registry
from mlforge.testing.lacks import expect_lacks
from mlforge.testing.versions import local_path, meta_of, write_file


class StoreSubject:
    """The store under test: a subclass gives its config."""

    def config(self, folder: Path) -> StoreConfig:
        """The store to test; `folder` is empty and its own."""
        raise Invalid(
            "The tests do not say which config they are about.",
            hint="Return a config: def config(self, folder): return LocalStore(path=str(folder))",
        )

    def descriptor(self) -> StoreDescriptor:
        """What the store announces: found by the config's kind, among the installed plugins."""
        return registry().get(StoreDescriptor, self.config(Path(os.curdir)).kind)

    def fill(self, target: Target, data: bytes) -> None:
        """Write what an engine would write to a target's address."""
        write_file(target.uri, data)

    def fill_gone(self, target: Target, data: bytes) -> None:
        """Write what an engine would write to a target's address of what went."""
        write_file(target.gone, data)

    def contents(self, artifact: Artifact) -> list[bytes]:
        """The bytes of each part of a version."""
        return [local_path(uri).read_bytes() for uri in artifact.uris]

    @pytest.fixture
    def folder(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """An empty folder; what the store lacks is expected to fail."""
        expect_lacks(request, self.descriptor().lacks)
        return tmp_path

    @pytest.fixture
    def opened(self, folder: Path) -> Callable[[], AbstractContextManager[Store]]:
        """Opens the store, as often as it is called."""
        return lambda: self.config(folder).open()

    @pytest.fixture
    def store(self, opened: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
        with opened() as store:
            yield store

    def begin(self, store: Store, name: str = "spend", data: bytes = b"rows") -> Target:
        """A target that is filled."""
        target = store.begin(name, self.descriptor().formats[0])
        self.fill(target, data)
        return target

    def commit(self, store: Store, version: str, name: str = "spend", data: bytes = b"rows") -> FeatureMeta:
        """A version on top of the latest."""
        return store.commit(self.begin(store, name, data), meta_of(version, name), store.latest(name))
