"""Temporary folders of processes that live, and of those that were killed."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from mlforge.plugin import temporary
from mlforge.plugin.temporary import TemporaryFolder, sweep

pytestmark = pytest.mark.posix


OWNER = """
import os, signal, sys
from mlforge.plugin.temporary import TemporaryFolder

folder = TemporaryFolder("test", sys.argv[1])
(folder.path / "rows").write_bytes(b"1")
if sys.argv[2:] and not os.fork():
    sys.stdin.read()
    folder.cleanup()  # of its parent's it takes nothing away
    os._exit(0)
print(folder.path, flush=True)
signal.pause()
"""


def owner(place, *how):
    """A process that has a folder with a file in it, and the folder."""
    command = [sys.executable, "-c", OWNER, place, *how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, place / process.stdout.readline().strip()


@contextmanager
def another(place):
    """The folder of a process that lives until it is killed."""
    process, folder = owner(place)
    with process:
        try:
            yield folder
        finally:
            process.kill()


def test_the_folder_of_a_killed_process_goes_when_another_makes_one(tmp_path):
    with another(tmp_path) as killed:
        assert (killed / "rows").exists()
    assert (killed / "rows").exists()
    ours = TemporaryFolder("test", tmp_path)
    assert list(tmp_path.iterdir()) == [ours.path]
    ours.cleanup()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_living_process_stays(tmp_path):
    with another(tmp_path) as alive:
        sweep(tmp_path)
        assert (alive / "rows").exists()


def test_a_folder_whose_owner_has_a_child_left_stays_until_that_ends(tmp_path):
    process, folder = owner(tmp_path, "with a child")
    with process:
        process.kill()
        process.wait()
        sweep(tmp_path)
        assert folder.exists()
        process.stdin.close()
        assert process.stdout.read() == ""  # its child has ended, too
    assert folder.exists()
    sweep(tmp_path)
    assert not folder.exists()


def test_what_is_of_another_machine_or_user_or_no_folder_stays(tmp_path, monkeypatch):
    with another(tmp_path) as killed:
        pass
    elsewhere = tmp_path / "mlforge-00000000-test-1"
    elsewhere.mkdir()
    link = killed.with_name(f"{killed.name}-link")
    link.symlink_to(elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 12345)
        sweep(tmp_path)
        assert killed.exists()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([elsewhere, link])


def test_a_folder_that_somebody_swept_too_early_is_made_anew(tmp_path, monkeypatch):
    holds = temporary.Hold

    def after_another(path):
        monkeypatch.setattr(temporary, "Hold", holds)
        sweep(tmp_path)
        return holds(path)

    monkeypatch.setattr(temporary, "Hold", after_another)
    folder = temporary.TemporaryFolder("test", tmp_path)
    assert folder.path.is_dir()
    assert holds(folder.path).taken is False
