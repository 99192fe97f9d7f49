"""What every class of store tests shares: which store, and how versions are made."""

from __future__ import annotations

import itertools
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
from mlforge.testing.versions import Damage, file_at, meta_of, rewrite, write_file
from mlforge.testing.victim import Doing, dies


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

    def crash(self, config: StoreConfig, folder: Path, step: int, doing: Doing) -> bool:
        """Do something to `spend` and die at a step; False where it was done before that step.

        It is to `commit` 1.1.0 with the data `new` on top of 1.0.0, to commit the same as an `increment`, whose first
        parts are those of 1.0.0, or to `prune` all versions but one. Steps are whatever can come between one change
        and the next; their number plays no part.

        By default, for stores of files: another process exits at its n-th change to the folder.
        """
        return dies(config, folder, self.descriptor().formats[0], step, doing)

    def broken(self, folder: Path) -> StoreConfig:
        """A config whose backend cannot be used. By default, for stores of files: its folder is a file."""
        place = folder / "no folder"
        place.write_text("This is no store.")
        return self.config(place)

    def rewrite_metadata(self, folder: Path, mark: str, change: Damage) -> None:
        """Change the stored bytes of what was committed with `mark` as its owner.

        By default, for stores of files: of each file below the folder that has the mark in it.
        """
        rewrite(folder, lambda data: mark.encode() in data, change, "rewrite_metadata")

    def rewrite_pointer(self, folder: Path, version: str, change: Damage) -> None:
        """Change the stored bytes that say that `version` is the latest.

        By default, for stores of files: of each small file below the folder that has the version in it and nothing
        of metadata.
        """
        rewrite(folder, lambda d: version.encode() in d and b"c0ffee" not in d, change, "rewrite_pointer")

    def fill(self, target: Target, data: bytes) -> None:
        """Write what an engine would write to a target's address. By default, for stores of files: a file."""
        write_file(target.uri, data)

    def fill_gone(self, target: Target, data: bytes) -> None:
        """Write what an engine would write to a target's address of what went."""
        write_file(target.gone, data)

    def contents(self, artifact: Artifact) -> list[bytes]:
        """The bytes of each part of a version. By default, for stores of files: those at its addresses."""
        return [file_at(uri, "contents").read_bytes() for uri in artifact.uris]

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

    def deaths(self, folder: Path, prepare: Callable[[Store], object], doing: Doing) -> Iterator[tuple[Store, bool]]:
        """The store after a death at the first step, at the second and so on, and at last after none."""
        for step in itertools.count(1):
            place = folder / str(step)
            place.mkdir()
            with self.config(place).open() as store:
                prepare(store)
            died = self.crash(self.config(place), place, step, doing)
            assert died or step > 1, f"{doing} was done before its first step: say how it dies, def crash(self, …)"
            with self.config(place).open() as store:
                yield store, died
            if not died:
                return

    def begin(self, store: Store, name: str = "spend", data: bytes = b"rows") -> Target:
        """A target that is filled."""
        target = store.begin(name, self.descriptor().formats[0])
        self.fill(target, data)
        return target

    def commit(self, store: Store, version: str, name: str = "spend", data: bytes = b"rows") -> FeatureMeta:
        """A version on top of the latest."""
        return store.commit(self.begin(store, name, data), meta_of(version, name), store.latest(name))
