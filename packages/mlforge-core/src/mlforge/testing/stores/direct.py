"""What engines write to a bucket themselves, where its service copies: a version as any other, or nothing at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.errors import Conflict, Invalid, NotFound
from mlforge.model.meta import DataFile, Increment, Target
from mlforge.plugin import DirectStore
from mlforge.plugin.objects.bucket import Bucket, CopyingBucket
from mlforge.plugin.objects.pruning import LONGEST_COMMIT, sweep
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

FILES = {"data.parquet/part-0.parquet": b"first", "data.parquet/part-1.parquet": b"second"}


class DirectTests(StoreSubject):
    """An engine writes below an address that the store gives; a commit takes what it tells of."""

    def bucket(self, folder: Path | None = None) -> Bucket:
        raise Invalid("The tests do not say which bucket they look at.", hint="def bucket(self, folder=None): …")

    def written(self, store: Any, files: Mapping[str, bytes] = FILES) -> Target | None:
        """A target that an engine wrote to in the bucket; None where its service does not copy."""
        target = _direct(store, store.begin("spend", "parquet"))
        assert (target is not None) == isinstance(self.bucket(), CopyingBucket)
        if target is None:
            return None
        place = target.uri.rpartition("/")[0].removeprefix(f"{self.bucket().where}/")
        for path, data in files.items():
            self.bucket().put(f"{place}/{path}", data)
        self.bucket().put(f"{place}/data.parquet/_SUCCESS", b"")
        found = [DataFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items()]
        return msgspec.structs.replace(target, files=tuple(found))

    def test_what_an_engine_wrote_to_the_bucket_becomes_a_version(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store)) is None:
                return
            assert (store.names(), store.versions("spend"), store.latest("spend")) == ([], [], None)
            meta = store.commit(target, meta_of("1.0.0"), None)
            artifact = store.get("spend", "1.0.0")
            assert (artifact.meta, store.latest("spend")) == (meta, "1.0.0")
            assert [(part.bytes, part.hash) for part in meta.parts] == [(f.bytes, f.hash) for f in target.files]
            assert self.contents(artifact) == [b"first", b"second"]
            store.verify(artifact, relied=True)
            assert _staged(self.bucket(folder)) == []

    def test_a_layer_that_an_engine_wrote_to_the_bucket_has_what_is_gone_apart(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            self.commit(store, "1.0.0", data=b"old")
            if (target := self.written(store, {"data.parquet/0": b"more", "gone.parquet/0": b"less"})) is None:
                return
            parts, step = store.get("spend", "1.0.0").meta.parts, Increment("1.0.0", 10, 20, rows=7, gone=4)
            meta = store.commit(target, meta_of("1.0.1", parts=parts, increment=step), "1.0.0")
            assert [part.role for part in meta.parts] == ["rows", "rows", "gone"]
            assert self.contents(store.get("spend", "1.0.1")) == [b"old", b"more", b"less"]

    def test_who_is_asked_for_an_address_may_write_here_all_the_same(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            target = self.begin(store, data=b"here")
            _direct(store, target)
            store.commit(target, meta_of("1.0.0"), None)
            assert self.contents(store.get("spend", "1.0.0")) == [b"here"]

    def test_what_is_aborted_goes_and_is_no_version(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store)) is None:
                return
            store.abort(target)
            store.abort(target)
            assert (_staged(self.bucket(folder)), store.names()) == ([], [])

    def test_a_commit_of_what_is_gone_shows_nothing(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store)) is None:
                return
            self.bucket(folder).delete([next(key for key in _staged(self.bucket(folder)) if "part-1" in key)])
            with refused(Conflict, "part-1", "removed"):
                store.commit(target, meta_of("1.0.0"), None)
            assert (store.names(), store.latest("spend")) == ([], None)
            assert [k for k in _keys(self.bucket(folder)) if "/1.0.0/" in k] == []

    def test_what_was_replaced_before_its_commit_is_no_version(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store)) is None:
                return
            self.bucket(folder).put(next(k for k in _staged(self.bucket(folder)) if "part-1" in k), b"of another size")
            with refused(Conflict, "part-1", "15 bytes", "6 were written"):
                store.commit(target, meta_of("1.0.0"), None)
            assert (store.names(), store.latest("spend")) == ([], None)
            assert [k for k in _keys(self.bucket(folder)) if "/1.0.0/" in k] == []

    def test_a_commit_of_no_file_is_refused(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store, {})) is None:
                return
            with refused(NotFound, "Nothing was written"):
                store.commit(target, meta_of("1.0.0"), None)

    def test_what_lost_a_race_may_be_committed_again(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            if (target := self.written(store)) is None:
                return
            self.commit(store, "1.0.0", data=b"first")
            with refused(Conflict):
                store.commit(target, meta_of("1.0.0"), None)
            store.commit(target, meta_of("1.1.0"), "1.0.0")
            assert self.contents(store.get("spend", "1.1.0")) == [b"first", b"second"]
            assert self.contents(store.get("spend", "1.0.0")) == [b"first"]

    @pytest.mark.parametrize("by", ["collect", "begin"])
    def test_what_a_dead_build_wrote_there_is_a_leftover(
        self, folder: Path, by: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket = self.bucket(folder)
        with self.config(folder).open() as store:
            if self.written(store) is None:
                return
            written, there = max(one.written for one in bucket.list("")), len(_staged(bucket))
            if by == "collect":
                with monkeypatch.context() as later:
                    later.setattr(time, "time", lambda: written + LONGEST_COMMIT - 60)
                    assert store.collect(3600.0, dry_run=False) == [], "an engine may take hours for a part"
                assert store.collect(3600.0, dry_run=False) == []
                assert len(store.collect(-3600.0, dry_run=True)) == there == len(_staged(bucket))
                store.collect(-3600.0, dry_run=False)
            else:
                sweep(bucket, "spend", now=written + LONGEST_COMMIT - 1)
                assert len(_staged(bucket)) == there
                sweep(bucket, "spend", now=written + LONGEST_COMMIT + 1)
            assert _keys(bucket) == []


def _direct(store: object, target: Target) -> Target | None:
    """The address in the bucket for a target."""
    assert isinstance(store, DirectStore)
    return store.direct(target)


def _keys(bucket: Bucket) -> list[str]:
    return [one.key for one in bucket.list("")]


def _staged(bucket: Bucket) -> list[str]:
    """What engines wrote, where no commit took it."""
    return [key for key in _keys(bucket) if "/_" in key and not key.endswith("_latest.json")]
