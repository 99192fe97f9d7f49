"""Versions that are received as another store had them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.errors import Conflict, Invalid
from mlforge.model.meta import FeatureMeta, Part
from mlforge.plugin import CollectingStore, PruningStore, ReceivingStore, Store
from mlforge.testing.refusals import refused
from mlforge.testing.stores.growing import grow
from mlforge.testing.stores.subject import StoreSubject

Sent = list[tuple[FeatureMeta, dict[str, bytes]]]


class ReceiveTests(StoreSubject):
    """A store that takes copies takes them whole, once, and over nothing that differs."""

    @pytest.fixture
    def sent(self, folder: Path) -> Sent:
        """The versions of another store: one, one that continues it, and one that continues both."""
        place = folder / "from"
        place.mkdir()
        with self.config(place).open() as store:
            self.commit(store, "1.0.0", data=b"old")
            grow(self, store, "1.0.1", b"more", b"less")
            grow(self, store, "1.1.0", b"most")
            found = [store.get("spend", version) for version in store.versions("spend")]
            return [(a.meta, dict(zip((p.path for p in a.meta.parts), self.contents(a), strict=True))) for a in found]

    @pytest.fixture
    def receiving(self, folder: Path) -> Iterator[Store | None]:
        """An empty store; None where it takes no copies."""
        place = folder / "to"
        place.mkdir()
        with self.config(place).open() as opened:
            store: Any = opened
            yield store if isinstance(opened, ReceivingStore) else None

    def receive(self, store: Store, meta: FeatureMeta, data: dict[str, bytes]) -> list[str]:
        """Receive a version; which parts were asked for."""
        asked: list[str] = []

        def read(part: Part) -> list[bytes]:
            asked.append(part.path)
            return [data[part.path][:1], data[part.path][1:]]

        assert isinstance(store, ReceivingStore)
        store.receive(meta, read)
        return asked

    def test_a_version_that_is_received_is_the_same(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        for meta, data in sent:
            own = [part.path for part in meta.parts if part.version == meta.version]
            assert self.receive(receiving, meta, data) == own
            assert self.receive(receiving, meta, data) == []
            artifact = receiving.get("spend", meta.version)
            assert (artifact.meta, self.contents(artifact)) == (meta, list(data.values()))
        assert receiving.latest("spend") is None
        receiving.point("spend", "1.0.1")
        assert (receiving.latest("spend"), len(receiving.versions("spend"))) == ("1.0.1", 3)

    def test_parts_of_versions_that_were_removed_come_too_and_stay(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        meta, data = sent[-1]
        assert self.receive(receiving, meta, data) == list(data)
        receiving.point("spend", "1.1.0")
        if isinstance(receiving, CollectingStore):
            assert receiving.collect(-3600.0, dry_run=False) == []
        if isinstance(receiving, PruningStore):
            receiving.prune("spend", 1)
        assert receiving.versions("spend") == ["1.1.0"]
        assert self.contents(receiving.get("spend", "1.1.0")) == list(data.values())

    def test_nothing_that_differs_is_overwritten(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        meta, data = sent[0]
        self.receive(receiving, meta, data)
        with refused(Conflict, "1.0.0"):
            self.receive(receiving, msgspec.structs.replace(meta, owner="eve"), data)
        assert receiving.get("spend", "1.0.0").meta == meta

    def test_bytes_of_another_hash_are_refused_and_asked_for_again(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        meta, data = sent[0]
        with refused(Invalid):
            self.receive(receiving, meta, {path: held[::-1] for path, held in data.items()})
        assert receiving.versions("spend") == []
        self.receive(receiving, meta, data)
        assert self.contents(receiving.get("spend", "1.0.0")) == list(data.values())

    def test_names_and_numbers_that_lead_elsewhere_are_refused(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        meta, data = sent[0]
        (part,) = meta.parts
        outside = msgspec.structs.replace(part, path="../outside")
        for changed in ({"name": "../x"}, {"version": "../1.0.0"}, {"parts": (outside,)}):
            with refused(Invalid):
                self.receive(receiving, msgspec.structs.replace(meta, **changed), data | {"../outside": b"old"})
        assert receiving.names() == []

    def test_a_build_beside_a_copy_takes_no_number_of_it(self, sent: Sent, receiving: Store | None) -> None:
        if receiving is None:
            return
        target = self.begin(receiving, data=b"built")
        meta, data = sent[0]
        self.receive(receiving, meta, data)
        with refused(Conflict, "1.0.0"):
            receiving.commit(target, msgspec.structs.replace(meta, parts=()), None)
        assert self.contents(receiving.get("spend", "1.0.0")) == list(data.values())
