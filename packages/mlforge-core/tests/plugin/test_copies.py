"""Copies of what is in a bucket, brought to this machine by several threads."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

from mlforge.plugin.objects.staging import fetched


def test_a_process_has_one_folder_for_copies_whoever_asks_first(monkeypatch, tmp_path):
    both, make = Barrier(2, timeout=0.2), tempfile.mkdtemp

    def slow(prefix, **_):
        with suppress(BrokenBarrierError):
            both.wait()
        return make(prefix=prefix, dir=tmp_path)

    monkeypatch.setattr(tempfile, "mkdtemp", slow)
    monkeypatch.setattr(os, "getpid", lambda: -1)  # a process that has none yet
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: fetched("a/data.parquet", "hash"), range(2))
    assert one == other
