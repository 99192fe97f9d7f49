"""Metadata that somebody removed by hand: the data is kept for whoever brings it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.plugin.layout import META
from mlforge.plugin.objects.bucket import Bucket
from mlforge.testing.stores.manifests import NEW
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of


class MissingTests(StoreSubject):
    """A bucket's version without metadata is a dead builder's, unless something says that it was there."""

    def bucket(self, folder: Path | None = None) -> Bucket:
        raise Invalid("The tests do not say which bucket they look at.", hint="def bucket(self, folder=None): …")

    @pytest.mark.parametrize("named", ["pointer", "manifest", "damaged pointer"])
    def test_data_of_a_version_whose_metadata_went_is_no_leftover(self, folder: Path, named: str) -> None:
        bucket, key = self.bucket(folder), f"spend/1.1.0/{META}"
        with self.config(folder).open() as opened:
            store: Any = opened
            for version in ("1.0.0", "1.1.0"):
                self.commit(store, version, data=version.encode())
            if named == "manifest":
                store.write_manifest(NEW)
                store.point("spend", "1.0.0")
            held = bucket.read(key)
            assert held is not None
            bucket.delete([key])
            if named == "damaged pointer":
                bucket.put("spend/_latest.json", b"{")
            assert store.collect(-3600.0, dry_run=False) == []
            bucket.put(key, held.data)
            assert self.contents(store.get("spend", "1.1.0")) == [b"1.1.0"]

    def test_data_of_a_version_that_nothing_names_is_a_leftover(self, folder: Path) -> None:
        bucket = self.bucket(folder)
        with self.config(folder).open() as opened:
            store: Any = opened
            self.commit(store, "1.0.0")
            store.commit(self.begin(store), meta_of("1.1.0"), "1.0.0")
            store.point("spend", "1.0.0")
            bucket.delete([f"spend/1.1.0/{META}"])
            assert [one.where.split("/")[-2] for one in store.collect(-3600.0, dry_run=False)] == ["1.1.0"]
