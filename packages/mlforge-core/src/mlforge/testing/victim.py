"""A process that commits to a store and exits at its n-th change to the store's folder, as a kill would make it.

Python tells every opening, renaming, linking and removing of a file to audit hooks before it happens; the hook counts
the changes below the folder. Nothing of the store is replaced, and buffers that were not flushed are lost, as in a
kill.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlforge.plugin import StoreConfig
from mlforge.testing.versions import meta_of, write_file

Doing = Literal["commit", "increment", "prune"]
"""What a process does when it dies."""

EXIT = 86
CHANGES = {"os.rename", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.remove", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Errand(msgspec.Struct):
    """What the process is to do: which store, where, in which format, and at which step to die."""

    config: str
    settings: dict[str, Any]
    folder: str
    format: str
    step: int
    doing: Doing


def dies(config: StoreConfig, folder: Path, form: str, step: int, doing: Doing = "commit") -> bool:
    """Whether a process that commits 1.1.0, commits it as an increment or prunes came as far as a step and died."""
    kind = type(config)
    settings = msgspec.to_builtins(config)
    errand = Errand(f"{kind.__module__}:{kind.__qualname__}", settings, str(folder), form, step, doing)
    code = "from mlforge.testing.victim import main; main()"
    line = [sys.executable, "-c", code, msgspec.json.encode(errand).decode()]
    done = subprocess.run(line, capture_output=True, text=True, env=environment(), check=False)  # noqa: S603
    assert done.returncode in (0, EXIT), done.stderr
    return done.returncode == EXIT


def environment() -> dict[str, str]:
    """The variables of a process that can import what this one can."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def main() -> None:
    """Commit 1.1.0 on top of 1.0.0, or prune, and die on the way."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    module, _, name = errand.config.partition(":")
    config = msgspec.convert(errand.settings, getattr(import_module(module), name))
    with config.open() as store:
        die_at(errand.step, errand.folder)
        if errand.doing == "prune":
            store.prune("spend", 1)
            return
        parts = store.get("spend", "1.0.0").meta.parts if errand.doing == "increment" else ()
        target = store.begin("spend", errand.format)
        write_file(target.uri, b"new")
        store.commit(target, meta_of("1.1.0", parts=parts), "1.0.0")


def begin_writing(event: str, args: tuple[Any, ...]) -> None:
    """A file that is opened to be written is there, and empty, when the process dies."""
    if event == "open":
        os.close(os.open(args[0], args[2]))


def changes(event: str, args: tuple[Any, ...]) -> bool:
    """Whether what Python is about to do changes files."""
    return event in CHANGES or (event == "open" and bool(args[2] & WRITING))


def die_at(step: int, folder: str) -> None:
    """Exit at the n-th change to a folder from now on."""
    left = step

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        if changes(event, args) and any(folder in str(a) for a in args):
            left -= 1
            if left == 0:
                begin_writing(event, args)
                os._exit(EXIT)

    sys.addaudithook(watch)
