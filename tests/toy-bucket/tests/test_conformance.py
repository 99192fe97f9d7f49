"""The store does all that stores over buckets must, on disk and in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from mlforge.errors import Invalid
from mlforge.plugin import Lack, StoreDescriptor
from mlforge.testing import ObjectStoreTests, PluginTests
from toy_bucket.bucket import FsspecBucket, open_store
from toy_bucket.plugin import FsspecStore

pytestmark = pytest.mark.posix  # its lock is flock


class TestPlugin(PluginTests):
    entry_point = "toy-bucket"


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class OnFsspec(ObjectStoreTests):
    scheme: str

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = tmp_path
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def config(self, folder: Path) -> FsspecStore:
        return FsspecStore(f"{self.scheme}://{folder}/kept")

    def bucket(self, folder: Path | None = None) -> FsspecBucket:
        return open_store(self.config(folder) if folder else FsspecStore(f"{self.scheme}://{self.place}")).bucket

    def broken(self, folder: Path) -> FsspecStore:
        self.bucket(folder).put("file", b"This is no folder.")
        return FsspecStore(f"{self.config(folder).url}/file")

    @pytest.mark.parametrize("doing", ["create", "swap"])
    def test_of_many_writers_at_once_one_wins(self, folder: Path, doing: str, hasty: None) -> None:
        for number in range(20):
            key, start = f"a/{number}", Barrier(4)
            if doing == "swap":
                self.bucket(folder).put(key, b"before")

            def write(who: int, key: str = key, start: Barrier = start) -> bool:
                bucket = self.bucket(folder)
                held = bucket.read(key)
                start.wait()
                data = str(who).encode()
                return bucket.swap(key, data, held.tag) if held else bucket.create(key, data)

            with ThreadPoolExecutor(4) as pool:
                won = list(pool.map(write, range(4)))
            assert won.count(True) == 1
            held = self.bucket(folder).read(key)
            assert held is not None
            assert held.data == str(won.index(True)).encode()


class TestOnDisk(OnFsspec):
    scheme = "file"


ONE_PROCESS = Lack("never", "Each process has a memory of its own.")


class TestInMemory(OnFsspec):
    scheme = "memory"

    def descriptor(self) -> StoreDescriptor:
        lacks = {"of_builders_in_processes_none_loses_what_another_built": ONE_PROCESS}
        return msgspec.structs.replace(super().descriptor(), lacks=lacks)


def test_a_filesystem_without_a_condition_is_refused_in_a_sentence() -> None:
    with pytest.raises(Invalid, match="'sftp' under a condition") as refusal:
        FsspecStore("sftp://ada:hunter2@host/features")
    assert "hunter2" not in str(refusal.value)
    with pytest.raises(Invalid, match="names no folder"):
        FsspecStore("memory://")
