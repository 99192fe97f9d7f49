"""Data that is not what was committed is never relied on, whichever bit it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from mlforge.errors import MlforgeError
from mlforge.model.meta import Artifact
from mlforge.plugin import Store, verify
from mlforge.testing.damage import DAMAGES, Damage
from mlforge.testing.refusals import refused
from mlforge.testing.stores.growing import grow
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import file_at

DATA = bytes(range(0, 256, 4))


class DamageTests(StoreSubject):
    """Bytes change behind the store's back, as on a failing disk."""

    flips_every = 1
    """Of how many bits of data one is flipped."""

    def damage(self, artifact: Artifact, part: int, change: Damage) -> None:
        """Damage the bytes of a part of a version, and nothing else. By default, for stores of files: in its file."""
        path = file_at(artifact.uris[part], "damage")
        path.write_bytes(change(path.read_bytes()))

    def test_what_was_committed_may_be_relied_on(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=DATA)
        grow(self, store, "1.0.1", b"more", b"less")
        for version in store.versions("spend"):
            verify(store, store.get("spend", version), relied=True)

    def test_no_flipped_bit_of_data_is_relied_on(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=DATA)
        artifact = store.get("spend", "1.0.0")
        for flip in islice(_flips(DATA), 0, None, self.flips_every):
            self.damage(artifact, 0, flip)
            self._assert_noticed(store, artifact)
            self.damage(artifact, 0, flip)
        verify(store, artifact, relied=True)

    @pytest.mark.parametrize("change", DAMAGES)
    def test_no_other_bytes_are_relied_on(self, store: Store, change: str) -> None:
        self.commit(store, "1.0.0", data=DATA)
        artifact = store.get("spend", "1.0.0")
        verify(store, artifact, relied=True)
        self.damage(artifact, 0, DAMAGES[change])
        self._assert_noticed(store, artifact)

    @pytest.mark.parametrize("part", [0, 1, 2, 3])
    def test_a_version_is_made_of_all_its_parts(self, store: Store, part: int) -> None:
        self.commit(store, "1.0.0", data=DATA)
        grow(self, store, "1.0.1", b"more", b"less")
        grow(self, store, "1.0.2", b"yet more")
        artifact = store.get("spend", "1.0.2")
        self.damage(artifact, part, lambda data: bytes([data[0] ^ 1]) + data[1:])
        self._assert_noticed(store, artifact)

    def _assert_noticed(self, store: Store, artifact: Artifact) -> None:
        """A version that is already known is refused, naming what and where."""
        with refused(MlforgeError, "spend"):
            verify(store, artifact, relied=True)


def _flips(data: bytes) -> Iterator[Damage]:
    """Each bit of some bytes, flipped; twice gives them back."""
    for place in range(len(data)):
        for bit in range(8):
            yield lambda now, at=place, by=1 << bit: now[:at] + bytes([now[at] ^ by]) + now[at + 1 :]  # type: ignore[misc]
