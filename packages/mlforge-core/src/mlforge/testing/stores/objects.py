"""What a store over a bucket must prove: what every store must, and what buckets make possible."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Conflict, Invalid, MlforgeError, NotFound, PluginFailed
from mlforge.model.meta import Artifact, Part
from mlforge.plugin import Pruned, StoreConfig, verify
from mlforge.plugin.layout import LATEST, LOOK, META
from mlforge.plugin.objects import pruning
from mlforge.plugin.objects.bucket import Bucket
from mlforge.plugin.objects.pruning import LONGEST_COMMIT, sweep
from mlforge.plugin.objects.sending import Taken, nobody
from mlforge.testing.damage import Damage
from mlforge.testing.refusals import refused
from mlforge.testing.stores import PruningStoreTests, StoreTests
from mlforge.testing.stores.direct import DirectTests
from mlforge.testing.stores.growing import grow
from mlforge.testing.stores.missing import MissingTests
from mlforge.testing.versions import local_path, meta_of
from mlforge.testing.victim import Doing

SEVERAL_PARTS = 20 * 1024 * 1024


class Killed(BaseException):
    """What stands for the end of a process: nothing that the store does afterwards reaches the bucket."""


class DyingBucket:
    """A bucket whose user dies before its n-th change, and changes nothing from then on."""

    def __init__(self, bucket: Bucket, step: int) -> None:
        self._bucket = bucket
        self._left = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)

    def _step(self) -> None:
        self._left -= 1
        if self._left <= 0:
            raise Killed

    def create(self, key: str, data: bytes) -> bool:
        self._step()
        return self._bucket.create(key, data)

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        self._step()
        return self._bucket.swap(key, data, tag)

    def put(self, key: str, data: bytes) -> None:
        self._step()
        self._bucket.put(key, data)

    def copy(self, key: str, to: str) -> bool:
        self._step()
        return self._bucket.copy(key, to)  # type: ignore[attr-defined, no-any-return]

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        self._step()
        self._bucket.upload(path, key, taken)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._step()
            self._bucket.delete([key])


class RacedBucket:
    """A bucket in which somebody else flips the pointer just before this user does; or whose answer is lost."""

    def __init__(self, bucket: Bucket, before: Any = None, lost: bool = False) -> None:
        self._bucket = bucket
        self._before = before
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)

    def create(self, key: str, data: bytes) -> bool:
        if key.endswith(LATEST):
            self._overtake()
        return self._told(self._bucket.create(key, data))

    def swap(self, key: str, data: bytes, tag: str) -> bool:
        self._overtake()
        return self._told(self._bucket.swap(key, data, tag))

    def _told(self, done: bool) -> bool:
        """A client that tries again what was done already is told that the condition fails."""
        return done and not self._lost

    def _overtake(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            before()


class ObjectStoreTests(DirectTests, MissingTests, StoreTests, PruningStoreTests):
    """Everything a store over a bucket must prove. A subclass gives its `config`, with a prefix, and the `bucket`.

    Example:
        >>> class TestS3Store(ObjectStoreTests):
        ...     def config(self, folder):
        ...         return mlf.S3Store("features", prefix=folder.name, endpoint_url="http://127.0.0.1:9000")
        >>> TestS3Store().config(Path("a")).prefix
        'a'
    """

    flips_every = 7
    """Of how many bits of data one is flipped: a request takes longer than a look at a disk."""
    most_examples = 5

    def bucket(self, folder: Path | None = None) -> Bucket:
        """The bucket below the prefix of the store that is kept for a folder; all of it for None."""
        raise Invalid("The tests do not say which bucket they look at.", hint="def bucket(self, folder=None): …")

    def contents(self, artifact: Artifact) -> list[bytes]:
        return [b"".join(self.bucket().chunks(self._key(uri)) or ()) for uri in artifact.uris]

    def damage(self, artifact: Artifact, part: int, change: Damage) -> None:
        key = self._key(artifact.uris[part])
        self.bucket().put(key, change(self._held(self.bucket(), key)))

    def rewrite_metadata(self, folder: Path, mark: str, change: Damage) -> None:
        self._rewrite(folder, lambda data: mark.encode() in data, change)

    def rewrite_pointer(self, folder: Path, version: str, change: Damage) -> None:
        self._rewrite(folder, lambda data: version.encode() in data and b"c0ffee" not in data, change)

    def crash(self, config: StoreConfig, folder: Path, step: int, doing: Doing) -> bool:
        with config.open() as store:
            store.bucket = DyingBucket(store.bucket, step)
            try:
                self._do(store, doing)
            except Killed:
                return True
        return False

    def _do(self, store: Any, doing: Doing) -> None:
        if doing == "prune":
            store.prune("spend", 1)
            return
        parts = store.get("spend", "1.0.0").meta.parts if doing == "increment" else ()
        store.commit(self.begin(store, data=b"new"), meta_of("1.1.0", parts=parts), "1.0.0")

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"{self.bucket().where}/")

    def _held(self, bucket: Bucket, key: str) -> bytes:
        held = bucket.read(key)
        assert held is not None, f"nothing is at {key}"
        return held.data

    def _rewrite(self, folder: Path, of_interest: Any, change: Damage) -> None:
        bucket = self.bucket(folder)
        held = {one.key: self._held(bucket, one.key) for one in bucket.list("")}
        found = {key: data for key, data in held.items() if of_interest(data)}
        assert found, "no object holds it"
        for key, data in found.items():
            bucket.put(key, change(data))

    def test_a_condition_holds_or_nothing_is_written(self, folder: Path) -> None:
        bucket = self.bucket(folder)
        assert bucket.read("a/b") is None
        assert bucket.create("a/b", b"1")
        assert not bucket.create("a/b", b"2")
        first = bucket.read("a/b")
        assert first is not None
        assert first.data == b"1"
        assert bucket.swap("a/b", b"3", first.tag)
        assert not bucket.swap("a/b", b"4", first.tag)
        assert not bucket.swap("a/none", b"5", first.tag)
        assert (self._held(bucket, "a/b"), bucket.read("a/none")) == (b"3", None)

    def test_a_listing_is_of_whole_parts_of_keys_and_deleting_is_done_twice(self, folder: Path) -> None:
        bucket = self.bucket(folder)
        for key in ("a/b/c", "a/b.d", "ab/c"):
            bucket.put(key, b"x")
        assert sorted(one.key for one in bucket.list("a")) == ["a/b.d", "a/b/c"]
        assert [(one.key, one.bytes) for one in bucket.list("a/b")] == [("a/b/c", 1)]
        assert list(bucket.list("none")) == []
        for _ in range(2):
            bucket.delete(["a/b/c", "a/none"])
        assert sorted(one.key for one in bucket.list("")) == ["a/b.d", "ab/c"]

    def test_the_pointers_are_had_at_once(self, folder: Path) -> None:
        bucket = self.bucket(folder)
        with self.config(folder).open() as store:
            assert (store.pointers(), list(bucket.folders())) == ({}, [])
            for name in ("plan", "spend"):
                store.commit(self.begin(store, name), meta_of("1.0.0", name), None)
            store.commit(self.begin(store), meta_of("1.1.0"), "1.0.0")
            bucket.put("alone.json", b"no folder")
            for key in (f"torn/{LATEST}", "fresh/1.0.0/data.parquet", "_metadata/manifest.json"):
                bucket.put(key, b"{")
            there = {"fresh": None, "plan": "1.0.0", "spend": "1.1.0", "torn": None}
            assert store.pointers() == there
            assert sorted(bucket.folders()) == ["_metadata", *there]

    def test_large_data_goes_up_in_parts_and_comes_back(self, folder: Path) -> None:
        path = folder / "large"
        path.write_bytes(bytes(range(256)) * (SEVERAL_PARTS // 256) + b"end")
        bucket, told = self.bucket(folder), list[int]()
        bucket.upload(path, "large/data", told.append)
        assert sum(told) == path.stat().st_size
        assert len(told) > 1
        chunks = bucket.chunks("large/data")
        assert chunks is not None
        assert b"".join(chunks) == path.read_bytes()
        assert bucket.chunks("large/none") is None

    def test_an_object_that_goes_while_it_is_read_is_whole_or_gone(self, folder: Path) -> None:
        path, bucket = folder / "large", self.bucket(folder)
        path.write_bytes(bytes(range(256)) * (SEVERAL_PARTS // 256))
        for read in (0, 1):
            bucket.upload(path, "large/data")
            chunks = bucket.chunks("large/data")
            assert chunks is not None
            first = b"".join(islice(chunks, read))
            bucket.delete(["large/data"])
            try:
                found = first + b"".join(chunks)
            except NotFound:
                continue
            assert found == path.read_bytes()

    def test_a_version_is_brought_to_this_machine_and_held_against_its_hashes(self, store: Any) -> None:
        self.commit(store, "1.0.0", data=b"old")
        grow(self, store, "1.0.1", b"more", b"less")
        fetched = store.fetch(store.get("spend", "1.0.1"))
        assert [local_path(uri).read_bytes() for uri in fetched.uris] == [b"old", b"more", b"less"]
        assert verify(store, fetched, relied=True) == fetched == store.fetch(store.get("spend", "1.0.1"))
        self.commit(store, "1.1.0", data=b"whole")
        artifact = store.get("spend", "1.1.0")
        self.damage(artifact, 0, lambda data: data[::-1])
        with refused(Invalid, "spend", "1.1.0") as damaged:
            store.fetch(artifact)
        self.bucket().delete([self._key(artifact.uris[0])])
        with refused(NotFound, "spend", "1.1.0") as gone:
            store.fetch(artifact)
        assert [LOOK in str(found.value.hint) for found in (damaged, gone)] == [True, True]

    def test_who_is_overtaken_at_the_pointer_takes_back_what_was_shown(self, folder: Path) -> None:
        with self.config(folder).open() as one, self.config(folder).open() as other:
            self.commit(one, "1.0.0")
            target = self.begin(other, data=b"late")
            other.bucket = RacedBucket(other.bucket, lambda: self.commit(one, "1.1.0", data=b"first"))
            with refused(Conflict, "spend", "1.1.0"):
                other.commit(target, meta_of("1.0.1"), "1.0.0")
            assert (one.versions("spend"), one.latest("spend")) == (["1.0.0", "1.1.0"], "1.1.0")
            assert not [k for k in self._keys(folder) if "/1.0.1/" in k]
            other.commit(target, meta_of("1.1.1"), "1.1.0")
            assert self.contents(one.get("spend", "1.1.1")) == [b"late"]

    def test_who_is_overtaken_when_pointing_is_told(self, folder: Path) -> None:
        with self.config(folder).open() as one, self.config(folder).open() as other:
            for version in ("1.0.0", "1.1.0"):
                self.commit(one, version)
            other.bucket = RacedBucket(other.bucket, lambda: self.commit(one, "1.2.0"))
            with refused(Conflict, "spend", "1.2.0"):
                other.point("spend", "1.0.0")
            assert one.latest("spend") == "1.2.0"

    def test_an_answer_that_is_lost_is_no_lost_race(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            store.bucket = RacedBucket(store.bucket, lost=True)
            for version in ("1.0.0", "1.1.0"):
                self.commit(store, version, data=version.encode())
            assert (store.versions("spend"), store.latest("spend")) == (["1.0.0", "1.1.0"], "1.1.0")

    @pytest.mark.parametrize("removed", [META, LATEST])
    def test_a_version_that_is_pointed_at_while_it_is_pruned_stays(self, folder: Path, removed: str) -> None:
        with self.config(folder).open() as one, self.config(folder).open() as other:
            for version in ("1.0.0", "1.1.0"):
                self.commit(one, version, data=version.encode())
            if removed == META:  # the pointer flips while the metadata goes
                other.bucket = _Interrupted(other.bucket, lambda: one.point("spend", "1.0.0"))
                assert other.prune("spend", 1).versions == ()
                assert one.latest("spend") == "1.0.0"
            else:  # the metadata goes while the pointer flips
                other.bucket = RacedBucket(other.bucket, lambda: one.prune("spend", 1))
                with refused(MlforgeError, "spend", "1.0.0"):
                    other.point("spend", "1.0.0")
                assert one.latest("spend") == "1.1.0"
            latest = one.latest("spend")
            assert self.contents(one.get("spend", latest)) == [str(latest).encode()]

    def test_a_version_that_is_continued_while_it_is_pruned_stays_readable(self, folder: Path) -> None:
        def go_back_and_grow() -> None:
            one.point("spend", "1.0.0")
            grow(self, one, "1.2.0", b"more")

        with self.config(folder).open() as one, self.config(folder).open() as other:
            for version in ("1.0.0", "1.1.0"):
                self.commit(one, version, data=version.encode())
            other.bucket = _Interrupted(other.bucket, go_back_and_grow)
            assert other.prune("spend", 1) == Pruned(("1.0.0",), 0)
            assert self.contents(one.get("spend", one.latest("spend"))) == [b"1.0.0", b"more"]

    def test_two_may_prune_at_the_same_time(self, folder: Path) -> None:
        with self.config(folder).open() as one, self.config(folder).open() as other:
            for version in ("1.0.0", "1.1.0", "1.2.0"):
                self.commit(one, version, data=version.encode())
            other.latest = lambda name: (one.prune(name, 1), one.latest(name))[1]
            assert other.prune("spend", 2) == Pruned((), 0)
            assert one.versions("spend") == ["1.2.0"]

    def test_leftovers_go_after_a_day_and_nothing_else(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            self.commit(store, "1.0.0", data=b"old")
            store.bucket = DyingBucket(store.bucket, 2)  # dies with its data uploaded
            with pytest.raises(Killed):
                store.commit(self.begin(store), meta_of("1.1.0"), "1.0.0")
        bucket = self.bucket(folder)
        written = max(one.written for one in bucket.list(""))
        for age, left in ((0, 1), (LONGEST_COMMIT + 1, 0)):
            sweep(bucket, "spend", now=written + age)
            assert len([k for k in self._keys(folder) if "/1.1.0/" in k]) == left
        with self.config(folder).open() as store:
            assert self.contents(store.get("spend", "1.0.0")) == [b"old"]

    @pytest.mark.parametrize("doing", ["commit", "receive"])
    def test_what_is_taken_for_a_dead_ones_while_it_is_uploaded_is_not_shown(self, folder: Path, doing: str) -> None:
        with self.config(folder).open() as store:
            bucket = store.bucket
            store.bucket = _Emptied(bucket)
            with refused(Conflict, "removed"):
                if doing == "commit":
                    store.commit(self.begin(store), meta_of("1.0.0"), None)
                else:
                    part = Part("1.0.0/data.parquet", 3, 4, hashlib.sha256(b"rows").hexdigest())
                    store.receive(meta_of("1.0.0", parts=(part,)), lambda _: [b"rows"])
            store.bucket = bucket
            assert (store.names(), store.latest("spend")) == ([], None)

    def test_what_is_left_of_a_lost_race_goes_when_old_versions_do(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with self.config(folder).open() as store:
            for version in ("1.0.0", "1.1.0", "1.2.0"):
                self.commit(store, version, data=version.encode())
            lost = ("spend/1.2.0/data.lost.parquet", "spend/1.0.0/data.lost.parquet")
            for key in lost:
                self.bucket(folder).put(key, b"lost")
            store.prune("spend", 1)
            assert [k for k in self._keys(folder) if "lost" in k] == sorted(lost)
            monkeypatch.setattr(pruning, "LONGEST_COMMIT", -3600.0)
            store.prune("spend", 1)
            self.begin(store)
            assert [k for k in self._keys(folder) if "lost" in k] == []
            assert self.contents(store.get("spend", "1.2.0")) == [b"1.2.0"]

    def test_an_old_version_goes_even_if_it_is_damaged(self, folder: Path) -> None:
        with self.config(folder).open() as store:
            store.commit(self.begin(store), meta_of("1.0.0", owner="mark-55e0"), None)
            self.commit(store, "1.1.0")
            self.rewrite_metadata(folder, "mark-55e0", lambda data: data[:9])
            assert store.prune("spend", 1) == Pruned(("1.0.0",), len(b"rows"))
            assert not [k for k in self._keys(folder) if "/1.0.0/" in k]

    @pytest.mark.parametrize("key", [f"spend/1.0.0/{META}", f"spend/{LATEST}"])
    def test_no_flipped_byte_of_metadata_or_a_pointer_is_read(self, folder: Path, key: str) -> None:
        bucket = self.bucket(folder)
        with self.config(folder).open() as store:
            self.commit(store, "1.0.0")
            data = self._held(bucket, key)
            for place in (4, len(data) // 2, len(data) - 14, len(data) - 6):
                bucket.put(key, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
                with refused(Invalid, key) as found:
                    _ = store.latest("spend") if key.endswith(LATEST) else store.get("spend", "1.0.0")
                assert LOOK in str(found.value.hint)

    def test_a_commit_of_nothing_or_of_another_name_is_refused(self, store: Any) -> None:
        target = store.begin("spend", "parquet")
        with refused(NotFound):
            store.commit(target, meta_of("1.0.0"), None)
        self.fill(target, b"rows")
        with refused(Invalid, "plan", "spend"):
            store.commit(target, meta_of("1.0.0", "plan"), None)
        assert store.names() == []

    def test_a_machine_without_room_is_a_plugin_failure(
        self, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
        with refused(PluginFailed, "file"):
            store.begin("spend", "parquet")

    def _keys(self, folder: Path) -> list[str]:
        return [one.key for one in self.bucket(folder).list("")]


class _Emptied:
    """A bucket in which what is uploaded is gone at once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)

    def upload(self, path: Path, key: str, taken: Taken = nobody) -> None:
        self._bucket.upload(path, key, taken)
        self._bucket.delete([key])


class _Interrupted:
    """A bucket in which something happens just before the first deletion."""

    def __init__(self, bucket: Bucket, before: Any) -> None:
        self._bucket = bucket
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)

    def delete(self, keys: Sequence[str]) -> None:
        before, self._before = self._before, None
        if before is not None:
            before()
        self._bucket.delete(keys)
